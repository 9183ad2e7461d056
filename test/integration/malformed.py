#!/usr/bin/env python3
"""Sends broken packets to a real server and to weir, and compares what they say.

Compared are the error number, the SQLSTATE, the packet's sequence number, and whether the connection lives.
WEIR_TEST_CLUSTER names a running cluster's folder, WEIR_BINARY the program. The last line is
`N passed, N failed`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import rawmysql as raw  # noqa: E402
from cluster import accounts, state  # noqa: E402
from rawmysql import Connection, ConnectionLost  # noqa: E402
from weir import running  # noqa: E402

PATIENCE = 30.0  # for an answer that must come
SILENCE = 1.5    # after which no answer counts as none
OTHER_SESSIONS = 8
CLIENT_PLUGIN_AUTH_LENENC_DATA = 1 << 21
CLIENT_SSL = 1 << 11
CLIENT_QUERY_ATTRIBUTES = 1 << 27
COM_FIELD_LIST, COM_CHANGE_USER, COM_SET_OPTION = 0x04, 0x11, 0x1B
COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_LONG_DATA = 0x16, 0x17, 0x18
COM_STMT_CLOSE, COM_STMT_RESET, COM_STMT_FETCH = 0x19, 0x1A, 0x1C
COM_STMT_BULK_EXECUTE = 0xFA
PING = raw.frame(bytes([raw.COM_PING]), 0)

# What weir does otherwise on purpose, by flavour ("" is both) and case, with the reason.
DIFFERENCES: dict[tuple[str, str], str] = {
    ("", "response: a header of 16 MiB"): "a stranger gets 64 KiB: weir refuses at the header, a server waits for more",
    ("", "response: schema without its end"): "a server reads to the packet's end, weir takes no text without its end",
    ("mysql", "response: a user of 300 bytes"): "the same refusal, one step earlier",
    ("mysql", "response: SSL asked for"): "this server offers TLS, weir does not",
    ("mariadb", "bulk: unknown statement"): "weir looks for the statement first",
    ("mariadb", "execute: no parameters"): "weir looks first, and says what a MySQL says",
    ("mysql", "reset: half an id"): "weir says what a MariaDB says",
    ("mysql", "fetch: half an id"): "weir says what a MariaDB says",
    ("mysql", "close: half an id"): "a command without an answer has none, as with a MariaDB",
    ("mysql", "long data: half an id"): "a command without an answer has none, as with a MariaDB",
    ("mariadb", "change user: empty"): "weir closes after a login that it cannot read, as a MySQL does",
    ("mariadb", "change user: no end"): "weir closes after a login that it cannot read, as a MySQL does",
    ("mariadb", "change user: proof too long"): "weir closes after a login that it cannot read, as a MySQL does",
}


@dataclass(frozen=True)
class Case:
    name: str
    send: Callable[[Connection], None]
    logged_in: bool = True
    capabilities: int = 0  # beyond the usual
    answers: bool = True   # False: nothing is to be answered, and the connection shows its state by a ping
    others: Case | None = None  # what other sessions do first


def observe(connection: Connection, case: Case) -> str:
    """What the other side makes of a case, in one line."""
    try:
        case.send(connection)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it closed while we wrote: the answer is still to be read
    seen = []
    if case.answers:
        seen.append(_answer(connection))
    seen.append(_life(connection, case.logged_in) if seen != ["closed"] else "")
    return ", ".join(part for part in seen if part)


def _answer(connection: Connection) -> str:
    connection.stream.settimeout(PATIENCE)
    try:
        packet = connection.read_packet()
    except TimeoutError:
        return "silence"
    except (ConnectionLost, ConnectionResetError):
        return "closed"
    sequence = (connection.sequence - 1) % 256
    if packet[:1] == b"\xff":
        error = raw.ServerError(packet)
        return f"{error.code} ({error.sqlstate}) sequence {sequence}"
    if packet[:1] == b"\x00":
        return f"OK sequence {sequence}"
    if packet[:1] == b"\xfe":
        return f"switch or end sequence {sequence}"
    return f"result sequence {sequence}"


def _life(connection: Connection, logged_in: bool) -> str:
    """Is the connection still there? A ping asks a session; a login is only listened to."""
    connection.stream.settimeout(PATIENCE if logged_in else SILENCE)
    try:
        if logged_in:
            connection.write_bytes(PING)
        while True:
            packet = connection.read_packet()
            if packet[:1] == b"\x00" and len(packet) >= 7:
                return "lives"
            if packet[:1] == b"\xff":
                return f"then {raw.ServerError(packet).code}"
    except TimeoutError:
        return "silent" if logged_in else "lives"
    except (ConnectionLost, OSError):
        return "closed"


# The cases. Rows of bytes that a client should never send.

def response(auth: bytes = b"", user: bytes = b"app\0", tail: bytes | None = None, extra: int = 0) -> bytes:
    """A handshake response by hand; `tail` replaces all that follows the user's name."""
    capabilities = raw.DEFAULT_CAPABILITIES | extra
    payload = struct.pack("<IIB23x", capabilities, raw.MAX_FRAME + 1, raw.UTF8MB4_GENERAL_CI) + user
    if tail is not None:
        return payload + tail
    return payload + bytes([len(auth)]) + auth + b"mysql_native_password\0"


def reply(payload: bytes, sequence: int = 1) -> Callable[[Connection], None]:
    return lambda connection: connection.write_bytes(raw.frame(payload, sequence))


def data(*chunks: bytes) -> Callable[[Connection], None]:
    return lambda connection: connection.write_bytes(b"".join(chunks))


def command(payload: bytes) -> Callable[[Connection], None]:
    return lambda connection: connection.write_bytes(raw.frame(payload, 0))


def statement_command(code: int, tail: bytes, text: bytes = b"SELECT ?") -> Callable[[Connection], None]:
    """A command about a statement that exists; `tail` follows its id."""
    def send(connection: Connection) -> None:
        connection.command(COM_STMT_PREPARE, text)
        head = connection.read_packet()
        statement, columns, parameters = struct.unpack_from("<IHH", head, 1)
        for count in (parameters, columns):
            for _ in range(count + 1 if count else 0):  # the definitions and their EOF
                connection.read_packet()
        connection.write_bytes(raw.frame(bytes([code]) + struct.pack("<I", statement) + tail, 0))
    return send


def long_query(connection: Connection) -> None:
    """A query of exactly one full frame must wait for the empty one behind it."""
    text = b"\x03SELECT 1 -- "
    connection.write_bytes(raw.frame(text + b"x" * (raw.MAX_FRAME - len(text)), 0))
    connection.stream.settimeout(SILENCE)
    with contextlib.suppress(TimeoutError):
        connection.read_packet()
        raise AssertionError("it ran before its end had come")
    connection.write_bytes(raw.frame(b"", 1))


FULL = raw.frame(b"\x03SELECT 1 -- ".ljust(raw.MAX_FRAME, b"x"), 0)
LENENC = CLIENT_PLUGIN_AUTH_LENENC_DATA
DATABASE = raw.CLIENT_CONNECT_WITH_DB
UNKNOWN = struct.pack("<I", 4711)

LOGIN_CASES = [
    Case("response: empty", reply(b""), False),
    Case("response: three bytes", reply(b"\x01\x02\x03"), False),
    Case("response: capabilities only", reply(response()[:4]), False),
    Case("response: no user", reply(response()[:32]), False),
    Case("response: sequence 5", reply(response(), 5), False),
    Case("response: sequence 0", reply(response(), 0), False),
    Case("response: an HTTP request", data(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), False),
    Case("response: user without its end", reply(response(user=b"a" * 40, tail=b"")), False),
    Case("response: schema without its end",
         reply(response(extra=DATABASE, tail=b"\0" + b"schema_without_end")), False),
    Case("response: proof longer than the packet", reply(response(tail=b"\xc8abc")), False),
    Case("response: proof of 2^64-1 bytes", reply(response(tail=b"\xfe" + b"\xff" * 8 + b"abc", extra=LENENC)), False),
    Case("response: proof of 2^24-1 bytes", reply(response(tail=b"\xfd\xff\xff\xffabc", extra=LENENC)), False),
    Case("response: proof of NULL length", reply(response(tail=b"\xfbabc", extra=LENENC)), False),
    Case("response: proof of no length", reply(response(tail=b"\xffabc", extra=LENENC)), False),
    Case("response: a header of 16 MiB", data(b"\xff\xff\xff\x01", b"x" * 100), False),
    Case("response: a user of 300 bytes", reply(response(user=b"u" * 300 + b"\0")), False),
    Case("response: SSL asked for", reply(response(extra=CLIENT_SSL)[:32]), False),
]

TYPES = Case("execute: types", statement_command(COM_STMT_EXECUTE, b"\0\1\0\0\0\0\1\xfe\0\2hi"))
NO_TYPES = Case("execute: no types the first time", statement_command(COM_STMT_EXECUTE, b"\0\1\0\0\0\0\0\1"))

COMMAND_CASES = [
    Case("command: empty", command(b"")),
    Case("command: 0xff", command(b"\xff")),
    Case("command: 0x22", command(b"\x22")),
    Case("command: COM_SLEEP", command(b"\x00")),
    Case("command: COM_CONNECT", command(b"\x0b")),
    Case("command: sequence 3", data(raw.frame(b"\x0e", 3))),
    Case("command: sequence 1 on a query", data(raw.frame(b"\x03SELECT 1", 1))),
    Case("command: one full frame and an empty one", long_query),
    Case("command: continued with sequence 0", data(FULL, raw.frame(b"x", 0))),
    Case("command: continued with sequence 7", data(FULL, raw.frame(b"x", 7))),
    Case("query: empty", command(b"\x03")),
    Case("query: only a NUL", command(b"\x03\0")),
    Case("schema: empty", command(b"\x02")),
    Case("execute: unknown statement", command(bytes([COM_STMT_EXECUTE]) + UNKNOWN + b"\0\1\0\0\0")),
    Case("execute: no id", command(bytes([COM_STMT_EXECUTE]))),
    Case("execute: half an id", command(bytes([COM_STMT_EXECUTE]) + b"\1\0")),
    Case("execute: unknown id and nothing else", command(bytes([COM_STMT_EXECUTE]) + UNKNOWN)),
    Case("execute: no parameters", statement_command(COM_STMT_EXECUTE, b"\0\1\0\0\0")),
    Case("execute: types promised and missing", statement_command(COM_STMT_EXECUTE, b"\0\1\0\0\0\0\1")),
    Case("execute: half of a type", statement_command(COM_STMT_EXECUTE, b"\0\1\0\0\0\0\1\x08")),
    Case("execute: value missing", statement_command(COM_STMT_EXECUTE, b"\0\1\0\0\0\0\1\x08\0")),
    Case("execute: value cut", statement_command(COM_STMT_EXECUTE, b"\0\1\0\0\0\0\1\x08\0\1\2\3")),
    Case("execute: text longer than the packet",
         statement_command(COM_STMT_EXECUTE, b"\0\1\0\0\0\0\1\xfe\0\xfe" + b"\xff" * 8)),
    NO_TYPES,
    replace(NO_TYPES, name="execute: no types, which other sessions gave", others=TYPES),
    Case("reset: unknown statement", command(bytes([COM_STMT_RESET]) + UNKNOWN)),
    Case("reset: half an id", command(bytes([COM_STMT_RESET]) + b"\1\0")),
    Case("fetch: unknown statement", command(bytes([COM_STMT_FETCH]) + UNKNOWN + b"\1\0\0\0")),
    Case("fetch: half an id", command(bytes([COM_STMT_FETCH]) + b"\1\0")),
    Case("fetch: without a cursor", statement_command(COM_STMT_FETCH, b"\1\0\0\0")),
    Case("close: unknown statement", command(bytes([COM_STMT_CLOSE]) + UNKNOWN), answers=False),
    Case("close: half an id", command(bytes([COM_STMT_CLOSE]) + b"\1\0"), answers=False),
    Case("long data: unknown statement", command(bytes([COM_STMT_LONG_DATA]) + UNKNOWN + b"\0\0x"), answers=False),
    Case("long data: half an id", command(bytes([COM_STMT_LONG_DATA]) + b"\1\0"), answers=False),
    Case("change user: empty", command(bytes([COM_CHANGE_USER]))),
    Case("change user: no end", command(bytes([COM_CHANGE_USER]) + b"app")),
    Case("change user: proof too long", command(bytes([COM_CHANGE_USER]) + b"app\0\xc8abc")),
    Case("field list: empty", command(bytes([COM_FIELD_LIST]))),
    Case("field list: no schema", command(bytes([COM_FIELD_LIST]) + b"t\0")),
    Case("set option: empty", command(bytes([COM_SET_OPTION]))),
    Case("set option: unknown", command(bytes([COM_SET_OPTION]) + b"\x09\0")),
    Case("prepare: empty", command(bytes([COM_STMT_PREPARE]))),
]



def attribute(value: bytes, kind: int = 0xFE, count: int = 1, sets: int = 1, null: int = 0, types: int = 1) -> bytes:
    """A query with one attribute called "a"; `count`, `sets` and `types` may lie."""
    return b"\x03" + bytes([count, sets, null, types]) + struct.pack("<H", kind) + b"\1a" + value + b"SELECT 1"


def attribute_case(name: str, payload: bytes) -> Case:
    return Case(f"attributes: {name}", command(payload), capabilities=CLIENT_QUERY_ATTRIBUTES)


def execute_case(name: str, tail: bytes, text: bytes = b"SELECT ?") -> Case:
    return Case(f"attributes: execute with {name}", statement_command(COM_STMT_EXECUTE, tail, text),
                capabilities=CLIENT_QUERY_ATTRIBUTES)


# MySQL only.
ATTRIBUTE_CASES = [
    attribute_case("none", b"\x03\0\1SELECT 1"),
    attribute_case("no statement", b"\x03\0\1"),
    attribute_case("nothing at all", b"\x03"),
    attribute_case("no set", b"\x03\0\0SELECT 1"),
    attribute_case("a text", attribute(b"\2hi")),
    attribute_case("NULL", attribute(b"", null=1)),
    attribute_case("two sets", attribute(b"\2hi", sets=2)),
    attribute_case("no types", attribute(b"\2hi", types=0)),
    attribute_case("more counted than there are", attribute(b"\2hi", count=200)),
    attribute_case("a count that is NULL", b"\x03\xfb\1SELECT 1"),
    attribute_case("a huge count", b"\x03\xfe" + b"\xff" * 8 + b"\1" + bytes(100)),
    attribute_case("a value longer than the packet", attribute(b"\x50hi")),
    attribute_case("a name longer than the packet", b"\x03\1\1\0\1\xfe\0\xfaab"),
    attribute_case("a time of a strange length", attribute(b"\x09" + bytes(9), kind=11)),
    attribute_case("a type that no server has", attribute(b"\2hi", kind=0x7F)),
    execute_case("count", b"\x08\1\0\0\0\1\0\1\xfe\0\0\2hi"),
    execute_case("count, without its flag", b"\0\1\0\0\0\1\0\1\xfe\0\0\2hi"),
    execute_case("an attribute", b"\x08\1\0\0\0\2\0\1\xfe\0\0\xfe\0\1a\2hi\2ho"),
    execute_case("an attribute and no parameter", b"\x08\1\0\0\0\1\0\1\xfe\0\1a\2ho", b"SELECT 1"),
    execute_case("an attribute of no type", b"\x08\1\0\0\0\2\0\0\2hi\2ho"),
    execute_case("too few", b"\x08\1\0\0\0\0"),
    execute_case("no count", b"\x08\1\0\0\0"),
    execute_case("a name longer than the packet", b"\x08\1\0\0\0\1\0\1\xfe\0\xfa"),
]

# MariaDB only, from a client that has not agreed on bulk operations.
BULK_CASES = [
    Case("bulk: not agreed on", statement_command(COM_STMT_BULK_EXECUTE, b"\x80\0\xfe\0\0\2hi", b"DO ?")),
    Case("bulk: unknown statement", command(bytes([COM_STMT_BULK_EXECUTE]) + UNKNOWN + b"\x80\0")),
    Case("bulk: too short", command(bytes([COM_STMT_BULK_EXECUTE]) + UNKNOWN)),
]


@contextlib.contextmanager
def session(opener: Callable[[], Connection], case: Case) -> Iterator[Connection]:
    with contextlib.closing(opener()) as connection:
        connection.read_greeting()
        if case.logged_in:
            connection.login(accounts.APP.name, accounts.APP.password,
                             capabilities=raw.DEFAULT_CAPABILITIES | case.capabilities)
        yield connection


def outcome(opener: Callable[[], Connection], case: Case) -> str:
    if case.others is not None:
        # More than one of each, so that what others left on a pooled connection is met again.
        for _ in range(OTHER_SESSIONS):
            outcome(opener, case.others)
        alone = replace(case, others=None)
        return " or ".join(sorted({outcome(opener, alone) for _ in range(OTHER_SESSIONS)}))
    try:
        with session(opener, case) as connection:
            return observe(connection, case)
    except AssertionError as error:
        return str(error)


def judge(flavor: str, case: Case, server: str, weir: str) -> str:
    """Empty when all is well, else what is wrong."""
    reason = DIFFERENCES.get((flavor, case.name)) or DIFFERENCES.get(("", case.name))
    if server == weir:
        return f"no difference any more, but one is listed: {reason}" if reason else ""
    return "" if reason else f"the server: {server}; weir: {weir}"


def main() -> int:
    cluster = state.load(Path(os.environ["WEIR_TEST_CLUSTER"]))
    node = cluster.node(cluster.primary)
    counts = {True: 0, False: 0}
    with tempfile.TemporaryDirectory(prefix="weir-malformed.") as folder, \
            running(Path(os.environ["WEIR_BINARY"]), cluster, Path(folder)) as weir:
        own_cases = ATTRIBUTE_CASES if cluster.flavor == "mysql" else BULK_CASES
        for case in LOGIN_CASES + COMMAND_CASES + own_cases:
            # Over its socket a server takes the password without TLS; what follows is the same.
            server = outcome(lambda: Connection.unix(str(node.socket), PATIENCE), case)
            ours = outcome(lambda: Connection.tcp(state.HOST, weir.port, PATIENCE), case)
            wrong = judge(cluster.flavor, case, server, ours)
            counts[not wrong] += 1
            print(f"{'FAILED' if wrong else 'ok'}  {case.name}: {wrong or ours}", flush=True)
            if not weir.running():
                print(f"FAILED  weir has ended:\n{weir.log_tail()}")
                counts[False] += 1
                break
        else:
            # After all that, it serves as before.
            with contextlib.closing(weir.connect()) as connection:
                alive = connection.query("SELECT 'well'") == [("well",)]
            counts[alive] += 1
            print(f"{'ok' if alive else 'FAILED'}  it still serves")
    print(f"{counts[True]} passed, {counts[False]} failed")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    socket.setdefaulttimeout(PATIENCE)
    sys.exit(main())
