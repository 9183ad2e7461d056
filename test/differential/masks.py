"""What is hidden before two replies are compared, each under a name and with its reason.

A mask that a script asks for stands in brackets behind the session's name: `a [clock]: SHOW TABLE STATUS`.
Everything else is compared as it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reply_packets import SERVER_SESSION_STATE_CHANGED, Packet, Value

from .player import Reply

SERVER_QUERY_NO_GOOD_INDEX_USED, SERVER_QUERY_NO_INDEX_USED, SERVER_QUERY_WAS_SLOW = 1 << 4, 1 << 5, 1 << 11
PLAN_AND_TIME = SERVER_QUERY_NO_GOOD_INDEX_USED | SERVER_QUERY_NO_INDEX_USED | SERVER_QUERY_WAS_SLOW
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLOCK = re.compile(rb"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?")
_STATEMENT_ID = re.compile(rb"(handler|statement) \(\d+\)")
_NUMBER = re.compile(rb"\d+")


@dataclass
class Masks:
    """The masks of one run of one script; it remembers the connection ids that each session was told."""

    ids: dict[tuple[str, bytes], bytes] = field(default_factory=dict)

    def apply(self, reply: Reply) -> Reply:
        packets = [_without_statement_id(_tracking_in_order(_without_idle_bits(packet)))
                   for packet in reply.packets]
        for name in reply.step.masks:
            packets = _MASKS[name](self, reply.step.session, packets)
        return replace(reply, packets=packets)

    def connection_id(self, session: str, packets: list[Packet]) -> list[Packet]:
        """Each server numbers its connections itself. The same id twice must stay the same id twice.

        An id is called after the order in which the session was told it.
        """
        def name_of(match: re.Match[bytes]) -> bytes:
            told = sum(1 for known, _ in self.ids if known == session)
            return self.ids.setdefault((session, match.group()), b"connection %d" % (told + 1))
        return _in_texts(packets, lambda text: _NUMBER.sub(name_of, text))

    def uuid(self, _: str, packets: list[Packet]) -> list[Packet]:
        """A server makes up its own uuid at its first start, and UUID() a new one at every call."""
        return _in_texts(packets, lambda text: _UUID.sub(b"<uuid>", text))

    def clock(self, _: str, packets: list[Packet]) -> list[Packet]:
        """The two runs of a script are not at the same moment."""
        return _in_texts(packets, lambda text: _CLOCK.sub(b"<time>", text))

    def answers(self, _: str, packets: list[Packet]) -> list[Packet]:
        """For counters, process lists and the like: the shape of the reply is compared, its values are not."""
        kept = [packet for packet in packets if packet.kind != "row"]
        return [Packet(packet.kind, {}) if packet.kind == "text" else packet for packet in kept]

    def unordered(self, _: str, packets: list[Packet]) -> list[Packet]:
        """Rows whose order the statement leaves open."""
        rows = iter(sorted((packet for packet in packets if packet.kind == "row"), key=lambda row: repr(row.fields)))
        return [next(rows) if packet.kind == "row" else packet for packet in packets]


_MASKS: dict[str, Callable[[Masks, str, list[Packet]], list[Packet]]] = {
    "connection_id": Masks.connection_id,
    "uuid": Masks.uuid,
    "clock": Masks.clock,
    "answers": Masks.answers,
    "unordered": Masks.unordered,
}


def _without_idle_bits(packet: Packet) -> Packet:
    """Status bits that no reply owes to a client, always.

    SERVER_QUERY_WAS_SLOW tells how busy the machine was. The two about indexes tell of the plan, which each server
    makes from statistics of its own. SERVER_SESSION_STATE_CHANGED announces the entries behind it; a server also sets
    it for changes that it was not asked to report, and with no entry a client learns nothing from it.
    """
    status = packet.fields.get("status")
    if not isinstance(status, int):
        return packet
    hidden = PLAN_AND_TIME | (0 if packet.fields.get("tracked") else SERVER_SESSION_STATE_CHANGED)
    return Packet(packet.kind, {**packet.fields, "status": status & ~hidden})


def _tracking_in_order(packet: Packet) -> Packet:
    """A server walks a hash to report what changed, so the order says nothing. This mask is always on."""
    tracked = packet.fields.get("tracked")
    if not isinstance(tracked, list):
        return packet
    return Packet(packet.kind, {**packet.fields, "tracked": sorted(str(entry) for entry in tracked)})


def _without_statement_id(packet: Packet) -> Packet:
    """A prepared statement's id, which some errors repeat, is a name of the server's choice. Always on."""
    text = packet.fields.get("text")
    if packet.kind != "error" or not isinstance(text, bytes):
        return packet
    return Packet(packet.kind, {**packet.fields, "text": _STATEMENT_ID.sub(rb"\1 (...)", text)})


def _in_texts(packets: list[Packet], change: Callable[[bytes], bytes]) -> list[Packet]:
    """`change` in every value of every row, and in error texts."""
    def changed(value: Value) -> Value:
        if isinstance(value, bytes):
            return change(value)
        if isinstance(value, list):
            return [change(part) if isinstance(part, bytes) else part for part in value]  # type: ignore[return-value]
        return value

    def in_packet(packet: Packet) -> Packet:
        if packet.kind not in ("row", "error", "text"):
            return packet
        return Packet(packet.kind, {name: value if name in ("code", "sqlstate") else changed(value)
                                    for name, value in packet.fields.items()})
    return [in_packet(packet) for packet in packets]
