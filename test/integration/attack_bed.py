"""What the tests of attacks through weir share: a schema of their own, what the servers say, and what weir needs."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cluster import accounts, lifecycle
from cluster.processes import wait_until
from cluster.servers import root_session
from cluster.state import HOST, Cluster
from leak.client import Client
from rawmysql import Row
from rogue import RogueServer
from weir import Settings, Weir, running

SCHEMA = "attacks"
PATIENCE = 90.0
MIB = 1 << 20


def header(length: int, sequence: int = 0) -> bytes:
    """Of a frame that may never come whole."""
    return length.to_bytes(3, "little") + bytes([sequence])


@dataclass(frozen=True)
class Bed:
    """weir in front of a cluster, for one group of tests."""

    cluster: Cluster
    weir: Weir
    rogues: tuple[RogueServer, ...] = ()  # in the primary's and a replica's place, where a group wants them

    def client(self, schema: str = SCHEMA) -> Client:
        return Client.tcp(HOST, self.weir.port).enter(accounts.APP, schema)

    def root(self, *statements: str) -> list[Row]:
        """On the primary itself; the rows of the last one."""
        with root_session(self.cluster.node(self.cluster.primary)) as session:
            return [session.query(statement) for statement in statements][-1]

    def count(self, table: str) -> int:
        return int(self.root(f"SELECT COUNT(*) FROM {SCHEMA}.{table}")[0][0] or 0)

    def threads(self) -> set[str]:
        """weir's connections to the primary, by the server's ids."""
        rows = self.root("SELECT ID FROM information_schema.processlist "
                         f"WHERE USER = '{accounts.APP.name}'")
        return {str(row[0]) for row in rows}

    def memory(self) -> int:
        """What the weir process occupies now, in bytes."""
        status = Path(f"/proc/{self.weir.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) << 10


@contextlib.contextmanager
def bed(cluster: Cluster, settings: Settings, with_rogues: bool = False) -> Iterator[Bed]:
    for node in cluster.nodes:  # after this MySQL lets the account in over TCP too
        Client.unix(str(node.socket)).enter(accounts.APP).close()
    with root_session(cluster.node(cluster.primary)) as root:
        root.query(f"DROP DATABASE IF EXISTS {SCHEMA}")
        root.query(f"CREATE DATABASE {SCHEMA}")
        for table in ("t (id INT PRIMARY KEY)", "texts (id INT PRIMARY KEY, v LONGBLOB)"):
            root.query(f"CREATE TABLE {SCHEMA}.{table}")
    lifecycle.catch_up(cluster.folder)
    with contextlib.ExitStack() as stack:
        seen = cluster
        rogues: tuple[RogueServer, ...] = ()
        if with_rogues:
            real = [cluster.node(cluster.primary), cluster.replicas()[0]]
            rogues = tuple(stack.enter_context(RogueServer(node.port, accounts.APP.name)) for node in real)
            seen = replace(cluster, nodes=[replace(node, port=rogue.port)
                                           for node, rogue in zip(real, rogues, strict=True)])
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="weir-attacks-")))
        weir = stack.enter_context(running(Path(os.environ["WEIR_BINARY"]), seen, folder, 1, settings))
        yield Bed(cluster, weir, rogues)
        if not weir.running():
            raise weir.failure("weir has ended")
        weir.stop()
        if weir.process is not None and weir.process.returncode != 0:  # a sanitizer speaks up at the end
            raise weir.failure(f"weir ended with code {weir.process.returncode}")


def until(condition: Callable[[], bool], what: str) -> None:
    assert wait_until(condition, PATIENCE), f"in vain: {what}"


def must_be(found: object, wanted: object, what: str) -> None:
    assert found == wanted, f"{what}: {found!r} instead of {wanted!r}"


def reset_socket(client: Client) -> None:
    """Closes as a process does that dies with unread data: by RST."""
    client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Flood:
    """Sends the same bytes over and over in a thread of its own, until it is told to stop."""

    def __init__(self, client: Client, data: bytes) -> None:
        self.sent = 0
        self._client = client
        self._data = data
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Flood:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)

    def has_sent(self, size: int) -> None:
        until(lambda: self.sent >= size or not self._thread.is_alive(), f"{size} bytes of a flood")
        assert self.sent >= size, "the flooding connection was lost"

    def is_held_up(self) -> None:
        """Nothing is taken from it any more."""
        def still() -> bool:
            before = self.sent
            time.sleep(1)
            return self.sent == before
        until(still, "the flood is held up")

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while not self._stop.is_set():
                self._client.write_bytes(self._data)
                self.sent += len(self._data)
