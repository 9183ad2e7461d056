"""A tiny MySQL client on a plain socket, for tests that must see or forge every byte.

    connection = Connection.tcp("127.0.0.1", 6033)
    connection.login("app", "secret")
    for row in connection.query("SELECT 1"):
        ...

It speaks the parts of the protocol that those tests need: framing, the handshake, the passwords of
``mysql_native_password`` and ``caching_sha2_password`` (full authentication over a unix socket, where
the password may travel in clear), and text queries. There is no TLS and no RSA. A test that wants to
break the protocol reads the greeting with `read_packet` and writes whatever it likes with `write_packet`
or `write_bytes`.

Packet on the wire:   length (3 bytes, little endian) | sequence (1 byte) | payload
"""

from __future__ import annotations

import hashlib
import socket
import struct
from dataclasses import dataclass, field

CLIENT_LONG_PASSWORD = 1 << 0
CLIENT_LONG_FLAG = 1 << 2
CLIENT_CONNECT_WITH_DB = 1 << 3
CLIENT_PROTOCOL_41 = 1 << 9
CLIENT_TRANSACTIONS = 1 << 13
CLIENT_SECURE_CONNECTION = 1 << 15
CLIENT_MULTI_STATEMENTS = 1 << 16
CLIENT_MULTI_RESULTS = 1 << 17
CLIENT_PLUGIN_AUTH = 1 << 19
CLIENT_ZSTD_COMPRESSION = 1 << 26

DEFAULT_CAPABILITIES = (CLIENT_LONG_PASSWORD | CLIENT_LONG_FLAG | CLIENT_PROTOCOL_41 | CLIENT_TRANSACTIONS
                        | CLIENT_SECURE_CONNECTION | CLIENT_MULTI_RESULTS | CLIENT_PLUGIN_AUTH)
SERVER_MORE_RESULTS_EXISTS = 1 << 3
UTF8MB4_GENERAL_CI = 45
MAX_FRAME = 0xFFFFFF
ZSTD_LEVEL = 3

COM_QUIT, COM_INIT_DB, COM_QUERY, COM_PING = 0x01, 0x02, 0x03, 0x0E

Row = tuple["str | None", ...]


class ServerError(Exception):
    """An ERR packet: `code`, `sqlstate` (empty before login) and the server's text."""

    def __init__(self, payload: bytes) -> None:
        self.code = struct.unpack_from("<H", payload, 1)[0]
        text = payload[3:]
        self.sqlstate = ""
        if text.startswith(b"#"):
            self.sqlstate, text = text[1:6].decode(), text[6:]
        self.text = text.decode("utf-8", "replace")
        super().__init__(f"ERROR {self.code} ({self.sqlstate}): {self.text}")


class ConnectionLost(Exception):
    """The other side closed the connection in the middle of a conversation."""


@dataclass(frozen=True)
class Greeting:
    """What the server says first."""

    version: str
    connection_id: int
    capabilities: int
    collation: int
    status: int
    scramble: bytes
    plugin: str


@dataclass
class ResultSet:
    """One text result: column names and rows; an OK packet gives an empty one with its counters."""

    columns: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    affected_rows: int = 0
    last_insert_id: int = 0
    status: int = 0


class Connection:
    """One connection; `sequence` is the number that the next packet must carry."""

    def __init__(self, stream: socket.socket, timeout: float) -> None:
        self.stream = stream
        self.stream.settimeout(timeout)
        self.sequence = 0
        self.secure = stream.family == socket.AF_UNIX
        self.greeting: Greeting | None = None
        self._pending = bytearray()

    @classmethod
    def tcp(cls, host: str, port: int, timeout: float = 10) -> Connection:
        stream = socket.create_connection((host, port), timeout)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(stream, timeout)

    @classmethod
    def unix(cls, path: str, timeout: float = 10) -> Connection:
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(timeout)
        try:
            stream.connect(path)
        except OSError:
            stream.close()
            raise
        return cls(stream, timeout)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.stream.close()

    # Bytes and packets

    def write_bytes(self, data: bytes) -> None:
        """Send bytes as they are, with no header."""
        self.stream.sendall(data)

    def write_packet(self, payload: bytes, sequence: int | None = None) -> None:
        """Send one message, cut into frames; `sequence` overrides the running number."""
        if sequence is not None:
            self.sequence = sequence
        data = bytearray()
        offset = 0
        while True:
            piece = payload[offset:offset + MAX_FRAME]
            data += frame(piece, self.sequence)
            self.sequence = (self.sequence + 1) % 256
            offset += len(piece)
            if len(piece) < MAX_FRAME:
                break
        self.stream.sendall(data)

    def read_packet(self) -> bytes:
        """Receive one message, joined from its frames."""
        payload = b""
        while True:
            header = self._read_exactly(4)
            length = int.from_bytes(header[:3], "little")
            self.sequence = (header[3] + 1) % 256
            payload += self._read_exactly(length)
            if length < MAX_FRAME:
                return payload

    def at_end(self) -> bool:
        """True when the other side has closed and nothing is left to read (waits for the timeout)."""
        if self._pending:
            return False
        try:
            data = self.stream.recv(1)
        except ConnectionResetError:
            return True
        self._pending += data
        return not data

    def _read_exactly(self, count: int) -> bytes:
        while len(self._pending) < count:
            data = self.stream.recv(max(65536, count - len(self._pending)))
            if not data:
                raise ConnectionLost(f"closed with {len(self._pending)} of {count} bytes received")
            self._pending += data
        taken = bytes(self._pending[:count])
        del self._pending[:count]
        return taken

    # Login

    def read_greeting(self) -> Greeting:
        self.greeting = parse_greeting(_checked(self.read_packet()))
        return self.greeting

    def login(self, user: str, password: str, database: str = "", plugin: str = "",
              capabilities: int = DEFAULT_CAPABILITIES, collation: int = UTF8MB4_GENERAL_CI) -> Greeting:
        """Read the greeting and log in; `plugin` is the method offered first (the server's by default)."""
        greeting = self.greeting or self.read_greeting()
        method = plugin or greeting.plugin
        if database:
            capabilities |= CLIENT_CONNECT_WITH_DB
        self.write_packet(handshake_response(user, scrambled(method, password, greeting.scramble),
                                             method, database, capabilities, collation))
        self._finish_login(method, password, greeting.scramble)
        return greeting

    def _finish_login(self, method: str, password: str, scramble: bytes) -> None:
        while True:
            packet = _checked(self.read_packet())
            if packet[0] == 0x00:
                return
            if packet[0] == 0xFE:
                name, _, data = packet[1:].partition(b"\0")
                method, scramble = name.decode(), data.rstrip(b"\0")
                self.write_packet(scrambled(method, password, scramble))
            elif packet == b"\x01\x04":
                self._send_clear_password(password)
            elif packet != b"\x01\x03":
                raise ConnectionLost(f"unexpected packet during login: {packet[:16].hex()}")

    def _send_clear_password(self, password: str) -> None:
        if not self.secure:
            raise ConnectionLost("the server wants the whole password, which needs TLS or a unix socket; "
                                 "log in once with an ordinary client so that the server remembers it")
        self.write_packet(password.encode() + b"\0")

    # Commands

    def command(self, code: int, argument: bytes = b"") -> None:
        """Send a command as a new conversation."""
        self.write_packet(bytes([code]) + argument, sequence=0)

    def query(self, text: str) -> list[Row]:
        """Run a statement and return the rows of its last result, values as text."""
        return self.results(text)[-1].rows

    def execute(self, text: str) -> ResultSet:
        """Run a statement and return its last result with column names and counters."""
        return self.results(text)[-1]

    def results(self, text: str) -> list[ResultSet]:
        """Run a statement and return every result that it gives."""
        self.command(COM_QUERY, text.encode())
        found = [self.read_result()]
        while found[-1].status & SERVER_MORE_RESULTS_EXISTS:
            found.append(self.read_result())
        return found

    def ping(self) -> None:
        self.command(COM_PING)
        _checked(self.read_packet())

    def quit(self) -> None:
        self.command(COM_QUIT)
        self.close()

    def read_result(self) -> ResultSet:
        head = _checked(self.read_packet())
        if head[0] == 0x00:
            return parse_ok(head)
        count, _ = lenenc(head, 0)
        result = ResultSet(columns=[column_name(self.read_packet()) for _ in range(count)])
        self.read_packet()  # EOF after the column definitions
        while True:
            packet = _checked(self.read_packet())
            if packet[0] == 0xFE and len(packet) < 9:
                result.status = struct.unpack_from("<H", packet, 3)[0]
                return result
            result.rows.append(parse_row(packet, count))


def frame(payload: bytes, sequence: int) -> bytes:
    """One frame with its header; the payload must fit."""
    return len(payload).to_bytes(3, "little") + bytes([sequence % 256]) + payload


def parse_greeting(payload: bytes) -> Greeting:
    """Handshake packet, version 10."""
    end = payload.index(b"\0", 1)
    connection_id, first, low, collation, status, high, length = struct.unpack_from("<I8sxHBHHB", payload, end + 1)
    rest = payload[end + 32:]
    second_length = max(13, length - 8)
    plugin = rest[second_length:].split(b"\0", 1)[0].decode()
    return Greeting(payload[1:end].decode(), connection_id, low | high << 16, collation, status,
                    first + rest[:second_length - 1], plugin)


def handshake_response(user: str, auth: bytes, plugin: str, database: str, capabilities: int,
                       collation: int = UTF8MB4_GENERAL_CI) -> bytes:
    """The client's answer to the greeting (protocol 4.1)."""
    payload = struct.pack("<IIB23x", capabilities, MAX_FRAME + 1, collation)
    payload += user.encode() + b"\0" + bytes([len(auth)]) + auth
    if capabilities & CLIENT_CONNECT_WITH_DB:
        payload += database.encode() + b"\0"
    if capabilities & CLIENT_PLUGIN_AUTH:
        payload += plugin.encode() + b"\0"
    if capabilities & CLIENT_ZSTD_COMPRESSION:
        payload += bytes([ZSTD_LEVEL])
    return payload


def scrambled(plugin: str, password: str, scramble: bytes) -> bytes:
    """The proof of a password that `plugin` sends for a 20-byte scramble."""
    if not password:
        return b""
    secret = password.encode()
    if plugin == "mysql_native_password":  # SHA1(p) xor SHA1(scramble + SHA1(SHA1(p)))
        once = hashlib.sha1(secret).digest()
        return _xor(once, hashlib.sha1(scramble + hashlib.sha1(once).digest()).digest())
    if plugin == "caching_sha2_password":  # SHA2(p) xor SHA2(SHA2(SHA2(p)) + scramble)
        once = hashlib.sha256(secret).digest()
        return _xor(once, hashlib.sha256(hashlib.sha256(once).digest() + scramble).digest())
    raise ValueError(f"no support for the authentication plugin {plugin!r}")


def parse_ok(payload: bytes) -> ResultSet:
    affected, offset = lenenc(payload, 1)
    insert_id, offset = lenenc(payload, offset)
    return ResultSet(affected_rows=affected, last_insert_id=insert_id,
                     status=struct.unpack_from("<H", payload, offset)[0])


def column_name(payload: bytes) -> str:
    """The alias in a column definition: its fifth string."""
    offset = 0
    for _ in range(4):
        length, offset = lenenc(payload, offset)
        offset += length
    length, offset = lenenc(payload, offset)
    return payload[offset:offset + length].decode("utf-8", "surrogateescape")


def parse_row(payload: bytes, columns: int) -> Row:
    values: list[str | None] = []
    offset = 0
    for _ in range(columns):
        if payload[offset] == 0xFB:
            values.append(None)
            offset += 1
            continue
        length, offset = lenenc(payload, offset)
        values.append(payload[offset:offset + length].decode("utf-8", "surrogateescape"))
        offset += length
    return tuple(values)


def lenenc(payload: bytes, offset: int) -> tuple[int, int]:
    """A length-encoded integer at `offset`, and the offset after it."""
    first = payload[offset]
    width = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first, 0)
    if width == 0:
        return first, offset + 1
    return int.from_bytes(payload[offset + 1:offset + 1 + width], "little"), offset + 1 + width


def _checked(payload: bytes) -> bytes:
    if payload[:1] == b"\xff":
        raise ServerError(payload)
    return payload


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
