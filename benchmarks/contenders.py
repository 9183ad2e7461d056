"""What the benchmarks compare: no proxy, weir, HAProxy; all in front of the same cluster."""

from __future__ import annotations

import contextlib
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test" / "support"))

import weir  # noqa: E402 (the path has to be set first)
from cluster.errors import ClusterError  # noqa: E402
from cluster.processes import free_ports, wait_until  # noqa: E402
from cluster.state import HOST, Cluster  # noqa: E402
from rawmysql import Connection, ConnectionLost  # noqa: E402

READY_SECONDS = 30
NAMES = ("direct", "weir", "haproxy")


@dataclass(frozen=True)
class Contender:
    """A way to the servers: the ports that a client uses, and the proxy's process if there is one."""

    name: str
    ports: list[int]
    pid: int | None

    def cpu_microseconds(self) -> float:
        """CPU time that the proxy has used so far, of all its threads."""
        if self.pid is None:
            return 0.0
        nanoseconds = 0
        for path in Path(f"/proc/{self.pid}/task").glob("*/schedstat"):
            nanoseconds += int(path.read_text().split()[0])
        return nanoseconds / 1000

    def resident_kib(self) -> int:
        """Resident memory of the proxy."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise ClusterError(f"{self.name} is gone")


@contextlib.contextmanager
def contender(name: str, cluster: Cluster, folder: Path, weir_binary: Path) -> Iterator[Contender]:
    """One contender, running for the length of a block. Reads go to the replicas with each of them."""
    replicas = [node.port for node in cluster.replicas()]
    if name == "direct":
        yield Contender(name, replicas, None)
    elif name == "weir":
        # Like the others': their clients, sysbench, use none unless they are told to.
        no_tls = {"tls.server": {"mode": '"disabled"'}}
        with weir.running(weir_binary, cluster, folder, workers=1, settings=no_tls) as proxy:
            yield Contender(name, [proxy.port], proxy.pid)
    else:
        with haproxy([f"{HOST}:{port}" for port in replicas], folder) as running:
            yield running


def raise_descriptor_limit() -> None:
    """As many open files as this user may have: proxies need two for each client."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def haproxy(replicas: list[str], folder: Path, bind: str = "") -> Iterator[Contender]:
    """HAProxy relaying bytes with one thread, clients spread evenly over the replicas.

    A replica is an address, maybe with parameters as HAProxy's configuration has them behind it, and `bind` has those
    of the listening address.
    """
    port = free_ports(1)[0]
    config = folder / "haproxy.cfg"
    servers = "\n".join(f"    server db{number} {backend}" for number, backend in enumerate(replicas, start=2))
    config.write_text(f"""global
    nbthread 1
    maxconn 4000
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen mysql
    bind {HOST}:{port} {bind}
    balance roundrobin
{servers}
""")
    log = folder / "haproxy.log"
    with open(log, "ab") as output:
        try:
            process = subprocess.Popen(["haproxy", "-db", "-f", str(config)], stdin=subprocess.DEVNULL,
                                       stdout=output, stderr=output)
        except FileNotFoundError:
            raise ClusterError("haproxy is not installed; run `scripts/install bench`") from None
    try:
        serves = _listens if bind else _greets
        wait_until(lambda: process.poll() is not None or serves(port), READY_SECONDS)
        if not serves(port):
            raise ClusterError(f"haproxy does not serve:\n{log.read_text(errors='replace')}")
        yield Contender("haproxy", [port], process.pid)
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=5).close()
        return True
    except OSError:
        return False


def _greets(port: int) -> bool:
    try:
        with Connection.tcp(HOST, port, timeout=5) as connection:
            connection.read_greeting()
        return True
    except (OSError, ConnectionLost):
        return False
