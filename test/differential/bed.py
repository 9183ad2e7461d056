"""What scripts are played on: a server alone, and weir in front of a cluster that is otherwise the same."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cluster import accounts, lifecycle
from cluster.errors import ClusterError
from cluster.servers import root_session
from cluster.state import Cluster
from rawmysql import Connection
from weir import Settings, Weir, running

from .player import Address
from .script import Script

REPLICAS = 2
LAG_SECONDS = 1
MAX_CONNECTIONS = 8
SHARED = "transaction"
# `plain` may work in the scripts' schemas in the plainest way only. `sbtest` is there for what changes how weir treats
# all sessions of a user.
GRANTS = (
    r"GRANT SELECT, INSERT ON `diff\_%`.* TO 'plain'@'%'",
    r"GRANT ALL ON `diff\_%`.* TO 'sbtest'@'%'",
)
PRIMED = (accounts.APP, accounts.PLAIN, accounts.EMPTY, accounts.SBTEST)


@dataclass(frozen=True)
class Bed:
    """Both clusters, and where everything of this run lies."""

    alone: Cluster
    behind: Cluster
    folder: Path
    binary: Path

    @property
    def flavor(self) -> str:
        return self.alone.flavor

    def prepare(self, scripts: list[Script]) -> None:
        """An empty schema for each script, and the accounts; the replicas have them too when this returns."""
        for cluster in (self.alone, self.behind):
            with root_session(cluster.node(cluster.primary)) as session:
                _drop_schemas(session)
                for script in scripts:
                    session.query(f"CREATE DATABASE {script.schema} CHARACTER SET utf8mb4")
                for grant in GRANTS:
                    session.query(grant)
            for account in PRIMED:
                prime(cluster, account)
        lifecycle.catch_up(self.behind.folder)

    def clean(self) -> None:
        for cluster in (self.alone, self.behind):
            with root_session(cluster.node(cluster.primary)) as session:
                _drop_schemas(session)

    def renewed(self) -> Bed:
        """The same with a new cluster behind weir: one whose replicas were written to can no longer replicate."""
        lifecycle.stop(self.behind.folder, wipe=True)
        return replace(self, behind=lifecycle.start(self.behind.folder, self.flavor, replicas=REPLICAS))

    def addresses(self, weir: Weir) -> tuple[Address, Address]:
        """Directly, and through weir."""
        gate = threading.Lock()  # one wait for the replicas serves only who asked before it began

        def sync() -> None:
            with gate:
                lifecycle.catch_up(self.behind.folder)

        def nothing(_: accounts.Account) -> None:
            """weir asks for passwords in a way that needs no help."""

        return _directly(self.alone, lambda: None), Address("weir", weir.port, nothing, sync)

    def control(self) -> tuple[Address, Address]:
        """Both primaries directly: what differs there is no fault of weir's."""
        return _directly(self.alone, lambda: None), _directly(self.behind, lambda: None)

    @contextlib.contextmanager
    def weir(self, pool_mode: str) -> Iterator[Weir]:
        settings: dict[str, dict[str, str]] = {
            "monitor": {"max_lag": '"60s"', "interval": '"50ms"', "recover_after": "1"},
            "routing": {"consistency": '"session"'},
            "pool": {"mode": f'"{pool_mode}"', "queue_timeout": '"50s"', "diagnostics_hold": '"3s"'},
        }
        if pool_mode == SHARED:
            settings["server"] = {"max_connections": str(MAX_CONNECTIONS)}
        with running(self.binary, self.behind, self.folder, settings=settings) as weir:
            yield weir

    def pool_mode(self) -> str:
        """`transaction` where the program knows it."""
        settings: Settings = {"pool": {"mode": f'"{SHARED}"'}}
        probe = Weir(self.binary, self.behind, self.folder, settings=settings)
        done = subprocess.run([str(self.binary), "check", str(probe.config)], capture_output=True, text=True,
                              timeout=60, check=False)
        if done.returncode == 0:
            return SHARED
        if "mode" in done.stdout + done.stderr:
            return "session"
        raise ClusterError(f"weir does not accept its configuration: {done.stdout}{done.stderr}")


def prime(cluster: Cluster, account: accounts.Account) -> None:
    """Log in over the unix socket, after which the server takes the account's short proof over TCP too."""
    node = cluster.node(cluster.primary)
    with Connection.unix(str(node.socket)) as connection:
        connection.login(account.name, account.password)


def _directly(cluster: Cluster, sync: Callable[[], None]) -> Address:
    return Address("direct", cluster.node(cluster.primary).port, lambda account: prime(cluster, account), sync)


def _drop_schemas(session: Connection) -> None:
    """Whatever scripts have made, also those of a run that was broken off."""
    for (name,) in session.query(r"SELECT schema_name FROM information_schema.schemata "
                                 r"WHERE schema_name LIKE 'diff\_%'"):
        session.query(f"DROP DATABASE `{name}`")
