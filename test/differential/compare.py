"""Two runs of a script side by side: every difference, by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from reply_packets import Packet, Value

from .masks import Masks
from .player import Reply
from .script import Step

LONGEST = 160
STATUS_BITS = ("in_trans", "autocommit", "bit2", "more_results", "no_good_index", "no_index", "cursor", "last_row",
               "db_dropped", "no_backslash_escapes", "metadata_changed", "slow", "out_params", "in_trans_readonly",
               "session_changed", "bit15")


@dataclass(frozen=True)
class Difference:
    """One field of one reply."""

    step: Step
    field: str
    direct: str
    weir: str


def differences(direct: list[Reply], weir: list[Reply]) -> list[Difference]:
    """Empty when a client could not tell the two apart."""
    found: list[Difference] = []
    masks = Masks(), Masks()
    for left, right in zip(direct, weir, strict=True):
        found += _of_replies(masks[0].apply(left), masks[1].apply(right))
    return found


def _of_replies(direct: Reply, weir: Reply) -> Iterator[Difference]:
    step = direct.step
    if any(packet.kind == "silence" for packet in direct.packets + weir.packets):
        yield Difference(step, "silence", _outline(direct.packets), _outline(weir.packets))
        return
    if [packet.kind for packet in direct.packets] != [packet.kind for packet in weir.packets]:
        yield Difference(step, "reply", _outline(direct.packets), _outline(weir.packets))
        return
    for left, right in zip(direct.packets, weir.packets, strict=True):
        for name in dict.fromkeys([*left.fields, *right.fields]):
            if left.fields.get(name) != right.fields.get(name):
                yield Difference(step, f"{left.kind}.{name}", shown(name, left.fields.get(name)),
                                 shown(name, right.fields.get(name)))


def _outline(packets: list[Packet]) -> str:
    """`columns 1, column id, 3 rows, end`, with the texts of errors."""
    parts: list[str] = []
    for kind, group in groupby(packets, lambda packet: packet.kind):
        same = list(group)
        if kind == "row":
            parts.append(f"{len(same)} rows ({shown('', next(iter(same[0].fields.values())))} ...)")
        elif kind == "error":
            error = same[0].fields
            parts.append(f"error {error['code']} {shown('', error['text'])}")
        else:
            parts.append(kind if len(same) == 1 else f"{len(same)} x {kind}")
    return ", ".join(parts) or "nothing"


def shown(name: str, value: Value) -> str:
    """A value for people."""
    if name == "status" and isinstance(value, int):
        bits = [bit for number, bit in enumerate(STATUS_BITS) if value >> number & 1]
        text = f"{value:#06x} ({' '.join(bits)})"
    elif name in ("flags", "type") and isinstance(value, int):
        text = f"{value:#x}"
    elif isinstance(value, bytes):
        text = _bytes(value)
    elif isinstance(value, list):
        text = "[" + ", ".join(_bytes(part) if isinstance(part, bytes) else str(part) for part in value) + "]"
    else:
        text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} letters)"


def _bytes(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "x'" + value[:LONGEST].hex() + "'"
    return f"'{text}'" if text.isprintable() else "x'" + value[:LONGEST].hex() + "'"
