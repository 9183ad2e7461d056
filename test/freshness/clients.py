"""One process with many clients, each a thread that writes and reads back."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from cluster import accounts
from cluster.state import HOST
from rawmysql import Connection


@dataclass
class Tally:
    """What was seen. Picklable: processes hand it on."""

    pairs: int = 0
    stale: int = 0
    backwards: int = 0
    servers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.pairs += other.pairs
        self.stale += other.stale
        self.backwards += other.backwards
        self.servers += other.servers
        self.failures += other.failures


def run(port: int, seats: range, pairs: int, consistency: str) -> Tally:
    """`pairs` writes and reads for each seat; every seat has a client of its own."""
    total = Tally()
    lock = threading.Lock()

    def work(seat: int) -> None:
        tally = Tally()
        try:
            _write_and_read(port, seat, pairs, consistency, tally)
        except Exception as error:  # noqa: BLE001 (whatever it is, the run has failed and says so)
            tally.failures.append(f"client {seat}, after {tally.pairs} pairs: {type(error).__name__}: {error}")
        with lock:
            total.add(tally)

    threads = [threading.Thread(target=work, args=(seat,)) for seat in seats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return total


def _write_and_read(port: int, seat: int, pairs: int, consistency: str, tally: Tally) -> None:
    with _connect(port) as writer, _connect(port) as other:
        reader = other if consistency == "global" else writer
        reader.query(f"SET weir.consistency = '{consistency}'")
        last = 0
        for number in range(1, pairs + 1):
            writer.query(f"UPDATE freshness.seats SET number = {number} WHERE seat = {seat}")
            ((seen, server),) = reader.query(f"SELECT number, @@server_id FROM freshness.seats WHERE seat = {seat}")
            value = int(seen or 0)
            tally.pairs += 1
            tally.servers[str(server)] += 1
            tally.stale += value != number
            tally.backwards += value < last
            last = value


def _connect(port: int) -> Connection:
    connection = Connection.tcp(HOST, port, timeout=60)
    connection.login(accounts.APP.name, accounts.APP.password)
    return connection
