"""Starts the servers and weir, runs the clients, and judges."""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cluster import accounts, delay, lifecycle
from cluster.errors import ClusterError
from cluster.servers import root_session
from cluster.state import Cluster
from rawmysql import Connection, ConnectionLost, ServerError
from weir import ROOT, running

from .clients import Tally, run

CLIENTS = 64
PROCESSES = 4
DELAY_SECONDS = 30
COUNTERS = ("waits", "waits_in_vain", "stale_avoided")  # of weir, shown beside the result
CONSISTENCIES = ("session", "global", "eventual")


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="weir-fresh-"))
    passed = failed = 0
    try:
        with _cluster(folder / "cluster", options.flavor) as cluster:
            settings = {"monitor": {"max_lag": '"10m"'}, "pool": {"queue_timeout": '"60s"'}}
            with running(options.weir, cluster, folder, 2, settings) as weir:
                for consistency in options.consistency:
                    before = weir.counters()
                    tally = _play(weir.port, options.pairs, consistency)
                    counted = {name: value - before.get(name, 0) for name, value in weir.counters().items()}
                    wrong = _judge(tally, consistency)
                    _report(cluster, consistency, tally, wrong)
                    print("  " + ", ".join(f"{name} {counted[name]}" for name in COUNTERS), flush=True)
                    passed, failed = passed + (not wrong), failed + bool(wrong)
    except (ClusterError, ServerError, ConnectionLost, OSError) as error:
        print(f"freshness: {error}", file=sys.stderr)
        failed += 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/freshness", description="do reads see the writes before them?")
    parser.add_argument("--flavor", choices=("mariadb", "mysql"), default="mariadb")
    parser.add_argument("--pairs", type=int, default=100000, help="writes and reads, of all clients together")
    parser.add_argument("--consistency", choices=CONSISTENCIES, action="append")
    parser.add_argument("--weir", type=Path, default=ROOT / "build/release/weir")
    options = parser.parse_args(arguments)
    options.consistency = options.consistency or list(CONSISTENCIES)
    return options


@contextlib.contextmanager
def _cluster(folder: Path, flavor: str) -> Iterator[Cluster]:
    try:
        cluster = lifecycle.start(folder, flavor, replicas=2)
        for node in cluster.nodes:  # MySQL lets the account in over TCP once it has seen it over the socket
            with Connection.unix(str(node.socket)) as direct:
                direct.login(accounts.APP.name, accounts.APP.password)
        with root_session(cluster.node(cluster.primary)) as root:
            root.query("CREATE DATABASE freshness")
            root.query("CREATE TABLE freshness.seats (seat INT PRIMARY KEY, number BIGINT NOT NULL)")
            root.query("INSERT INTO freshness.seats VALUES " + ", ".join(f"({seat}, 0)" for seat in range(CLIENTS)))
        lifecycle.catch_up(folder)
        delay.set_delay(cluster, cluster.replicas()[1:], DELAY_SECONDS)
        yield cluster
    finally:
        lifecycle.stop(folder, wipe=True)


def _play(port: int, pairs: int, consistency: str) -> Tally:
    each = CLIENTS // PROCESSES
    work = [(port, range(number * each, (number + 1) * each), -(-pairs // CLIENTS), consistency)
            for number in range(PROCESSES)]
    total = Tally()
    with concurrent.futures.ProcessPoolExecutor(PROCESSES) as processes:
        for tally in processes.map(run, *zip(*work, strict=True)):
            total.add(tally)
    return total


def _judge(tally: Tally, consistency: str) -> list[str]:
    wrong = tally.failures[:5]
    if consistency == "eventual":
        if tally.stale == 0:
            wrong.append("no read was stale: the replicas are not as late as this test needs them")
        return wrong
    if tally.stale:
        wrong.append(f"{tally.stale} reads were stale")
    if tally.backwards:
        wrong.append(f"{tally.backwards} reads went back in time")
    return wrong


def _report(cluster: Cluster, consistency: str, tally: Tally, wrong: list[str]) -> None:
    shares = ", ".join(f"{_role(cluster, node.name)} {tally.servers[str(node.server_id)] / max(tally.pairs, 1):.1%}"
                       for node in cluster.nodes)
    print(f"{cluster.flavor}, {consistency}: {tally.pairs} pairs, {tally.stale} stale; read from {shares}", flush=True)
    for text in wrong:
        print(f"  FAILED: {text}", flush=True)


def _role(cluster: Cluster, name: str) -> str:
    if name == cluster.primary:
        return "the primary"
    return "the replica in step" if name == cluster.replicas()[0].name else "the late one"
