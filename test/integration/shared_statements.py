"""Prepared statements that sessions share on a server's connection: none meets what another has done to one.

There is one connection to each server, so all sessions use the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct

from attack_bed import MIB, Bed, must_be
from leak.client import Client, Prepared
from rawmysql import MAX_FRAME, ServerError, frame

SETTINGS = {"server": {"max_connections": "1"}, "pool": {"mode": '"transaction"'}}
COM_STMT_EXECUTE, COM_STMT_LONG_DATA = 0x17, 0x18
ONE_TEXT = b"\0\1\xfe\0"  # of an execute: no NULL, and the type of one parameter


def long_data(number: int, data: bytes, parameter: int = 0) -> bytes:
    return frame(bytes([COM_STMT_LONG_DATA]) + struct.pack("<IH", number, parameter) + data, 0)


def execute_sent(prepared: Prepared) -> bytes:
    """An execute whose only value has been sent as long data."""
    return frame(struct.pack("<BIBI", COM_STMT_EXECUTE, prepared.number, 0, 1) + ONE_TEXT, 0)


def outcome(client: Client, command: bytes) -> str:
    client.write_bytes(command)
    try:
        return str(client.read_binary_result().affected_rows)
    except ServerError as error:
        return f"{error.code} {error.sqlstate}"


def check_long_data_of_others(bed: Bed) -> None:
    """What one session has sent for a parameter is not there for the next, though they share the statement."""
    with bed.client() as first, bed.client() as second:
        text = "/* weir: primary */ SELECT CONCAT('<', ?, '>')"
        prepared = [client.prepare(text) for client in (first, second)]
        first.write_bytes(long_data(prepared[0].number, b"secret"))
        first.ping()
        must_be(second.run_prepared(prepared[1], ["own"]).rows, [("<own>",)], "the other's value")


def check_refused_long_data(bed: Bed) -> None:
    """After long data that they did not take, servers refuse the statement, which other sessions share."""
    with bed.client() as honest, bed.client() as other:
        for text in ("/* weir: primary */ SELECT CONCAT(?, '!')", "SELECT CONCAT(?, '!') FROM (SELECT 1) AS t"):
            own, theirs = honest.prepare(text), other.prepare(text)
            command = long_data(theirs.number, b"x", parameter=7)
            command += frame(struct.pack("<BIBI", COM_STMT_EXECUTE, theirs.number, 0, 1) + ONE_TEXT + b"\1x", 0)
            for _ in range(3):
                must_be(outcome(other, command), "1210 HY000", "a parameter that does not exist")
                must_be(honest.run_prepared(own, ["fine"]).rows, [("fine!",)], "another session's execute")


def check_types(bed: Bed) -> None:
    """Who has never said of what type a value is cannot have it read as another has said."""
    with bed.client() as honest, bed.client() as other:
        text = "/* weir: primary */ SELECT CONCAT(?, '!')"
        own, theirs = honest.prepare(text), other.prepare(text)
        must_be(honest.run_prepared(own, ["fine"]).rows, [("fine!",)], "an execute with types")
        without = struct.pack("<BIBI", COM_STMT_EXECUTE, theirs.number, 0, 1) + b"\0\0\1x"
        # What each flavour says to a statement that has never had any.
        must_be(outcome(other, frame(without, 0)) in ("1210 HY000", "1835 HY000"), True, "an execute without types")


def check_others_statements(bed: Bed) -> None:
    """The ids of statements are each session's own."""
    with bed.client() as owner, bed.client() as stranger:
        statements = [owner.prepare(f"INSERT INTO t VALUES ({number})") for number in range(5)]
        for statement in statements:
            execute = struct.pack("<BIBI", COM_STMT_EXECUTE, statement.number, 0, 1)
            must_be(outcome(stranger, frame(execute, 0)), "1243 HY000", "an execute of another's statement")
            stranger.close_prepared(statement)
        stranger.ping()
        must_be(bed.count("t"), 0, "rows")
        must_be([owner.run_prepared(one, []).affected_rows for one in statements], [1] * 5, "their owner's executes")
        must_be(owner.run("DELETE FROM t").affected_rows, 5, "rows")


def check_own_growth(bed: Bed) -> None:
    """An execute that weir makes longer, by the types that its client has left out. One that is too long to be kept,
    and so might need another frame, is refused as a whole: nothing of it is taken for a command."""
    with bed.client() as first, bed.client() as other:
        text = "/* weir: primary */ SELECT SHA2(?, 256)"
        own, theirs = first.prepare(text), other.prepare(text)
        for size in (100, 60000, MIB - 10, MAX_FRAME - 1):
            first.run_prepared(own, ["x"])  # with types, once
            other.write_bytes(execute_sent(theirs))  # with others, which the server has from now on
            with contextlib.suppress(ServerError):
                other.read_binary_result()
            head = struct.pack("<BIBI", COM_STMT_EXECUTE, own.number, 0, 1) + b"\0\0\xfe"
            value = frame(b"\x03INSERT INTO t VALUES (13)", 0).ljust(size - len(head) - 8, b"x")
            first.write_packet(head + struct.pack("<Q", len(value)) + value, sequence=0)
            try:
                must_be(first.read_binary_result().rows, [(hashlib.sha256(value).hexdigest(),)], f"{size} bytes")
            except ServerError as error:
                must_be((error.code, error.sqlstate, size > MIB), (1153, "08S01", True), f"the error for {size} bytes")
            must_be(first.one("/* weir: primary */ SELECT COUNT(*) FROM t"), ("0",), f"what follows {size} bytes")
        must_be(bed.count("t"), 0, "rows")


TESTS = (
    ("statements: executes that weir makes longer", check_own_growth),
    ("statements: long data are the session's own", check_long_data_of_others),
    ("statements: long data that a server does not take", check_refused_long_data),
    ("statements: types are the session's own", check_types),
    ("statements: ids are the session's own", check_others_statements),
)
