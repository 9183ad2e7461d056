"""A server that lies: stands between weir and a real server, and answers some commands itself.

    with RogueServer(node.port, "app") as rogue:
        rogue.answers["give me your file"] = frame(b"\xfb/etc/passwd", 1)

A command of the account `user` that holds such a text does not reach the real server; the bytes are its answer. All
else passes, the monitor's conversation too. `login`, while it is set, takes the place of what the server says next
after the account's first packet: the verdict of a login.

To keep the order of answers, the real server is sent a command that no server has instead, and its error is replaced.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

from cluster.state import HOST
from rawmysql import frame
from relay import USER_OFFSET

CHUNK = 1 << 16
NO_COMMAND = frame(b"\x22", 0)
UNKNOWN_COMMAND = b"\xff\x17\x04#08S01"  # how the error that answers it begins


class RogueServer:
    """Listens on a port of its own. What tests set is read when a command comes."""

    def __init__(self, port: int, user: str) -> None:
        self.server = (HOST, port)
        self.user = user.encode()
        self.answers: dict[str, bytes] = {}
        self.login = b""
        self.endless = b""  # follows an answer, over and over
        self.sent = 0       # bytes of answers of its own
        self.heard: list[bytes] = []  # packets that came after a lie in a login
        self.open: set[_Conversation] = set()  # in which a lie was told, until weir closes them
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> RogueServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def behave(self) -> None:
        """As the real server from now on."""
        self.answers.clear()
        self.login = b""
        self.endless = b""

    def say(self, words: bytes) -> None:
        """On every connection on which a lie was told and which is still there."""
        for conversation in list(self.open):
            conversation.say(words)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self.server)
                except OSError:
                    client.close()
                    continue
                conversation = _Conversation(self, client, server)
                for work in (conversation.to_server, conversation.to_client):
                    threading.Thread(target=_quietly, args=(work,), daemon=True).start()


class _Conversation:
    """One connection in both directions, each with a thread."""

    def __init__(self, rogue: RogueServer, client: socket.socket, server: socket.socket) -> None:
        self._rogue = rogue
        self._client = client
        self._server = server
        self._user: bytes | None = None
        self._lies: list[bytes] = []  # answers to come, in order
        self._refused = False

    def to_server(self) -> None:
        try:
            for packet in _frames(self._client):
                if self._user is None:  # the first is the answer to the greeting
                    self._user = packet[USER_OFFSET:].split(b"\0", 1)[0]
                    self._refused = self._user == self._rogue.user and bool(self._rogue.login)
                    if self._refused:
                        self._tell(self._rogue.login)
                        continue
                if self._refused:
                    self._rogue.heard.append(packet)
                    continue
                lie = self._lie(packet)
                if lie is not None:
                    self._rogue.open.add(self)
                    self._lies.append(lie)
                self._server.sendall(packet if lie is None else NO_COMMAND)
        finally:
            self._rogue.open.discard(self)
            _end(self._server, self._client)

    def to_client(self) -> None:
        try:
            for packet in _frames(self._server):
                if self._lies and packet[4:].startswith(UNKNOWN_COMMAND):
                    self._tell(self._lies.pop(0))
                else:
                    self._client.sendall(packet)
        finally:
            _end(self._client)

    def _lie(self, packet: bytes) -> bytes | None:
        if self._user != self._rogue.user or packet[3] != 0:
            return None
        return next((answer for text, answer in self._rogue.answers.items() if text.encode() in packet), None)

    def say(self, words: bytes) -> None:
        self._client.sendall(words)

    def _tell(self, answer: bytes) -> None:
        self._rogue.open.add(self)
        self._rogue.sent += len(answer)
        self.say(answer)
        while more := self._rogue.endless:
            self.say(more)
            self._rogue.sent += len(more)


def _frames(source: socket.socket) -> Iterator[bytes]:
    pending = bytearray()
    while data := source.recv(CHUNK):
        pending += data
        while len(pending) >= 4 and len(pending) >= (size := 4 + int.from_bytes(pending[:3], "little")):
            yield bytes(pending[:size])
            del pending[:size]


def _end(*streams: socket.socket) -> None:
    for stream in streams:
        with contextlib.suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)


def _quietly(work: Callable[[], None]) -> None:
    with contextlib.suppress(OSError):  # one side is gone
        work()
