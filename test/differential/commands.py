"""The commands that a script may name, each as a function from its words to its reply."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import rawcommands as raw
from cluster import accounts
from rawcommands import CommandClient
from reply_packets import Packet

from . import parameters
from .parse import unescape

CURSOR_READ_ONLY = 1
_EXECUTE = re.compile(r"(?P<name>\S+)(?P<modes>(?: cursor| again)*)(?: \((?P<values>.*)\))?", re.S)
_LONG_DATA = re.compile(r"(?P<name>\S+) (?P<index>\d+) ?(?P<data>.*)", re.S)


@dataclass
class Speaker:
    """A session of a script, with the statements it has prepared by the names that the script gave them."""

    client: CommandClient
    collation: int
    statements: dict[str, int] = field(default_factory=dict)

    def statement(self, name: str) -> int:
        """`#7` is the number itself, for statements that do not exist; one that was not prepared is number 0."""
        return int(name[1:]) if name.startswith("#") else self.statements.get(name, 0)


Command = Callable[[Speaker, bytes], list[Packet]]


def _gone(speaker: Speaker) -> list[Packet]:
    return [Packet(speaker.client.lost, {})]


def _simple(code: int, read: Callable[[CommandClient], list[Packet]]) -> Command:
    def run(speaker: Speaker, argument: bytes) -> list[Packet]:
        return read(speaker.client) if speaker.client.send(code, argument) else _gone(speaker)
    return run


def _greeting(speaker: Speaker, _: bytes) -> list[Packet]:
    greeting = speaker.client.connection.greeting
    assert greeting is not None
    return [Packet("greeting", {"version": greeting.version.encode(), "collation": greeting.collation,
                                "status": greeting.status})]


def _field_list(speaker: Speaker, argument: bytes) -> list[Packet]:
    table, _, wildcard = argument.partition(b" ")
    if not speaker.client.send(raw.COM_FIELD_LIST, table + b"\0" + wildcard):
        return _gone(speaker)
    return speaker.client.read_definitions()


def _process_kill(speaker: Speaker, argument: bytes) -> list[Packet]:
    sent = speaker.client.send(raw.COM_PROCESS_KILL, struct.pack("<I", int(argument)))
    return speaker.client.read_ok() if sent else _gone(speaker)


def _set_option(speaker: Speaker, argument: bytes) -> list[Packet]:
    option = {b"multi_statements on": 0, b"multi_statements off": 1}.get(argument)
    number = int(argument) if option is None else option
    sent = speaker.client.send(raw.COM_SET_OPTION, struct.pack("<H", number))
    return speaker.client.read_ok() if sent else _gone(speaker)


def _change_user(speaker: Speaker, argument: bytes) -> list[Packet]:
    """`change_user NAME [SCHEMA|-] [PASSWORD]`"""
    name, *words = argument.decode().split()
    schema = "" if words[:1] in ([], ["-"]) else words[0]
    known = {account.name: account.password for account in accounts.ALL}
    secret = words[1] if len(words) > 1 else known.get(name, "")
    return [speaker.client.change_user(name, secret, schema, speaker.collation)]


def _prepare(speaker: Speaker, argument: bytes) -> list[Packet]:
    """`prepare NAME: SQL`"""
    name, _, text = argument.partition(b":")
    if not speaker.client.send(raw.COM_STMT_PREPARE, text.strip()):
        return _gone(speaker)
    packets = speaker.client.read_prepared()
    if packets[0].kind == "prepared":
        number = packets[0].fields.pop("statement")  # a name of the server's choice, as good as any other
        assert isinstance(number, int)
        speaker.statements[name.decode().strip()] = number
    return packets


def _execute(speaker: Speaker, argument: bytes) -> list[Packet]:
    """`execute NAME [cursor] [again] [(VALUES)]`; `again` leaves out the types, as a second execute may."""
    match = _EXECUTE.fullmatch(argument.decode())
    if not match:
        raise ValueError(f"not an execute: {argument!r}")
    flags = CURSOR_READ_ONLY if "cursor" in match["modes"] else 0
    values = parameters.parse(match["values"] or "")
    payload = parameters.execute_payload(speaker.statement(match["name"]), flags, values,
                                         "again" not in match["modes"])
    sent = speaker.client.send(raw.COM_STMT_EXECUTE, payload)
    return speaker.client.read_results(binary=True) if sent else _gone(speaker)


def _fetch(speaker: Speaker, argument: bytes) -> list[Packet]:
    name, count = argument.decode().split()
    payload = struct.pack("<II", speaker.statement(name), int(count))
    if not speaker.client.send(raw.COM_STMT_FETCH, payload):
        return _gone(speaker)
    packets: list[Packet] = []
    speaker.client.read_rows(packets, binary=True)
    return packets


def _long_data(speaker: Speaker, argument: bytes) -> list[Packet]:
    """`long_data NAME INDEX BYTES`, which has no reply."""
    match = _LONG_DATA.fullmatch(argument.decode("utf-8", "surrogateescape"))
    if not match:
        raise ValueError(f"not long data: {argument!r}")
    payload = struct.pack("<IH", speaker.statement(match["name"]), int(match["index"]))
    payload += unescape(match["data"]).encode("utf-8", "surrogateescape")
    return [] if speaker.client.send(raw.COM_STMT_SEND_LONG_DATA, payload) else _gone(speaker)


def _close(speaker: Speaker, argument: bytes) -> list[Packet]:
    """It has no reply; the name stays, so that a script may use what it has closed."""
    payload = struct.pack("<I", speaker.statement(argument.decode()))
    return [] if speaker.client.send(raw.COM_STMT_CLOSE, payload) else _gone(speaker)


def _reset(speaker: Speaker, argument: bytes) -> list[Packet]:
    payload = struct.pack("<I", speaker.statement(argument.decode()))
    sent = speaker.client.send(raw.COM_STMT_RESET, payload)
    return speaker.client.read_ok() if sent else _gone(speaker)


def _packet(speaker: Speaker, argument: bytes) -> list[Packet]:
    """`packet HEX`: a command as it is, for those that have no words here."""
    data = bytes.fromhex(argument.decode())
    return speaker.client.read_results() if speaker.client.send(data[0], data[1:]) else _gone(speaker)


def _quit(speaker: Speaker, _: bytes) -> list[Packet]:
    return speaker.client.read_ok() if speaker.client.send(raw.COM_QUIT) else _gone(speaker)


COMMANDS: dict[str, Command] = {
    "query": _simple(raw.COM_QUERY, CommandClient.read_results),
    "init_db": _simple(raw.COM_INIT_DB, CommandClient.read_ok),
    "ping": _simple(raw.COM_PING, CommandClient.read_ok),
    "statistics": _simple(raw.COM_STATISTICS, CommandClient.read_text),
    "reset_connection": _simple(raw.COM_RESET_CONNECTION, CommandClient.read_ok),
    "greeting": _greeting,
    "field_list": _field_list,
    "process_kill": _process_kill,
    "set_option": _set_option,
    "change_user": _change_user,
    "prepare": _prepare,
    "execute": _execute,
    "fetch": _fetch,
    "long_data": _long_data,
    "close": _close,
    "reset": _reset,
    "packet": _packet,
    "quit": _quit,
}
