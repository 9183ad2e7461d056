"""A raw client for the leak test: text and binary statements, resets, and a memory of what it said last."""

from __future__ import annotations

import socket
import struct
from collections import deque
from dataclasses import dataclass

from cluster.accounts import Account
from rawmysql import (UTF8MB4_GENERAL_CI, Connection, ResultSet, Row, ServerError, lenenc, parse_ok, scrambled)

COM_INIT_DB, COM_CHANGE_USER, COM_RESET_CONNECTION = 0x02, 0x11, 0x1F
COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_CLOSE = 0x16, 0x17, 0x19
TYPE_VAR_STRING = 0xFD
REMEMBERED = 14
# Statements wait for one of few connections on a machine that may be busy with other things.
PATIENCE = 90.0


@dataclass
class Prepared:
    """A binary prepared statement of one connection."""

    number: int
    parameters: int
    columns: int
    types_sent: bool = False


class Client(Connection):
    """One connection whose last statements can be shown when something is wrong."""

    def __init__(self, stream: socket.socket, timeout: float = PATIENCE) -> None:
        super().__init__(stream, PATIENCE)
        self.said: deque[str] = deque(maxlen=REMEMBERED)

    def enter(self, account: Account, schema: str = "") -> Client:
        """Log in; closed when that fails."""
        self.said.append(f"login, schema {schema!r}")
        try:
            self.login(account.name, account.password, schema)
        except BaseException:
            self.close()
            raise
        return self

    @classmethod
    def tcp(cls, host: str, port: int, timeout: float = PATIENCE) -> Client:
        client = super().tcp(host, port, timeout)
        assert isinstance(client, Client)
        return client

    @classmethod
    def unix(cls, path: str, timeout: float = PATIENCE) -> Client:
        client = super().unix(path, timeout)
        assert isinstance(client, Client)
        return client

    @property
    def id(self) -> int:
        assert self.greeting is not None
        return self.greeting.connection_id

    def run(self, text: str) -> ResultSet:
        self.said.append(text)
        return self.execute(text)

    def one(self, text: str) -> Row:
        """The only row of a statement."""
        rows = self.run(text).rows
        if len(rows) != 1:
            raise ValueError(f"{len(rows)} rows instead of one")
        return rows[0]

    def error_of(self, text: str) -> int:
        """The error number of a statement; 0 when there was none."""
        try:
            self.run(text)
        except ServerError as error:
            return int(error.code)
        return 0

    # Commands that are no statements

    def use(self, schema: str) -> None:
        self._simple(COM_INIT_DB, schema.encode(), f"COM_INIT_DB {schema}")

    def reset(self) -> None:
        self._simple(COM_RESET_CONNECTION, b"", "COM_RESET_CONNECTION")

    def change_user(self, account: Account, schema: str, collation: int = UTF8MB4_GENERAL_CI) -> None:
        """A login on the same connection, after which nothing is left of before."""
        self.said.append(f"COM_CHANGE_USER, schema {schema!r}")
        assert self.greeting is not None
        proof = scrambled(self.greeting.plugin, account.password, self.greeting.scramble)
        payload = account.name.encode() + b"\0" + bytes([len(proof)]) + proof + schema.encode() + b"\0"
        payload += struct.pack("<H", collation) + self.greeting.plugin.encode() + b"\0"
        self.command(COM_CHANGE_USER, payload)
        self._finish_login(self.greeting.plugin, account.password, self.greeting.scramble)

    def prepare(self, text: str) -> Prepared:
        self.said.append(f"COM_STMT_PREPARE {text}")
        self.command(COM_STMT_PREPARE, text.encode())
        return self.read_prepared()

    def read_prepared(self) -> Prepared:
        """The answer to COM_STMT_PREPARE."""
        head = self._checked_packet()
        number, columns, parameters = struct.unpack_from("<IHH", head, 1)
        for count in (parameters, columns):
            for _ in range(count + (count > 0)):  # and the EOF behind them
                self.read_packet()
        return Prepared(number, parameters, columns)

    def run_prepared(self, prepared: Prepared, values: list[str]) -> ResultSet:
        """Executes with text values. Their types travel with the first execution only, as clients do it."""
        self.said.append(f"COM_STMT_EXECUTE {prepared.number} {values}")
        payload = struct.pack("<IBI", prepared.number, 0, 1)
        if prepared.parameters:
            payload += bytes((prepared.parameters + 7) // 8) + bytes([not prepared.types_sent])
            if not prepared.types_sent:
                payload += struct.pack("<H", TYPE_VAR_STRING) * prepared.parameters
            prepared.types_sent = True
        payload += b"".join(bytes([len(value)]) + value.encode() for value in values)
        self.command(COM_STMT_EXECUTE, payload)
        return self.read_binary_result()

    def read_binary_result(self) -> ResultSet:
        """One answer to COM_STMT_EXECUTE."""
        head = self._checked_packet()
        if head[0] == 0x00:
            return parse_ok(head)
        columns = head[0]
        for _ in range(columns + 1):
            self.read_packet()
        result = ResultSet()
        while (packet := self._checked_packet())[0] != 0xFE:
            result.rows.append(_binary_row(packet, columns))
        return result

    def close_prepared(self, prepared: Prepared) -> None:
        self.said.append(f"COM_STMT_CLOSE {prepared.number}")
        self.command(COM_STMT_CLOSE, struct.pack("<I", prepared.number))

    def _simple(self, command: int, argument: bytes, words: str) -> None:
        self.said.append(words)
        self.command(command, argument)
        self._checked_packet()

    def _checked_packet(self) -> bytes:
        packet = self.read_packet()
        if packet[0] == 0xFF:
            raise ServerError(packet)
        return packet


def _binary_row(packet: bytes, columns: int) -> Row:
    """Values of a row in which every column is text."""
    offset = 1 + (columns + 9) // 8
    values: list[str | None] = []
    for column in range(columns):
        bit = column + 2
        if packet[1 + bit // 8] >> bit % 8 & 1:
            values.append(None)
            continue
        length, offset = lenenc(packet, offset)
        values.append(packet[offset:offset + length].decode())
        offset += length
    return tuple(values)
