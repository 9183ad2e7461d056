"""Every command of the protocol on a raw connection, and every byte of each reply as named fields.

    client = CommandClient(connection, capabilities)
    client.send(COM_QUERY, b"SELECT 1")
    for packet in client.read_results():
        print(packet.kind, packet.fields)

The decoders are in `reply_packets.py`. A reply is a list of packets; each says its kind
(`columns`, `column`, `row`, `ok`, `eof`, `error`, ...) and its fields, so that two replies can be compared field by
field. No byte is left out: what a decoder does not know ends up in a field `rest`.
"""

from __future__ import annotations

import struct

from rawmysql import (CLIENT_CONNECT_WITH_DB, CLIENT_LONG_FLAG, CLIENT_LONG_PASSWORD, CLIENT_PLUGIN_AUTH,
                      CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION, CLIENT_TRANSACTIONS, SERVER_MORE_RESULTS_EXISTS,
                      Connection, ConnectionLost, scrambled)
from reply_packets import Packet, decode_column, decode_error, decode_eof, decode_ok, decode_prepared, decode_row

CLIENT_FOUND_ROWS = 1 << 1
CLIENT_NO_SCHEMA = 1 << 4
CLIENT_LOCAL_FILES = 1 << 7
CLIENT_IGNORE_SPACE = 1 << 8
CLIENT_INTERACTIVE = 1 << 10
CLIENT_PS_MULTI_RESULTS = 1 << 18
CLIENT_SESSION_TRACK = 1 << 23
CLIENT_DEPRECATE_EOF = 1 << 24
SERVER_STATUS_CURSOR_EXISTS = 1 << 6

BASE = (CLIENT_LONG_PASSWORD | CLIENT_LONG_FLAG | CLIENT_PROTOCOL_41 | CLIENT_TRANSACTIONS
        | CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH)

NO_PASSWORD = bytes(256)  # as long as an encrypted one, and certainly wrong
COM_QUIT, COM_INIT_DB, COM_QUERY, COM_FIELD_LIST = 0x01, 0x02, 0x03, 0x04
COM_STATISTICS, COM_PROCESS_KILL, COM_PING, COM_CHANGE_USER = 0x09, 0x0C, 0x0E, 0x11
COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_SEND_LONG_DATA = 0x16, 0x17, 0x18
COM_STMT_CLOSE, COM_STMT_RESET, COM_SET_OPTION, COM_STMT_FETCH = 0x19, 0x1A, 0x1B, 0x1C
COM_RESET_CONNECTION = 0x1F


class CommandClient:
    """Sends commands and reads whole replies. A reply that ends early ends with a packet `closed` or `silence`."""

    def __init__(self, connection: Connection, capabilities: int, collation: int) -> None:
        self.connection = connection
        self.capabilities = capabilities | BASE
        self.collation = collation
        self.files: dict[str, bytes] = {}
        self.lost = ""  # why nothing more can be said here

    @property
    def deprecate_eof(self) -> bool:
        return bool(self.capabilities & CLIENT_DEPRECATE_EOF)

    # Login

    def login(self, user: str, password: str, schema: str | None) -> Packet:
        """The last packet of the login, which is all of it that a client sees."""
        greeting = self.connection.read_greeting()
        method = greeting.plugin
        if schema:
            self.capabilities |= CLIENT_CONNECT_WITH_DB
        proof = scrambled(method, password, greeting.scramble)
        payload = struct.pack("<IIB23x", self.capabilities, 1 << 30, self.collation & 0xFF)
        payload += user.encode() + b"\0" + bytes([len(proof)]) + proof
        payload += (schema.encode() + b"\0" if schema else b"") + method.encode() + b"\0"
        self.connection.write_packet(payload)
        return self._finish_login(method, password, greeting.scramble)

    def change_user(self, user: str, password: str, schema: str, collation: int) -> Packet:
        assert self.connection.greeting is not None
        greeting = self.connection.greeting
        proof = scrambled(greeting.plugin, password, greeting.scramble)
        payload = user.encode() + b"\0" + bytes([len(proof)]) + proof + schema.encode() + b"\0"
        payload += struct.pack("<H", collation) + greeting.plugin.encode() + b"\0"
        if not self.send(COM_CHANGE_USER, payload):
            return self._gone()
        return self._finish_login(greeting.plugin, password, greeting.scramble, encrypted=NO_PASSWORD)

    def _finish_login(self, method: str, password: str, scramble: bytes, encrypted: bytes = b"") -> Packet:
        """Answer what the server wants to know, up to its OK or error.

        A server that does not accept the short proof asks for the whole password, which travels encrypted; this
        client cannot encrypt, and sends `encrypted` in its place.
        """
        while True:
            payload = self._read()
            if payload is None:
                return self._gone()
            if payload[:1] == b"\xfe":
                name, _, data = payload[1:].partition(b"\0")
                method, scramble = name.decode(), data.rstrip(b"\0")
                if method == "sha256_password":  # MySQL's for some names that do not exist: asks for its key
                    self.connection.write_packet(b"\x01")
                else:
                    self.connection.write_packet(scrambled(method, password, scramble))
            elif payload.startswith(b"\x01-----BEGIN") and encrypted:
                self.connection.write_packet(encrypted)
            elif payload == b"\x01\x04" and encrypted:
                self.connection.write_packet(encrypted)
            elif payload == b"\x01\x04":
                raise ConnectionLost("the server has forgotten the password of this account")
            elif payload != b"\x01\x03":
                return self._ok_or_error(payload)

    # Sending

    def send(self, code: int, argument: bytes = b"") -> bool:
        """False when the connection is gone."""
        if self.lost:
            return False
        try:
            self.connection.command(code, argument)
        except OSError:
            self.lost = "closed"
        return not self.lost

    # Replies by shape

    def read_ok(self) -> list[Packet]:
        payload = self._read()
        return [self._gone() if payload is None else self._ok_or_error(payload)]

    def read_text(self) -> list[Packet]:
        """The reply to COM_STATISTICS: words, with no header."""
        payload = self._read()
        if payload is None:
            return [self._gone()]
        return [decode_error(payload)] if payload[:1] == b"\xff" else [Packet("text", {"text": payload})]

    def read_results(self, binary: bool = False) -> list[Packet]:
        """All results of a statement."""
        packets: list[Packet] = []
        while True:
            status = self._read_one_result(packets, binary)
            if not status & SERVER_MORE_RESULTS_EXISTS:
                return packets

    def read_rows(self, packets: list[Packet], binary: bool) -> int:
        """Rows up to their end; the status bits that came with it (0 after an error)."""
        while True:
            payload = self._read()
            if payload is None:
                packets.append(self._gone())
                return 0
            if payload[:1] == b"\xff":
                packets.append(decode_error(payload))
                return 0
            if payload[:1] == b"\xfe" and len(payload) < 0xFFFFFF:
                return self._end_of_rows(packets, payload)
            packets.append(decode_row(payload, binary))

    def read_definitions(self) -> list[Packet]:
        """The reply to COM_FIELD_LIST: definitions with default values, and an end."""
        packets: list[Packet] = []
        while True:
            payload = self._read()
            if payload is None:
                return [*packets, self._gone()]
            if payload[:1] == b"\xff":
                return [*packets, decode_error(payload)]
            if payload[:1] == b"\xfe" and len(payload) < 0xFFFFFF:
                self._end_of_rows(packets, payload)
                return packets
            packets.append(decode_column(payload))

    def read_prepared(self) -> list[Packet]:
        """The reply to COM_STMT_PREPARE: its head, parameters, columns."""
        payload = self._read()
        if payload is None:
            return [self._gone()]
        if payload[:1] == b"\xff":
            return [decode_error(payload)]
        head = decode_prepared(payload)
        packets = [head]
        for count in (head.fields["parameters"], head.fields["columns"]):
            assert isinstance(count, int)
            if count and not self._read_columns(packets, count):
                break
        return packets

    # Parts of replies

    def _read_one_result(self, packets: list[Packet], binary: bool) -> int:
        payload = self._read()
        if payload is None:
            packets.append(self._gone())
            return 0
        if payload[:1] == b"\xfb":
            name = payload[1:]
            packets.append(Packet("infile", {"name": name}))
            self._send_file(name.decode())
            return self._read_one_result(packets, binary)
        if payload[:1] in (b"\x00", b"\xff"):
            packets.append(self._ok_or_error(payload))
            return _status(packets[-1])
        count = _length(payload)
        packets.append(Packet("columns", {"count": count, "rest": payload[1:] if count < 251 else b""}))
        if not self._read_columns(packets, count):
            return 0
        if packets[-1].kind == "eof" and _status(packets[-1]) & SERVER_STATUS_CURSOR_EXISTS:
            return _status(packets[-1])
        return self.read_rows(packets, binary)

    def _read_columns(self, packets: list[Packet], count: int) -> bool:
        """Definitions, and the EOF behind them where there is one; false when the reply ended in between."""
        for _ in range(count):
            payload = self._read()
            if payload is None or payload[:1] == b"\xff":
                packets.append(self._gone() if payload is None else decode_error(payload))
                return False
            packets.append(decode_column(payload))
        if self.deprecate_eof:
            return True
        payload = self._read()
        packets.append(self._gone() if payload is None else decode_eof(payload))
        return payload is not None

    def _end_of_rows(self, packets: list[Packet], payload: bytes) -> int:
        end = decode_ok(payload, self._tracks()) if self.deprecate_eof else decode_eof(payload)
        packets.append(end)
        return _status(end)

    def _send_file(self, name: str) -> None:
        content = self.files.get(name, b"")
        for start in range(0, len(content), 64):  # several packets, so that their order matters
            self.connection.write_packet(content[start:start + 64])
        self.connection.write_packet(b"")

    def _ok_or_error(self, payload: bytes) -> Packet:
        if payload[:1] == b"\xff":
            return decode_error(payload)
        if payload[:1] == b"\xfe" and len(payload) < 7:  # the answer to COM_SET_OPTION: the end of no rows
            return decode_eof(payload)
        return decode_ok(payload, self._tracks())

    def _tracks(self) -> bool:
        return bool(self.capabilities & CLIENT_SESSION_TRACK)

    def _read(self) -> bytes | None:
        if self.lost:
            return None
        try:
            expected = self.connection.sequence
            payload = self.connection.read_packet()
        except TimeoutError:
            self.lost = "silence"
        except (OSError, ConnectionLost):
            self.lost = "closed"
        else:
            if (expected + 1) % 256 == self.connection.sequence:
                return payload
            self.lost = "out of sequence"
        return None

    def _gone(self) -> Packet:
        return Packet(self.lost, {})


def _length(payload: bytes) -> int:
    return payload[0] if payload[0] < 251 else int.from_bytes(payload[1:3], "little")


def _status(packet: Packet) -> int:
    status = packet.fields.get("status", 0)
    assert isinstance(status, int)
    return status
