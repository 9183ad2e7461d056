"""The servers, their tables, and weir with few connections; and what must be true when all clients are gone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import counters
from cluster import accounts, lifecycle
from cluster.processes import wait_until
from cluster.servers import root_session
from cluster.state import Cluster, Node
from weir import Weir, running

from .client import Client
from .session import STORE
from .vocabulary import SCHEMAS, Vocabulary

REPLICAS = 2
WORKERS = 2
PATIENCE = 30


def learn(cluster: Cluster) -> tuple[Vocabulary, str]:
    """What a direct session sees, and FROM_UNIXTIME(86400) there. Over the unix socket, after which MySQL lets the
    account in over TCP without encryption too."""
    for node in cluster.nodes:
        _directly(node, accounts.APP).close()
    with _directly(cluster.node(cluster.primary), accounts.APP) as direct:
        midnight = direct.one("SELECT FROM_UNIXTIME(86400)")[0]
        return Vocabulary(cluster.flavor, direct), str(midnight)


def fill(cluster: Cluster, seats: int) -> None:
    """Schemas that know their own name, and for each seat a row and a table whose ids are its own."""
    with root_session(cluster.node(cluster.primary)) as root:
        for schema in SCHEMAS:
            root.query(f"CREATE DATABASE {schema} CHARACTER SET utf8mb4")
            root.query(f"CREATE TABLE {schema}.here (token VARCHAR(40))")
            root.query(f"INSERT INTO {schema}.here VALUES ('{schema}')")
        root.query(f"CREATE DATABASE {STORE} CHARACTER SET utf8mb4")
        root.query(f"CREATE TABLE {STORE}.seats (seat INT PRIMARY KEY, note VARCHAR(40), number BIGINT)")
        root.query(f"INSERT INTO {STORE}.seats VALUES " + ", ".join(f"({seat}, '', 0)" for seat in range(1, seats + 1)))
        for seat in range(1, seats + 1):
            root.query(f"CREATE TABLE {STORE}.own_{seat} (id BIGINT AUTO_INCREMENT PRIMARY KEY, token VARCHAR(40)) "
                       f"AUTO_INCREMENT = {seat * 1_000_000 + 1}")
    lifecycle.catch_up(cluster.folder)


@contextlib.contextmanager
def proxy(binary: Path, cluster: Cluster, folder: Path, connections: int) -> Iterator[Weir]:
    settings = {
        "server": {"max_connections": str(connections)},
        "pool": {"mode": '"transaction"', "queue_timeout": '"60s"'},
        "monitor": {"max_lag": '"60s"'},  # a busy machine must not take the replicas' reads away
        "limits": {"server_statements": "32"},  # few, so that statements are closed and prepared again
    }
    with running(binary, cluster, folder, WORKERS, settings) as weir:
        yield weir


def lasting_connections(cluster: Cluster) -> dict[str, int]:
    """How many there are twice in a row: a server takes a moment to notice that one was closed."""
    first = connections(cluster)
    time.sleep(0.2)
    return {name: min(first[name], count) for name, count in connections(cluster).items()}


def connections(cluster: Cluster) -> dict[str, int]:
    """How many connections of the clients' account each server has."""
    found = {}
    for node in cluster.nodes:
        with root_session(node) as root:
            rows = root.query("SELECT COUNT(*) FROM information_schema.processlist "
                              f"WHERE user = '{accounts.APP.name}'")
        found[node.name] = int(rows[0][0] or 0)
    return found


def taken_locks(cluster: Cluster, names: set[str]) -> list[str]:
    """Locks that nobody can hold any more, because their sessions are gone, and that are still taken."""
    taken: list[str] = []

    def free() -> bool:
        with root_session(cluster.node(cluster.primary)) as root:
            taken[:] = [name for name in sorted(taken or names)
                        if root.query(f"SELECT IS_FREE_LOCK('{name}')")[0][0] != "1"]
        return not taken

    wait_until(free, PATIENCE)
    return taken


def leftovers(cluster: Cluster, limit: int) -> list[str]:
    """What is wrong on the servers after the last client has gone, while weir still runs."""
    wrong: list[str] = []

    def clean() -> bool:
        wrong[:] = [f"{name} has {count} connections of the account, more than {limit}"
                    for name, count in connections(cluster).items() if count > limit]
        wrong.extend(text for node in cluster.nodes for text in _open_transactions(node))
        return not wrong

    wait_until(clean, PATIENCE)
    for node in cluster.replicas():
        written = counters.own_transactions(cluster, node)
        if written:
            wrong.append(f"{node.name} was written to: {written}")
    return wrong


def end(weir: Weir, cluster: Cluster) -> list[str]:
    """Ends weir; what is wrong with how it ended."""
    if not weir.running():
        code = weir.process.returncode if weir.process else None
        return [f"weir ended by itself with code {code}; the end of its log:\n{weir.log_tail()}"]
    weir.stop()
    assert weir.process is not None
    wrong = []
    if weir.process.returncode != 0:
        wrong.append(f"weir ended with code {weir.process.returncode}; the end of its log:\n{weir.log_tail()}")
    if not wait_until(lambda: not any(connections(cluster).values()), PATIENCE):
        wrong.append(f"connections are left on the servers: {connections(cluster)}")
    return wrong


def _open_transactions(node: Node) -> list[str]:
    with root_session(node) as root:
        rows = root.query("SELECT trx_mysql_thread_id FROM information_schema.innodb_trx JOIN "
                          "information_schema.processlist ON id = trx_mysql_thread_id "
                          f"WHERE user = '{accounts.APP.name}'")
    return [f"{node.name} has a transaction open on connection {row[0]}" for row in rows]


def _directly(node: Node, account: accounts.Account) -> Client:
    return Client.unix(str(node.socket)).enter(account)


def unguarded(weir: Weir) -> list[str]:
    """What could give passwords away: weir leaves no core file, and the memory with its secrets is never swapped."""
    folder = Path(f"/proc/{weir.pid}")
    cores = next(line for line in (folder / "limits").read_text().splitlines() if line.startswith("Max core file size"))
    locked = next(line for line in (folder / "status").read_text().splitlines() if line.startswith("VmLck:"))
    wrong = []
    if cores.split()[4:6] != ["0", "0"]:
        wrong.append(f"weir may leave a core file: {cores}")
    if int(locked.split()[1]) == 0:
        wrong.append("weir has locked no memory (ulimit -l must allow 2 MiB)")
    return wrong
