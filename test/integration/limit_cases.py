"""Commands about as long as server and weir take them, and longer, and files, for malformed.py."""

from __future__ import annotations

import struct

import rawmysql as raw
from malformed_cases import (COM_CHANGE_USER, COM_STMT_EXECUTE, COM_STMT_LONG_DATA, COM_STMT_PREPARE, COM_STMT_RESET,
                             FULL, Case, data)
from rawmysql import MAX_FRAME, Connection

MIB = 1 << 20
SMALL, LARGE = MIB, 20 * MIB  # what the server is told to take
TABLE = "app.malformed"
CLIENT_LOCAL_FILES = 1 << 7
TEXT = b"\0\1\0\0\0\0\1\xfe\0"  # the rest of an execute with one parameter, a text


def header(length: int, sequence: int = 0) -> bytes:
    return length.to_bytes(3, "little") + bytes([sequence])


def query(size: int) -> bytes:
    return raw.frame(b"\x03SELECT 1 -- ".ljust(size, b"x"), 0)


def long_data(*steps: str) -> Case:
    """What becomes of a statement that gets more long data than it may: "pieces", "execute", "reset"."""
    def send(connection: Connection) -> None:
        connection.command(COM_STMT_PREPARE, b"SELECT LENGTH(?)")
        head = connection.read_packet()
        for _ in range(4):  # the definitions and their EOFs
            connection.read_packet()
        statement = head[1:5]
        frames = {"pieces": raw.frame(bytes([COM_STMT_LONG_DATA]) + statement + b"\0\0" + b"x" * (SMALL // 2), 0) * 4,
                  "for no parameter": raw.frame(bytes([COM_STMT_LONG_DATA]) + statement + b"\7\0x", 0),
                  "execute": raw.frame(bytes([COM_STMT_EXECUTE]) + statement + TEXT + b"\2hi", 0),
                  "reset": raw.frame(bytes([COM_STMT_RESET]) + statement, 0)}
        for step in steps[:-1]:
            connection.write_bytes(frames[step])
            if step in ("execute", "reset"):
                read_answer(connection)
        connection.write_bytes(frames[steps[-1]])
    return Case(f"long data: {', '.join(steps)}", send)


def read_answer(connection: Connection) -> None:
    """An OK, an error, or one row of one column."""
    if connection.read_packet()[:1] in (b"\x00", b"\xff"):
        return
    for _ in range(4):
        connection.read_packet()


def file(name: str, *frames: bytes, answers: bool = True) -> Case:
    """A file that a client sends when it is asked for one."""
    def send(connection: Connection) -> None:
        connection.command(raw.COM_QUERY, f"LOAD DATA LOCAL INFILE 'f' INTO TABLE {TABLE}".encode())
        connection.read_packet()
        connection.write_bytes(b"".join(frames))
    return Case(f"file: {name}", send, capabilities=CLIENT_LOCAL_FILES, answers=answers)


LIMIT_CASES: dict[int, list[Case]] = {
    SMALL: [
        Case("limit: a header beyond it", data(header(2 * MIB))),
        Case("limit: a header of one byte too much, and some of it", data(header(SMALL), b"\x03SELECT 1")),
        Case("limit: a header of 16 MiB", data(header(MAX_FRAME), b"\x03SELECT 1")),
        Case("limit: what just fits", data(query(SMALL - 1))),
        Case("limit: prepare", data(header(SMALL), bytes([COM_STMT_PREPARE]))),
        Case("limit: execute", data(header(SMALL), bytes([COM_STMT_EXECUTE]) + struct.pack("<I", 1) + TEXT)),
        Case("limit: long data in one", data(header(SMALL), bytes([COM_STMT_LONG_DATA]) + bytes(6))),
        Case("limit: change of user", data(header(SMALL), bytes([COM_CHANGE_USER]) + b"app\0")),
        long_data("pieces", "execute"),
        long_data("pieces", "pieces", "execute"),
        long_data("pieces", "execute", "execute"),
        long_data("pieces", "execute", "reset", "execute"),
        long_data("pieces", "reset", "execute"),
        long_data("for no parameter", "execute"),
        long_data("for no parameter", "execute", "execute"),
        long_data("for no parameter", "reset", "execute"),
        file("empty", raw.frame(b"", 2)),
        file("one line", raw.frame(b"1\n", 2), raw.frame(b"", 3)),
        file("so many packets that numbers go round", *(raw.frame(b"1\n", 2 + number) for number in range(599)),
             raw.frame(b"", 2 + 599)),
        file("a wrong number", raw.frame(b"1\n", 2), raw.frame(b"1\n", 9), raw.frame(b"", 10), answers=False),
        file("a wrong number at the end", raw.frame(b"1\n", 2), raw.frame(b"", 7), answers=False),
        file("a header beyond the limit", raw.frame(b"1\n", 2), header(2 * MIB, 3), answers=False),
    ],
    LARGE: [
        Case("limit: two frames within it", data(FULL, raw.frame(b"x" * (LARGE - MAX_FRAME - 1), 1))),
        Case("limit: two frames and one byte too much", data(FULL, header(LARGE - MAX_FRAME, 1))),
        Case("limit: two full frames", data(FULL, header(MAX_FRAME, 1))),
        Case("limit: two frames too many, with a wrong number", data(FULL, header(MAX_FRAME, 9))),
    ],
}
