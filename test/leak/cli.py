"""The command `scripts/leak`."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from cluster import lifecycle
from cluster.errors import ClusterError
from cluster.state import Cluster
from rawmysql import ConnectionLost, ServerError
from weir import ROOT, Weir

from . import bed, phases
from .ledger import Leak, Ledger
from .session import Session, World

ACTIONS_PER_SECOND = 150   # of all clients together: enough for a small machine to keep up with
PATIENCE = 180             # beyond --seconds, for kinds of checks whose turn has not come
TOO_MANY = 50              # sessions that went wrong, after which the rest adds nothing
LOCKS = "lock of a session that broke off"


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    threading.stack_size(512 * 1024)
    folder = Path(tempfile.mkdtemp(prefix=f"weir-leak-{options.flavor}-"))
    passed, failed = 0, 1
    try:
        cluster = lifecycle.start(folder / "cluster", options.flavor, replicas=bed.REPLICAS)
        bed.fill(cluster, options.clients)
        passed, failed = _run(cluster, folder, options)
    except ClusterError as error:
        print(f"FAILED  {error}")
    finally:
        lifecycle.stop(folder / "cluster", wipe=True)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/leak",
        description="Many sessions with private state on few connections; each must find its own, and only that.")
    parser.add_argument("--flavor", choices=("mariadb", "mysql"), default="mariadb")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--clients", type=int, default=200, help="sessions at a time")
    parser.add_argument("--connections", type=int, default=8, help="max_connections of each server in weir")
    parser.add_argument("--weir", type=Path, default=ROOT / "build/release/weir", help="the program to test")
    parser.add_argument("--seed", type=int, help="of every choice that a session makes; a new one by default")
    options = parser.parse_args(arguments)
    options.seed = random.randrange(1 << 32) if options.seed is None else options.seed
    if options.connections < 4:
        parser.error("with fewer than 4 connections, sessions that are tied to one leave none to the others")
    return options


def _run(cluster: Cluster, folder: Path, options: argparse.Namespace) -> tuple[int, int]:
    vocabulary, midnight = bed.learn(cluster)
    ledger = Ledger()
    print(f"{cluster.flavor} {cluster.version}: {options.clients} clients on {options.connections} connections to each "
          f"of {len(cluster.nodes)} servers, {options.seconds} s, --seed {options.seed}", flush=True)
    with bed.proxy(options.weir, cluster, folder, options.connections) as weir:
        world = World(weir.port, vocabulary, ledger, frozenset(str(node.server_id) for node in cluster.replicas()),
                      midnight, threading.Semaphore(max(1, options.connections * 3 // 8)))
        most = _play(world, cluster, weir, options)
        _check_locks(world, cluster)
        wrong = bed.leftovers(cluster, options.connections) + bed.unguarded(weir) if weir.running() else []
        wrong += bed.end(weir, cluster)
    if most > options.connections:
        wrong.append(f"one server had {most} connections of the account at a time")
    return _report(ledger, most, wrong)


def _play(world: World, cluster: Cluster, weir: Weir, options: argparse.Namespace) -> int:
    """Runs all clients until the time is over; the most connections that one server had meanwhile."""
    over = threading.Event()
    threads = [threading.Thread(target=_client, args=(world, seat, over, options), name=f"seat {seat}")
               for seat in range(1, options.clients + 1)]
    for thread in threads:
        thread.start()
    most = 0
    began = time.monotonic()
    try:
        while weir.running() and world.ledger.wrong() < TOO_MANY:
            most = max(most, *bed.lasting_connections(cluster).values())
            passed = time.monotonic() - began
            missing = set(world.ledger.unchecked()) - {LOCKS}
            if passed > options.seconds and (not missing or passed > options.seconds + PATIENCE):
                break
            time.sleep(1)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    return most


def _client(world: World, seat: int, over: threading.Event, options: argparse.Namespace) -> None:
    """One session after another, until the time is over."""
    chance = random.Random(f"{options.seed}/{seat}")
    pause = 2 * options.clients / ACTIONS_PER_SECOND
    while not over.wait(chance.uniform(0, pause)):
        virgin = chance.random() < 0.3
        world.ledger.began(virgin)
        session = None
        try:
            session = Session(world, seat, chance)
            if virgin:
                phases.be_virgin(session)
            else:
                _live(session, over, pause)
        except Leak:
            pass  # it is in the ledger
        except (ServerError, ConnectionLost, OSError, ValueError) as error:
            world.ledger.fail("errors", session.client if session else None, f"{type(error).__name__}: {error}")
        finally:
            if session:
                session.client.close()


def _live(session: Session, over: threading.Event, pause: float) -> None:
    session.furnish()
    session.settle()
    chance = session.chance
    for _ in range(chance.randint(8, 40)):
        if over.wait(chance.uniform(0, pause)):
            break
        if chance.random() < 0.1:
            if not phases.hold(session):
                return
        else:
            session.step()
        session.settle()
    if chance.random() < 0.7:  # the others break off
        session.client.quit()


def _check_locks(world: World, cluster: Cluster) -> None:
    taken = bed.taken_locks(cluster, world.locks)
    world.ledger.count(LOCKS, len(world.locks))
    if taken:
        world.ledger.fail(LOCKS, None, f"still taken: {', '.join(taken)}")


def _report(ledger: Ledger, most: int, wrong: list[str]) -> tuple[int, int]:
    passed, failed = ledger.report()
    for text in wrong:
        print(f"FAILED  {text}")
    print(f"{ledger.total()} checks in {ledger.sessions} sessions, {ledger.virgins} of them virgin; "
          f"at most {most} connections to one server")
    return passed + (not wrong), failed + len(wrong)
