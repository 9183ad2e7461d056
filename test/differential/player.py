"""Plays a script at one address and keeps every reply."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cluster import accounts
from cluster.state import HOST
from rawcommands import CommandClient
from rawmysql import Connection, ConnectionLost
from reply_packets import Packet

from .commands import COMMANDS, Speaker
from .script import CAPABILITIES, Script, Step

PATIENCE = 60.0  # longer than any wait that a script may cause: silence is a failure, not a race
ACCOUNTS = {account.name: account for account in accounts.ALL}
_SUBSTITUTION = re.compile(rb"\{(schema|id [a-z]|hex [0-9a-f ]+|repeat \S+ \d+)\}")


class PlayError(Exception):
    """The script cannot go on."""


@dataclass
class Reply:
    """What came back for one step."""

    step: Step
    packets: list[Packet]


@dataclass(frozen=True)
class Address:
    """Where a script is played. `prime` teaches the server an account's password, if it has to be taught."""

    name: str
    port: int
    prime: Callable[[accounts.Account], None]
    sync: Callable[[], None]


@dataclass
class Player:
    """One run of one script at one address."""

    script: Script
    flavor: str
    address: Address
    speakers: dict[str, Speaker] = field(default_factory=dict)

    def play(self) -> list[Reply]:
        try:
            return [reply for step in self.script.steps_for(self.flavor) for reply in self._take(step)]
        finally:
            for speaker in self.speakers.values():
                speaker.client.connection.close()

    def _take(self, step: Step) -> list[Reply]:
        if not step.session:
            self.address.sync()
            return []
        if step.verb == "connect":
            return [Reply(step, [self._log_in(step.session)])]
        if step.session not in self.speakers:
            self._come_in(step.session)
        command = COMMANDS[step.verb]
        return [Reply(step, command(self.speakers[step.session], self.expand(step.argument)))]

    def _come_in(self, session: str) -> None:
        """The login that a script takes for granted: it has to succeed, and only `connect` looks at its reply."""
        packet = self._log_in(session)
        if packet.kind != "ok":
            raise PlayError(f"session {session} does not come in at {self.address.name}: {packet}")

    def _log_in(self, session: str) -> Packet:
        """Open the session, in place of an earlier one of this name; its last login packet."""
        if session in self.speakers:
            self.speakers.pop(session).client.connection.close()
        login = self.script.login(session)
        account = ACCOUNTS[login.account]
        schema = self.expand(login.schema).decode() if login.schema else None
        flags = sum(CAPABILITIES[name] for name in login.capabilities)
        for attempt in (1, 2):
            connection = Connection.tcp(HOST, self.address.port, PATIENCE)
            client = CommandClient(connection, flags, login.collation)
            client.files = self.script.files
            try:
                packet = client.login(account.name, account.password, schema)
            except ConnectionLost:
                connection.close()
                if attempt == 2:
                    raise
                self.address.prime(account)
                continue
            self.speakers[session] = Speaker(client, login.collation)
            return packet
        raise AssertionError("two attempts either return or raise")

    def expand(self, text: str) -> bytes:
        """The bytes of a step's text, with what stands in braces put in."""
        return _SUBSTITUTION.sub(lambda match: self._substitute(match.group(1)), text.encode())

    def _substitute(self, words: bytes) -> bytes:
        verb, _, rest = words.partition(b" ")
        if verb == b"schema":
            return self.script.schema.encode()
        if verb == b"hex":
            return bytes.fromhex(rest.decode())
        if verb == b"repeat":
            text, _, count = rest.rpartition(b" ")
            return text * int(count)
        greeting = self.speakers[rest.decode()].client.connection.greeting
        assert greeting is not None
        return str(greeting.connection_id).encode()
