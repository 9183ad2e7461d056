"""Compressed packets that lie, for malformed.py."""

from __future__ import annotations

import zlib

import rawmysql as raw
from malformed_cases import Case
from rawcompression import MAX_PACKABLE, ZSTD_RUN, Method, PackedSocket, pack, packet, zstd_frame
from rawmysql import Connection

MIB = 1 << 20
# Long enough to be worth packing.
QUERY = raw.frame(b"\x03SELECT 'a text', 'and another one', 'and a third one, which is all'", 0)


def run(method: Method, size: int) -> bytes:
    """Many times the same byte."""
    return zlib.compress(b"\x0e" * size) if method is Method.zlib else zstd_frame(b"\x0e" * size, kind=ZSTD_RUN)


def case(method: Method, name: str, *packets: bytes, answers: bool = True) -> Case:
    def send(connection: Connection) -> None:
        stream = connection.stream
        assert isinstance(stream, PackedSocket)
        stream.send_raw(b"".join(packets))
    return Case(f"{method.name}: {name}", send, answers=answers, compression=method)


def cases(method: Method) -> list[Case]:
    good = pack(method, QUERY)
    long_query = raw.frame(b"\x03SELECT 1 -- ".ljust(15 * MIB, b"x"), 0)
    full = raw.frame(b"\x03SELECT 1 -- ".ljust(raw.MAX_FRAME, b"x"), 0)  # of a command that goes on
    halves = full[:8 * MIB], full[8 * MIB:]
    many = raw.frame(b"\x03SELECT 1 -- ".ljust(1000, b"x"), 0)
    nested = packet(good, 0, len(QUERY))[:-3]  # as long as its first three bytes say, were it not packed

    def one(name: str, body: bytes, plain_length: int) -> Case:
        return case(method, name, packet(body, 0, plain_length))

    def lie(name: str, body: bytes, plain_length: int) -> Case:
        """Servers have no answer to it, so what comes next tells."""
        return case(method, name, packet(body, 0, plain_length), answers=False)

    return [
        one("packed", good, len(QUERY)),
        one("stored", QUERY, 0),
        lie("one byte less than it says", good, len(QUERY) + 1),
        lie("16 MiB, it says", good, MAX_PACKABLE),
        lie("one byte more than it says", good, len(QUERY) - 1),
        lie("one byte, it says", good, 1),
        lie("not packed at all", b"y" * 60, 100),
        lie("cut", good[:-3], len(QUERY)),
        (one if method is Method.zlib else lie)("something behind it", good + b"more", len(QUERY)),
        lie("nothing that is to become something", b"", 10),
        one("a packet in a packet", pack(method, nested), len(nested)),
        lie("a bomb of 64 MiB that says 1000", run(method, 64 * MIB), 1000),
        lie("a bomb of 64 MiB that says 16", run(method, 64 * MIB), MAX_PACKABLE),
        one("a command of 15 MiB", pack(method, long_query), len(long_query)),
        case(method, "empty ones in front", *(packet(b"", number) for number in range(5)), packet(QUERY, 5)),
        case(method, "an empty one, and no end of it", packet(b"", 0), packet(b"", 1), packet(b"", 3)),
        case(method, "a command in two", packet(QUERY[:10], 0), packet(QUERY[10:], 1)),
        case(method, "a command in a thousand, so that numbers go round",
             *(packet(many[number:number + 1], number) for number in range(len(many)))),
        case(method, "a wrong number first", packet(QUERY, 1)),
        case(method, "a wrong number next", packet(QUERY[:10], 0), packet(QUERY[10:], 7)),
        case(method, "the same number twice", packet(QUERY[:10], 0), packet(QUERY[10:], 0)),
        case(method, "a wrong number inside", packet(raw.frame(b"\x0e", 3), 0)),
        case(method, "a wrong number inside a continued command",
             *(packet(pack(method, half), number, len(half)) for number, half in enumerate(halves)),
             packet(raw.frame(b"x", 7), 2)),
    ]


COMPRESSION_CASES: list[Case] = [one for method in Method for one in cases(method)]

LIE_TOLD = "then 1157 (08S01), closed"
_LIE = (LIE_TOLD, "weir says what is wrong, and closes; a MariaDB closes without a word, a MySQL goes on without the "
                  "packet")
_EXACT = (LIE_TOLD, "a packet must become what it says; for zlib servers take less as well")
# What weir does otherwise, and why, by the name of the case without its method.
_OTHERS = {
    "one byte less than it says": _EXACT,
    "16 MiB, it says": _EXACT,
    "the same number twice":
        ("result, lives", "0 is the beginning of a command that was sent ahead; weir does not look whether the one "
                          "before was complete"),
    "a wrong number inside": ("1156 (08S01), closed", "servers do not look at the numbers inside; to weir they tell "
                                                      "that something is lost"),
}
COMPRESSION_DIFFERENCES: dict[tuple[str, str], tuple[str, str]] = {
    ("", one.name): _OTHERS.get(one.name.split(": ")[1], _LIE) for one in COMPRESSION_CASES
    if not one.answers or one.name.split(": ")[1] in _OTHERS}
