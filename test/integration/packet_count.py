#!/usr/bin/env python3
"""Counts what it costs that sessions share a connection: commands and round trips to the server for each query.

Two clients take turns on the only connection to each server. With equal state, a change of session must cost nothing;
with different state one more command in the same flight, but no round trip. WEIR_TEST_CLUSTER names a running
cluster's folder, WEIR_BINARY the program. The last line is `N passed, N failed`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

sys.dont_write_bytecode = True
TEST = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TEST), str(TEST / "support")]

from cluster import accounts, lifecycle, state  # noqa: E402 (the path has to be set first)
from cluster.servers import root_session  # noqa: E402
from cluster.state import HOST, Cluster  # noqa: E402
from leak.client import Client  # noqa: E402
from relay import Relay, Traffic  # noqa: E402
from weir import Weir, running  # noqa: E402

TURNS = 100
WARM_UP = 6
SCHEMA = "packets"
# The relays have to read what travels.
SETTINGS = {"server": {"max_connections": "1"}, "pool": {"mode": '"transaction"'}, "tls.server": {"mode": '"disabled"'}}


@dataclass(frozen=True)
class Case:
    """What both clients do first, each its own way, and then in turns; and what that may cost for each query."""

    name: str
    first: tuple[list[str], list[str]]
    turn: str
    commands: int
    flights: int = 1
    prepared: bool = False


READ = f"SELECT v FROM {SCHEMA}.t WHERE id = 1"
WRITE = f"UPDATE {SCHEMA}.t SET v = v + 1 WHERE id = 1"
MODES = (["SET sql_mode = 'ANSI_QUOTES'"], ["SET sql_mode = 'PIPES_AS_CONCAT'"])
MODE_AND_SCHEMA = ([*MODES[0], f"USE {SCHEMA}"], [*MODES[1], "USE app"])

CASES = (
    Case("reads, equal state", ([], []), READ, 1),
    Case("reads, the same sql_mode set by both", (MODES[0], MODES[0]), READ, 1),
    Case("reads, another sql_mode", MODES, READ, 2),
    Case("reads, another schema", ([f"USE {SCHEMA}"], ["USE app"]), READ, 2),
    Case("reads, another sql_mode and schema", MODE_AND_SCHEMA, READ, 3),
    Case("binary reads, equal state", ([], []), READ, 1, prepared=True),
    Case("binary reads, another time zone", (["SET time_zone = '+01:00'"], ["SET time_zone = '+02:00'"]), READ, 2,
         prepared=True),
    Case("writes, equal state", ([], []), WRITE, 1),
    Case("writes, another sql_mode", MODES, WRITE, 2),
    Case("binary writes, equal state", ([], []), WRITE, 1, prepared=True),
)


def main() -> int:
    cluster = state.load(Path(os.environ["WEIR_TEST_CLUSTER"]))
    # One replica, because with two of them each client would keep to one and share nothing.
    cluster = replace(cluster, nodes=[cluster.node(cluster.primary), cluster.replicas()[0]])
    _fill(cluster)
    passed = failed = 0
    print(f"{'':40}{'commands':>12}{'round trips':>14}   for each query")
    with _relays(cluster) as relays, tempfile.TemporaryDirectory(prefix="weir-packets-") as folder:
        between = replace(cluster, nodes=[replace(node, port=relay.port)
                                          for node, relay in zip(cluster.nodes, relays, strict=True)])
        with running(Path(os.environ["WEIR_BINARY"]), between, Path(folder), 1, SETTINGS) as weir:
            for case in CASES:
                good = _play(case, weir, relays)
                passed, failed = passed + good, failed + (not good)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _fill(cluster: Cluster) -> None:
    for node in cluster.nodes:  # after this MySQL lets the account in over TCP too
        Client.unix(str(node.socket)).enter(accounts.APP).close()
    with root_session(cluster.node(cluster.primary)) as root:
        root.query(f"CREATE OR REPLACE DATABASE {SCHEMA}" if cluster.flavor == "mariadb"
                   else f"DROP DATABASE IF EXISTS {SCHEMA}")
        root.query(f"CREATE DATABASE IF NOT EXISTS {SCHEMA}")
        root.query(f"CREATE TABLE {SCHEMA}.t (id INT PRIMARY KEY, v INT)")
        root.query(f"INSERT INTO {SCHEMA}.t VALUES (1, 0)")
    lifecycle.catch_up(cluster.folder)


@contextlib.contextmanager
def _relays(cluster: Cluster) -> Iterator[list[Relay]]:
    relays = [Relay(node.port, accounts.APP.name) for node in cluster.nodes]
    try:
        yield relays
    finally:
        for relay in relays:
            relay.close()


def _play(case: Case, weir: Weir, relays: list[Relay]) -> bool:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client.tcp(HOST, weir.port).enter(accounts.APP)) for _ in range(2)]
        for client, statements in zip(clients, case.first, strict=True):
            for statement in statements:
                client.run(statement)
        turns = [_turn(case, client) for client in clients]
        for number in range(WARM_UP):
            turns[number % 2]()
        before = [relay.traffic() for relay in relays]
        for number in range(TURNS):
            turns[number % 2]()
        used = [relay.traffic().since(one) for relay, one in zip(relays, before, strict=True)]
        for client in clients:
            client.quit()
    return _judge(case, used)


def _turn(case: Case, client: Client) -> Callable[[], object]:
    if not case.prepared:
        return lambda: client.run(case.turn)
    prepared = client.prepare(case.turn.replace("id = 1", "id = ?"))
    return lambda: client.run_prepared(prepared, ["1"])


def _judge(case: Case, used: list[Traffic]) -> bool:
    """All of it went to one server: the replica for reads, the primary for writes."""
    busy, quiet = (used[1], used[0]) if case.turn == READ else (used[0], used[1])
    good = (busy == Traffic(case.commands * TURNS, case.flights * TURNS) and quiet == Traffic())
    other = "" if quiet == Traffic() else f"  and {quiet.commands} commands to the other server"
    wanted = "" if good else f"  (wanted: {case.commands}, {case.flights}){other}"
    print(f"{'ok' if good else 'FAILED':8}{case.name:40}{busy.commands / TURNS:8.2f}{busy.flights / TURNS:12.2f}"
          f"{wanted}", flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
