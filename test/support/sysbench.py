"""Runs sysbench and understands what it prints."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from cluster import accounts
from cluster.accounts import Account
from cluster.errors import ClusterError
from cluster.state import HOST

GRACE_SECONDS = 120


class SysbenchError(ClusterError):
    """sysbench gave up; the text holds what it said."""


@dataclass(frozen=True)
class Load:
    """A sysbench workload and how hard to run it."""

    test: str
    seconds: int
    threads: int = 16
    tables: int = 4
    rows: int = 10000
    options: list[str] = field(default_factory=list)
    folder: Path | None = None  # where sysbench looks for certificates


@dataclass(frozen=True)
class Outcome:
    """What one run measured; latencies in milliseconds, of one event."""

    queries: int
    queries_per_second: float
    p50: float
    p99: float
    ignored_errors: int
    reconnects: int


def prepare(port: int, load: Load, account: Account = accounts.SBTEST) -> None:
    """Create and fill the tables."""
    _sysbench([port], load, account, ["prepare"], timeout=600)


def run(ports: list[int], load: Load, account: Account = accounts.SBTEST) -> Outcome:
    """Run the workload; with several ports, connections are spread over them."""
    arguments = [f"--time={load.seconds}", "--events=0", "--histogram=on", "run"]
    return parse(_sysbench(ports, load, account, arguments, timeout=load.seconds + GRACE_SECONDS))


def _sysbench(ports: list[int], load: Load, account: Account, arguments: list[str], timeout: float) -> str:
    command = ["sysbench", load.test, f"--mysql-host={HOST}", f"--mysql-port={','.join(map(str, ports))}",
               f"--mysql-user={account.name}", f"--mysql-password={account.password}", "--mysql-db=sbtest",
               f"--tables={load.tables}", f"--table-size={load.rows}", f"--threads={load.threads}",
               *load.options, *arguments]
    try:
        done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=timeout, check=False, cwd=load.folder)
    except FileNotFoundError:
        raise SysbenchError("sysbench is not installed; run `scripts/install test`") from None
    except subprocess.TimeoutExpired:
        raise SysbenchError(f"sysbench {load.test} did not end within {timeout:.0f} s; it was killed") from None
    if done.returncode != 0:
        raise SysbenchError(f"sysbench {load.test} failed with code {done.returncode}:\n{_complaints(done.stdout)}")
    return done.stdout


def _complaints(text: str) -> str:
    """The lines that say what went wrong; the last lines when none looks like that."""
    lines = text.strip().splitlines()
    telling = [line for line in lines if re.search("FATAL|error|failed|invalid", line, re.I)]
    return "\n".join("  " + line[:200] for line in (telling or lines[-6:])[:6])


def parse(text: str) -> Outcome:
    """The report of a finished run."""
    buckets = [(float(latency), int(count))
               for latency, count in re.findall(r"^\s*([\d.]+) \|\**\s*(\d+)$", text, re.M)]
    return Outcome(
        queries=int(_number(r"^\s+total:\s+(\d+)", text)),
        queries_per_second=_number(r"^\s+queries:\s+\d+\s+\(([\d.]+) per sec", text),
        p50=percentile(buckets, 0.50),
        p99=percentile(buckets, 0.99),
        ignored_errors=int(_number(r"^\s+ignored errors:\s+(\d+)", text)),
        reconnects=int(_number(r"^\s+reconnects:\s+(\d+)", text)),
    )


def percentile(buckets: list[tuple[float, int]], share: float) -> float:
    """The smallest bucket value below or at which `share` of all counts lie."""
    wanted = share * sum(count for _, count in buckets)
    seen = 0
    for value, count in buckets:
        seen += count
        if seen >= wanted:
            return value
    return 0.0


def _number(pattern: str, text: str) -> float:
    match = re.search(pattern, text, re.M)
    if not match:
        raise SysbenchError(f"sysbench printed no line like {pattern!r}:\n{text}")
    return float(match.group(1))
