"""A relay between weir and a server that counts what travels to the server: commands, and flights.

A command is a packet with sequence number 0. A flight is whatever is sent without waiting for an answer in between:
its number is the number of round trips. What travels during the login is not counted.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from cluster.state import HOST

CHUNK = 1 << 16
USER_OFFSET = 36  # in a handshake response: header, capabilities, packet size, collation, filler


@dataclass(frozen=True)
class Traffic:
    """Of one account's connections to one server."""

    commands: int = 0
    flights: int = 0

    def since(self, before: Traffic) -> Traffic:
        return Traffic(self.commands - before.commands, self.flights - before.flights)


class Relay:
    """Listens on a port of its own and counts the connections of the account `user`."""

    def __init__(self, port: int, user: str) -> None:
        self._server = (HOST, port)
        self._user = user.encode()
        self._gate = threading.Lock()
        self._traffic = Traffic()
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def traffic(self) -> Traffic:
        with self._gate:
            return self._traffic

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                conversation = _Conversation(self, client, server)
                for work in (conversation.to_server, conversation.to_client):
                    threading.Thread(target=work, daemon=True).start()

    def count(self, user: bytes, commands: int, flights: int) -> None:
        if user == self._user:
            with self._gate:
                self._traffic = Traffic(self._traffic.commands + commands, self._traffic.flights + flights)


class _Conversation:
    """One connection in both directions, each with a thread."""

    def __init__(self, relay: Relay, client: socket.socket, server: socket.socket) -> None:
        self._relay = relay
        self._client = client
        self._server = server
        self._answered = True  # the server has spoken since the last command
        self._user: bytes | None = None
        self._pending = bytearray()

    def to_server(self) -> None:
        for data in _chunks(self._client, self._server):
            self._pending += data
            commands = self._take_commands()
            if commands:
                # An answer may be under way already when a flight comes in two reads; what is sent in one write
                # and fits into one segment does not.
                flights, self._answered = int(self._answered), False
                self._relay.count(self._user or b"", commands, flights)
            self._forward(self._server, data)

    def to_client(self) -> None:
        for data in _chunks(self._server, self._client):
            self._answered = True
            self._forward(self._client, data)

    def _take_commands(self) -> int:
        """Whole frames are taken off; how many of them begin a command."""
        commands = 0
        while len(self._pending) >= 4:
            length = 4 + int.from_bytes(self._pending[:3], "little")
            if len(self._pending) < length:
                break
            frame = bytes(self._pending[:length])
            del self._pending[:length]
            if self._user is None:  # the first is the answer to the greeting
                self._user = frame[USER_OFFSET:].split(b"\0", 1)[0]
            elif frame[3] == 0:
                commands += 1
        return commands

    @staticmethod
    def _forward(target: socket.socket, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the other side is gone, which its own thread notices
            target.sendall(data)


def _chunks(source: socket.socket, target: socket.socket) -> Iterator[bytes]:
    """What comes from `source`; when it ends, `target` is told."""
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            yield data
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
