"""Parameters of binary statements: from the words of a script to the bytes of COM_STMT_EXECUTE."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

NULL, VAR_STRING, BLOB, NEW_DECIMAL = 6, 253, 252, 246
DATE, TIME, DATETIME = 10, 11, 12
UNSIGNED = 0x80
# How an integer or a floating number is written by type: its protocol type and its layout.
_NUMBERS = {"tiny": (1, "<b"), "short": (2, "<h"), "int": (3, "<i"), "big": (8, "<q"), "float": (4, "<f"),
            "double": (5, "<d")}
_LITERAL = re.compile(r"\s*(?:(?P<type>[a-z]+)\b(?!')\s*)?(?:(?P<hex>x'[0-9a-fA-F]*')|'(?P<text>(?:[^']|'')*)'"
                      r"|(?P<number>-?\d+(?:\.\d+)?))?\s*(?:,|$)")


@dataclass(frozen=True)
class Parameter:
    """One value; `data` is None for NULL, and for what was sent as long data before."""

    kind: int
    flag: int
    data: bytes | None

    @property
    def is_null(self) -> bool:
        return self.kind == NULL


def parse(text: str) -> list[Parameter]:
    """`1, 'text', null, big -1, unsigned 1, x'00ff', date '2024-02-29', long`"""
    found: list[Parameter] = []
    offset = 0
    while offset < len(text):
        match = _LITERAL.match(text, offset)
        if not match or match.end() == offset:
            raise ValueError(f"no parameter: {text[offset:]!r}")
        found.append(_parameter(match))
        offset = match.end()
    return found


def _parameter(match: re.Match[str]) -> Parameter:
    word = match["type"] or ""
    if word == "null":
        return Parameter(NULL, 0, None)
    if word == "long":
        return Parameter(BLOB, 0, None)
    if match["number"] is not None:
        return _number(word, match["number"])
    if match["hex"] is not None:
        return Parameter(BLOB, 0, _counted(bytes.fromhex(match["hex"][2:-1])))
    if match["text"] is None:
        raise ValueError(f"no value behind {word!r}")
    text = match["text"].replace("''", "'")
    if word in ("date", "datetime"):
        return Parameter(DATE if word == "date" else DATETIME, 0, _moment(text))
    if word == "time":
        return Parameter(TIME, 0, _duration(text))
    if word not in ("", "decimal", "blob"):
        raise ValueError(f"no type of text: {word!r}")
    kind = {"": VAR_STRING, "decimal": NEW_DECIMAL, "blob": BLOB}[word]
    return Parameter(kind, 0, _counted(text.encode()))


def _number(word: str, text: str) -> Parameter:
    if word == "unsigned":
        return Parameter(8, UNSIGNED, struct.pack("<Q", int(text)))
    if word and word not in _NUMBERS:
        raise ValueError(f"no type of number: {word!r}")
    kind, layout = _NUMBERS[word or ("double" if "." in text else "big")]
    return Parameter(kind, 0, struct.pack(layout, float(text) if layout[1] in "fd" else int(text)))


def execute_payload(statement: int, flags: int, parameters: list[Parameter], with_types: bool) -> bytes:
    """The body of COM_STMT_EXECUTE; a statement without parameters has nothing behind the iteration count."""
    payload = struct.pack("<IBI", statement, flags, 1)
    if not parameters:
        return payload
    nulls = bytearray((len(parameters) + 7) // 8)
    for index, parameter in enumerate(parameters):
        if parameter.is_null:
            nulls[index // 8] |= 1 << index % 8
    payload += bytes(nulls) + bytes([with_types])
    if with_types:
        payload += b"".join(bytes([parameter.kind, parameter.flag]) for parameter in parameters)
    return payload + b"".join(parameter.data or b"" for parameter in parameters)


def _counted(data: bytes) -> bytes:
    if len(data) < 251:
        return bytes([len(data)]) + data
    if len(data) < 1 << 16:
        return b"\xfc" + struct.pack("<H", len(data)) + data
    return b"\xfd" + len(data).to_bytes(3, "little") + data


def _moment(text: str) -> bytes:
    """`2024-02-29`, `2024-02-29 12:34:56`, `2024-02-29 12:34:56.789`, in the shortest form that holds it."""
    day, _, clock = text.partition(" ")
    year, month, date = (int(part) for part in day.split("-"))
    data = struct.pack("<HBB", year, month, date)
    if clock:
        seconds, micros = _clock(clock)
        data += struct.pack("<BBB", *seconds) + (struct.pack("<I", micros) if micros else b"")
    return bytes([len(data)]) + data


def _duration(text: str) -> bytes:
    """`12:34:56` or `-123:04:05.5`; hours above a day become days."""
    (hours, minutes, seconds), micros = _clock(text.removeprefix("-"))
    data = struct.pack("<BIBBB", text.startswith("-"), hours // 24, hours % 24, minutes, seconds)
    data += struct.pack("<I", micros) if micros else b""
    return bytes([len(data)]) + data


def _clock(text: str) -> tuple[tuple[int, int, int], int]:
    whole, _, fraction = text.partition(".")
    hours, minutes, seconds = (int(part) for part in whole.split(":"))
    return (hours, minutes, seconds), int(fraction.ljust(6, "0")) if fraction else 0
