"""Clients that send a part of a command and are gone: nothing of it takes effect, and nobody else meets it.

There is one connection to each server, so whoever comes next gets what the vanished client had, if anything is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from dataclasses import dataclass

import rawcompression
from attack_bed import MIB, SCHEMA, Bed, header, must_be, reset_socket, until
from cluster import accounts
from cluster.state import HOST
from leak.client import Client
from rawmysql import CLIENT_CONNECT_WITH_DB, DEFAULT_CAPABILITIES, MAX_FRAME, frame

SETTINGS = {"server": {"max_connections": "1"}, "pool": {"mode": '"transaction"'}}
CLIENT_LOCAL_FILES = 1 << 7
COM_STMT_LONG_DATA = 0x18
COM_CHANGE_USER = 0x11
# So much more than all buffers on the way hold that most of it has reached the server when it has been sent.
LONG = 24 * MIB
INSERT = f"INSERT INTO {SCHEMA}.texts VALUES (1, '".encode()


@dataclass(frozen=True)
class Half:
    """What a client sends before it is gone. `streamed`: a server has the beginning of it already."""

    name: str
    send: Callable[[Client], None]
    streamed: bool = False
    capabilities: int = 0


def raw(data: bytes) -> Callable[[Client], None]:
    return lambda client: client.write_bytes(data)


def long_statement(head: bytes, end: bytes = b"") -> bytes:
    """The beginning of a command in two frames, the second of which is never whole."""
    first = (b"\x03" + head).ljust(MAX_FRAME, b"x")
    return frame(first, 0) + header(LONG - MAX_FRAME + 1, 1) + end.rjust(LONG - MAX_FRAME, b"x")


def transaction_with(data: bytes) -> Callable[[Client], None]:
    def send(client: Client) -> None:
        client.run("BEGIN")
        client.run(f"INSERT INTO {SCHEMA}.t VALUES (1)")
        client.run("SET @marker = 'left behind'")
        client.write_bytes(data)
    return send


def half_execute(client: Client) -> None:
    prepared = client.prepare(f"INSERT INTO {SCHEMA}.texts VALUES (1, ?)")
    head = struct.pack("<BIBI", 0x17, prepared.number, 0, 1) + b"\0\1\xfc\0\xfe" + struct.pack("<Q", LONG)
    client.write_bytes(frame(head.ljust(MAX_FRAME, b"x"), 0) + header(LONG - MAX_FRAME + len(head), 1))
    client.write_bytes(b"x" * (LONG - MAX_FRAME))


def only_long_data(client: Client) -> None:
    prepared = client.prepare(f"INSERT INTO {SCHEMA}.texts VALUES (1, ?)")
    client.command(COM_STMT_LONG_DATA, struct.pack("<IH", prepared.number, 0) + b"x" * 100000)
    client.write_bytes(header(3 * MIB) + bytes([COM_STMT_LONG_DATA]) + struct.pack("<IH", prepared.number, 0)
                       + b"x" * 2 * MIB)


def half_file(client: Client) -> None:
    client.command(0x03, f"LOAD DATA LOCAL INFILE 'lines' INTO TABLE {SCHEMA}.t".encode())
    must_be(client.read_packet(), b"\xfblines", "the question for the file")
    client.write_bytes(frame(b"".join(b"%d\n" % number for number in range(20000)), 2) + header(100, 3) + b"5\n")


HALVES = (
    Half("half a header", raw(b"\x20\0")),
    Half("a header", raw(header(100))),
    Half("half an INSERT", raw(header(100) + b"\x03" + INSERT)),
    Half("an INSERT but for its last byte", raw(frame(b"\x03" + INSERT + b"x')", 0)[:-1])),
    Half("more of an INSERT than is kept", raw(header(3 * MIB) + b"\x03" + INSERT.ljust(2 * MIB, b"x")), True),
    Half("most of a long INSERT", raw(long_statement(INSERT)), True),
    Half("a long INSERT but for its last byte", raw(long_statement(INSERT, b"')")), True),
    Half("a full frame that would be a statement", raw(long_statement(INSERT)[:MAX_FRAME + 2] + b"')"), True),
    Half("the same, in a transaction", transaction_with(long_statement(INSERT)), True),
    Half("a short one, in a transaction", transaction_with(header(100) + b"\x03" + INSERT), True),
    Half("most of a long execute", half_execute, True),
    Half("long data without an execute", only_long_data),
    Half("half a file", half_file, True, CLIENT_LOCAL_FILES),
    Half("half a change of user", raw(header(60) + bytes([COM_CHANGE_USER]) + b"app\0\x14abc")),
)


def packed(client: Client) -> None:
    """Whole compressed packets in which a command begins, and half of one behind them."""
    client.write_bytes(header(3 * MIB) + b"\x03" + INSERT.ljust(2 * MIB, b"x"))
    assert isinstance(client.stream, rawcompression.PackedSocket)
    client.stream.send_raw(rawcompression.packet(b"x" * 100, 1, 0, 1000))


def leave(client: Client, way: int) -> None:
    """A close, a reset, or an end of what is sent while the client still listens."""
    if way == 0:
        return client.close()
    if way == 1:
        # A reset takes back what is still on its way.
        until(lambda: not unsent(client), "all has arrived")
        return reset_socket(client)
    with contextlib.suppress(ConnectionResetError):
        client.stream.shutdown(socket.SHUT_WR)
        while client.stream.recv(1 << 16):
            pass
    return client.close()


def unsent(client: Client) -> int:
    """Bytes that the other side's kernel does not have yet."""
    return int.from_bytes(fcntl.ioctl(client.stream.fileno(), termios.TIOCOUTQ, bytes(4)), "little")


def check_half(bed: Bed, half: Half) -> None:
    for way in range(3):
        with bed.client() as client:  # so that there is a connection to the primary, and it is not in use
            client.run("SET @mine = 1")
            client.reset()
        until(lambda: len(bed.threads()) == 1, "one connection to the primary")
        client = Client.tcp(HOST, bed.weir.port)
        client.login(accounts.APP.name, accounts.APP.password, SCHEMA, capabilities=DEFAULT_CAPABILITIES
                     | half.capabilities | CLIENT_CONNECT_WITH_DB)
        if half.capabilities & rawcompression.CLIENT_COMPRESS:
            rawcompression.PackedSocket.put_under(client, rawcompression.Method.zlib)
        client.run("/* weir: primary */ SELECT 1")
        before = bed.threads()
        half.send(client)
        leave(client, way)
        if half.streamed:
            until(lambda seen=before: not seen & bed.threads(), "the server's thread is gone")  # type: ignore[misc]
        with bed.client() as after:
            must_be(after.one("SELECT @marker"), (None,), "a user variable")
            must_be(after.run(f"SELECT * FROM {SCHEMA}.t FOR UPDATE").rows, [], "rows of t")
            must_be(after.run(f"SELECT id FROM {SCHEMA}.texts FOR UPDATE").rows, [], "rows of texts")
            must_be(after.run(f"INSERT INTO {SCHEMA}.t VALUES (1)").affected_rows, 1, "an INSERT")
            must_be(after.run(f"DELETE FROM {SCHEMA}.t").affected_rows, 1, "a DELETE")
        must_be((bed.count("t"), bed.count("texts")), (0, 0), "rows")


def check_packed(bed: Bed) -> None:
    check_half(bed, Half("", packed, True, rawcompression.CLIENT_COMPRESS))


TESTS = tuple((f"half a command: {half.name}", lambda bed, half=half: check_half(bed, half)) for half in HALVES) + (
    ("half a command: in compressed packets", check_packed),
)
