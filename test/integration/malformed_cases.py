"""Rows of bytes that a client should never send, for malformed.py."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

import rawmysql as raw
from rawcompression import Method
from rawmysql import Connection

SILENCE = 1.5    # after which no answer counts as none
CLIENT_PLUGIN_AUTH_LENENC_DATA = 1 << 21
CLIENT_SSL = 1 << 11
CLIENT_CONNECT_ATTRS = 1 << 20
CLIENT_QUERY_ATTRIBUTES = 1 << 27
COM_FIELD_LIST, COM_CHANGE_USER, COM_SET_OPTION = 0x04, 0x11, 0x1B
COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_LONG_DATA = 0x16, 0x17, 0x18
COM_STMT_CLOSE, COM_STMT_RESET, COM_STMT_FETCH = 0x19, 0x1A, 0x1C
COM_STMT_BULK_EXECUTE = 0xFA


@dataclass(frozen=True)
class Case:
    name: str
    send: Callable[[Connection], None]
    logged_in: bool = True
    capabilities: int = 0  # beyond the usual
    answers: bool = True   # False: nothing is to be answered, and the connection shows its state by a ping
    compression: Method | None = None
    others: Case | None = None  # what other sessions do first
    waits: bool = False    # somebody may take it for the beginning of more, and say nothing


def response(auth: bytes = b"", user: bytes = b"app\0", tail: bytes | None = None, extra: int = 0) -> bytes:
    """A handshake response by hand; `tail` replaces all that follows the user's name."""
    capabilities = raw.DEFAULT_CAPABILITIES | extra
    payload = struct.pack("<IIB23x", capabilities, raw.MAX_FRAME + 1, raw.UTF8MB4_GENERAL_CI) + user
    if tail is not None:
        return payload + tail
    return payload + bytes([len(auth)]) + auth + b"mysql_native_password\0"


def attributed(attributes: bytes) -> bytes:
    """A response whose attributes, their length included, are these bytes."""
    return response(WRONG, extra=CLIENT_CONNECT_ATTRS) + attributes


def with_collation(collation: int) -> bytes:
    answer = response(WRONG)
    return answer[:8] + bytes([collation]) + answer[9:]


def named(method: bytes, proof: bytes = b"") -> bytes:
    """A response under a method of the client's choice."""
    return response(tail=bytes([len(proof)]) + proof + method + b"\0")


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
WRONG = bytes(range(1, 21))  # as long as a proof of mysql_native_password
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
    Case("response: a header of 16 MiB", data(b"\xff\xff\xff\x01", b"x" * 100), False, waits=True),
    Case("response: a user of 300 bytes", reply(response(user=b"u" * 300 + b"\0")), False),
    Case("response: SSL asked for", reply(response(extra=CLIENT_SSL)[:32]), False, waits=True),
    Case("response: SSL asked for, and a login behind it",
         data(raw.frame(response(extra=CLIENT_SSL)[:32], 1), raw.frame(response(), 2)), False),
    Case("response: a schema with a path in it",
         reply(response(extra=DATABASE, tail=b"\x14" + WRONG + b"../../etc/`passwd\0mysql_native_password\0")), False),
    Case("response: a schema with a NUL in it",
         reply(response(extra=DATABASE, tail=b"\x14" + WRONG + b"ap\0p\0mysql_native_password\0")), False),
    Case("response: a schema of 300 bytes",
         reply(response(extra=DATABASE, tail=b"\x14" + WRONG + b"s" * 300 + b"\0mysql_native_password\0")), False),
    Case("response: a user of control characters", reply(response(WRONG, user=b"\r\n\x1b[2J\0")), False),
    Case("response: no user's name at all", reply(response(WRONG, user=b"\0")), False),
    Case("response: a method that nobody has", reply(named(b"no_such_method")), False),
    Case("response: the password in clear", reply(named(b"mysql_clear_password", b"app-secret\0")), False),
    Case("response: the password in clear, under another method",
         reply(named(b"caching_sha2_password", b"app-secret\0")), False),
    Case("response: the oldest method", reply(named(b"mysql_old_password", b"12345678")), False),
    Case("response: a proof of 255 bytes", reply(named(b"mysql_native_password", b"x" * 255)), False),
    Case("response: the character set 0", reply(with_collation(0)), False),
    Case("response: a character set that nobody has", reply(with_collation(250)), False),
    Case("response: attributes longer than the packet", reply(attributed(b"\xfcab\1a\1b")), False),
    Case("response: attributes of 2^64-1 bytes", reply(attributed(b"\xfe" + b"\xff" * 8 + b"\1a\1b")), False),
    Case("response: attributes of NULL length", reply(attributed(b"\xfb\1a\1b")), False),
    Case("response: an attribute longer than all of them", reply(attributed(b"\4\1a\xfab")), False),
    Case("response: ten thousand attributes", reply(attributed(b"\xfd\x40\x9c\0" + b"\1a\1b" * 10000)), False),
    Case("response: more attributes than a stranger may send",
         reply(attributed(b"\xfd\0\0\2" + b"\1a\xfd\xfa\xff\1" + b"x" * 0x1fffa)), False),
]

TYPES = Case("execute: types", statement_command(COM_STMT_EXECUTE, b"\0\1\0\0\0\0\1\xfe\0\2hi"))
NO_TYPES = Case("execute: no types the first time", statement_command(COM_STMT_EXECUTE, b"\0\1\0\0\0\0\0\1"))

COMMAND_CASES = [
    Case("command: empty", command(b"")),
    Case("command: 0xff", command(b"\xff")),
    Case("command: 0x22", command(b"\x22")),
    Case("command: COM_SLEEP", command(b"\x00")),
    Case("command: COM_CONNECT", command(b"\x0b")),
    Case("command: COM_CREATE_DB", command(b"\x05malformed")),
    Case("command: COM_TIME", command(b"\x0f")),
    Case("command: COM_DELAYED_INSERT", command(b"\x10")),
    Case("command: COM_CONNECT_OUT", command(b"\x14")),
    Case("command: COM_DAEMON", command(b"\x1d")),
    Case("command: COM_PROCESS_KILL of nobody", command(b"\x0c\xff\xff\xff\x3f")),
    Case("command: half of a COM_PROCESS_KILL", command(b"\x0c\1\0")),
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
