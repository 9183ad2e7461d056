"""Decoders for the packets of a reply: every byte as a field with a name."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rawmysql import lenenc

SERVER_SESSION_STATE_CHANGED = 1 << 14
TRACKERS = {0: "system_variable", 1: "schema", 2: "state_change", 3: "gtid", 4: "transaction_characteristics",
            5: "transaction_state"}
COLUMN_TEXTS = ("catalog", "schema", "table", "org_table", "name", "org_name")

Value = int | bytes | None | list[str] | list["bytes | None"]


@dataclass
class Packet:
    """One packet: what it is, and its fields in the order of the wire."""

    kind: str
    fields: dict[str, Value]


def decode_ok(payload: bytes, session_track: bool) -> Packet:
    """An OK packet, also in its form as the end of rows (0xfe)."""
    affected, offset = lenenc(payload, 1)
    insert_id, offset = lenenc(payload, offset)
    status, warnings = struct.unpack_from("<HH", payload, offset)
    offset += 4
    fields: dict[str, Value] = {"affected": affected, "insert_id": insert_id, "status": status,
                                "warnings": warnings, "info": b"", "tracked": []}
    if session_track:
        fields["info"], offset = _text(payload, offset) if offset < len(payload) else (b"", offset)
        if status & SERVER_SESSION_STATE_CHANGED and offset < len(payload):
            changes, offset = _text(payload, offset)
            fields["tracked"] = _tracked(changes)
        fields["rest"] = payload[offset:]
    else:
        fields["info"] = payload[offset:]
    return Packet("end" if payload[0] == 0xFE else "ok", fields)


def decode_eof(payload: bytes) -> Packet:
    warnings, status = struct.unpack_from("<HH", payload, 1)
    return Packet("eof", {"warnings": warnings, "status": status, "rest": payload[5:]})


def decode_error(payload: bytes) -> Packet:
    code = struct.unpack_from("<H", payload, 1)[0]
    text, state = payload[3:], b""
    if text.startswith(b"#"):
        state, text = text[1:6], text[6:]
    return Packet("error", {"code": code, "sqlstate": state, "text": text})


def decode_column(payload: bytes) -> Packet:
    fields: dict[str, Value] = {}
    offset = 0
    for name in COLUMN_TEXTS:
        fields[name], offset = _text(payload, offset)
    fixed, offset = lenenc(payload, offset)
    charset, length, kind, flags, decimals = struct.unpack_from("<HIBHB", payload, offset)
    fields |= {"charset": charset, "length": length, "type": kind, "flags": flags, "decimals": decimals}
    # Behind the fixed part: two bytes of nothing, and for COM_FIELD_LIST the default value.
    fields["rest"] = bytes([fixed]) + payload[offset + 10:]
    return Packet("column", fields)


def decode_prepared(payload: bytes) -> Packet:
    statement, columns, parameters = struct.unpack_from("<IHH", payload, 1)
    return Packet("prepared", {"statement": statement, "columns": columns, "parameters": parameters,
                               "rest": payload[9:]})


def decode_row(payload: bytes, binary: bool) -> Packet:
    """A text row as its values; a binary one as its bytes, which need the column types to be read."""
    if binary:
        return Packet("row", {"bytes": payload})
    values: list[bytes | None] = []
    offset = 0
    while offset < len(payload):
        if payload[offset] == 0xFB:
            values.append(None)
            offset += 1
            continue
        value, offset = _text(payload, offset)
        values.append(value)
    return Packet("row", {"values": values})


def _text(payload: bytes, offset: int) -> tuple[bytes, int]:
    length, offset = lenenc(payload, offset)
    return payload[offset:offset + length], offset + length


def _tracked(changes: bytes) -> list[str]:
    """Session-state entries in words."""
    found: list[str] = []
    offset = 0
    while offset < len(changes):
        kind = changes[offset]
        data, offset = _text(changes, offset + 1)
        texts: list[str] = []
        inner = 1 if kind == 3 else 0  # a GTID has a byte for its encoding in front
        while inner < len(data):
            value, inner = _text(data, inner)
            texts.append(value.decode("utf-8", "backslashreplace"))
        found.append(f"{TRACKERS.get(kind, kind)}={'='.join(texts)}")
    return found
