"""Clusters whose members agree on transactions before they commit: Group Replication and Galera.

A member has a second port, on which it speaks to the others. Nobody is promoted here: the group itself says
which members may write. `Cluster.primary` is only the one that began the group.
"""

from __future__ import annotations

import re
import subprocess
from abc import abstractmethod
from pathlib import Path

from . import accounts
from .errors import ClusterError
from .flavors import Flavor, MariaDb, MySql, NewMariaDb
from .state import HOST, Cluster, Node
from rawmysql import Connection

GROUP_NAME = "7ea1c0de-0000-4000-8000-000000000001"
NO_CLUSTER = "00000000-0000-0000-0000-000000000000"
GALERA_PROVIDER = "/usr/lib/galera/libgalera_smm.so"
# A member that was killed is given up after some two seconds, so that tests need not wait for longer. Members that are
# suspected sooner lose each other on a busy machine.
GALERA_OPTIONS = {
    "evs.keepalive_period": "PT0.5S", "evs.inactive_check_period": "PT0.5S", "evs.suspect_timeout": "PT2S",
    "evs.inactive_timeout": "PT10S", "gcache.size": "32M",
}


def _peers(cluster: Cluster) -> str:
    return ",".join(f"{HOST}:{node.group_ports[0]}" for node in cluster.nodes)


class Group(Flavor):
    """A flavour whose members choose for themselves who may write."""

    group_ports: int  # how many ports a member needs beside the one for clients
    copies_join = False  # a server with a copy of a member's data may join that member's group at once

    @abstractmethod
    def serve_member(self, cluster: Cluster, node: Node, begins: bool) -> list[str]:
        """Command that runs a member; `begins`: no other one runs."""

    @abstractmethod
    def join(self, server: Connection, begins: bool) -> None:
        """Make a server that has been started a member."""


class GroupReplication(MySql, Group):
    """A MySQL group in single-primary mode; SQL can switch it to multi-primary mode."""

    topology = "group"
    group_ports = 1

    def serve_member(self, cluster: Cluster, node: Node, begins: bool) -> list[str]:
        return [*self.serve(node, read_only=True),
                f"--report-host={HOST}", f"--report-port={node.port}",
                "--plugin-load-add=group_replication.so",
                f"--group-replication-group-name={GROUP_NAME}",
                f"--group-replication-local-address={HOST}:{node.group_ports[0]}",
                f"--group-replication-group-seeds={_peers(cluster)}",
                "--group-replication-start-on-boot=OFF",
                "--group-replication-member-expel-timeout=0",
                "--group-replication-recovery-get-public-key=ON"]

    def join(self, server: Connection, begins: bool) -> None:
        server.query(f"SET GLOBAL group_replication_bootstrap_group = {int(begins)}")
        server.query(f"START GROUP_REPLICATION USER='{accounts.REPLICATION.name}', "
                     f"PASSWORD='{accounts.REPLICATION.password}'")
        server.query("SET GLOBAL group_replication_bootstrap_group = 0")

    def replicating(self, server: Connection) -> bool:
        return server.query("SELECT COUNT(*) FROM performance_schema.replication_group_members "
                            "WHERE MEMBER_ID = @@server_uuid AND MEMBER_STATE = 'ONLINE'")[0][0] == "1"

    def replication(self, server: Connection) -> dict[str, str]:
        state, role = server.query("SELECT MEMBER_STATE, MEMBER_ROLE FROM performance_schema.replication_group_members "
                                   "WHERE MEMBER_ID IN (@@server_uuid, '')")[0]
        return {"member": f"{state} {role}".strip()}


class Galera(MariaDb, Group):
    """A MariaDB Galera cluster; what a member has missed comes by mariabackup."""

    topology = "galera"
    group_ports = 3
    copies_join = True

    def serve_member(self, cluster: Cluster, node: Node, begins: bool) -> list[str]:
        provider = {**GALERA_OPTIONS, "gmcast.listen_addr": f"tcp://{HOST}:{node.group_ports[0]}",
                    "ist.recv_addr": f"{HOST}:{node.group_ports[1]}"}
        program, _, *options = self.serve(node, read_only=False)
        options += ["--wsrep-on=1", f"--wsrep-provider={GALERA_PROVIDER}",
                    f"--wsrep-cluster-address=gcomm://{_peers(cluster)}",
                    f"--wsrep-node-name={node.name}", f"--wsrep-node-address={HOST}:{node.group_ports[0]}",
                    f"--wsrep-node-incoming-address={HOST}:{node.port}",
                    "--wsrep-sst-method=mariabackup",
                    f"--wsrep-sst-auth={accounts.ROOT.name}:{accounts.ROOT.password}",
                    f"--wsrep-sst-receive-address={HOST}:{node.group_ports[2]}",
                    "--innodb-autoinc-lock-mode=2",
                    "--wsrep-provider-options=" + ";".join(f"{key}={value}" for key, value in provider.items())]
        # Not on the command line: what moves the data takes its settings from there, too, and refuses most.
        settings = node.folder / "my.cnf"
        lines = ["[mysqld]", *(option.removeprefix("--") for option in options), "[sst]", "sst-syslog = -1"]
        settings.write_text("\n".join(lines) + "\n")
        command = [program, f"--defaults-file={settings}"]
        return [*command, f"--wsrep-start-position={self._prepare_state(command, node, begins)}",
                *(["--wsrep-new-cluster"] if begins else [])]

    @staticmethod
    def _prepare_state(command: list[str], node: Node, begins: bool) -> str:
        """Where the server's data stand, so that only what is missing has to be sent to it."""
        state = node.data / "grastate.dat"
        if not state.exists():
            return f"{NO_CLUSTER}:-1"
        # A server that was killed has not written it down, but its storage engine knows.
        node.files.mkdir(exist_ok=True)
        before = node.error_log.stat().st_size if node.error_log.exists() else 0
        subprocess.run([*command, "--wsrep-recover"], capture_output=True, check=False)
        log = node.error_log.read_bytes()[before:].decode(errors="replace")
        found = re.search(r"Recovered position: (\S+)", log)
        if not found:
            raise ClusterError(f"{node.name} does not know its position:\n{log}")
        position = found.group(1)
        cluster_id, _, number = position.partition(":")
        # Whoever begins says so here: nobody knows whether it was the last one to leave.
        state.write_text("# GALERA saved state\nversion: 2.1\n"
                         f"uuid: {cluster_id}\nseqno: {number}\nsafe_to_bootstrap: {int(begins)}\n")
        return position

    def join(self, server: Connection, begins: bool) -> None:
        """Members join while they start."""

    def position(self, server: Connection) -> str:
        return self._status(server, "wsrep_last_committed")

    def contains(self, server: Connection, position: str) -> bool:
        return int(self.position(server)) >= int(position)

    def replicating(self, server: Connection) -> bool:
        return self._status(server, "wsrep_local_state_comment") == "Synced"

    def replication(self, server: Connection) -> dict[str, str]:
        return {"member": self._status(server, "wsrep_local_state_comment")}

    @staticmethod
    def _status(server: Connection, name: str) -> str:
        return str(server.query(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])


_KINDS: dict[tuple[str, str, str], type[Flavor]] = {
    (kind.name, kind.topology, kind.suite): kind for kind in (MariaDb, MySql, GroupReplication, Galera, NewMariaDb)}
TOPOLOGIES = tuple(dict.fromkeys(topology for _, topology, _ in _KINDS))
SUITES = tuple(dict.fromkeys(suite for _, _, suite in _KINDS))


def kind_of(flavor: str, topology: str, suite: str) -> Flavor:
    if (flavor, topology, suite) not in _KINDS:
        raise ClusterError(f"there is no {flavor} cluster with --topology {topology} and --suite '{suite}'; it is "
                           "`group` for mysql, `galera` for mariadb, and --suite unstable for mariadb with replicas")
    return _KINDS[flavor, topology, suite]()
