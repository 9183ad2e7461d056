#!/usr/bin/env python3
"""Idle, logged-in clients in a process of their own: `idle_clients.py PORT COUNT`.

Prints `ready` when all are in, and ends when its input does. A process may hold only so many descriptors, and what is
measured needs its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "test" / "support"))

from cluster import accounts  # noqa: E402 (the path has to be set first)
from cluster.state import HOST  # noqa: E402
from rawmysql import Connection  # noqa: E402

PATIENCE = 120


def main() -> int:
    port, count = int(sys.argv[1]), int(sys.argv[2])
    kept: list[Connection] = []
    for _ in range(count):
        connection = Connection.tcp(HOST, port, PATIENCE)
        kept.append(connection)
        connection.login(accounts.APP.name, accounts.APP.password)
        connection.ping()
    print("ready", flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
