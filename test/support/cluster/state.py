"""What is remembered about a cluster: `cluster.json` for this command, `cluster.env` for everybody else."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import accounts
from .errors import ClusterError
from .processes import ProcessId

HOST = "127.0.0.1"
SOCKET_PATH_LIMIT = 107  # what the kernel allows for the path of a unix socket


@dataclass
class Node:
    """One server of a cluster."""

    name: str
    server_id: int
    port: int
    folder: Path
    group_ports: list[int] = field(default_factory=list)  # see groups.py
    process: ProcessId | None = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        return self.folder / "sock"

    @property
    def error_log(self) -> Path:
        return self.folder / "error.log"

    @property
    def files(self) -> Path:
        """Where INTO OUTFILE may write and LOAD DATA may read."""
        return self.folder / "files"

    def alive(self) -> bool:
        return self.process is not None and self.process.alive()


@dataclass
class Cluster:
    """A cluster in a folder. `primary` is the name of the server that takes writes; `suite`: see Flavor."""

    folder: Path
    flavor: str
    topology: str
    version: str
    client: str
    primary: str
    nodes: list[Node]
    suite: str = ""

    def node(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(node.name for node in self.nodes)
        raise ClusterError(f"no server {name!r} in {self.folder}; it has {known}")

    def replicas(self) -> list[Node]:
        return [node for node in self.nodes if node.name != self.primary]

    def role_of(self, node: Node) -> str:
        """As it was made; in a group only the group knows."""
        if self.topology != "replicas":
            return "member"
        return "primary" if node.name == self.primary else "replica"

    def save(self) -> None:
        """Write both files; each is replaced as a whole, so that a reader never sees half of one."""
        document = {
            "flavor": self.flavor, "topology": self.topology, "version": self.version, "client": self.client,
            "primary": self.primary, "suite": self.suite,
            "nodes": [{"name": node.name, "server_id": node.server_id, "port": node.port,
                       "group_ports": node.group_ports,
                       "process": asdict(node.process) if node.process else None} for node in self.nodes],
        }
        _replace(self.folder / "cluster.json", json.dumps(document, indent=2) + "\n")
        lines = [f"{key}={value}\n" for key, value in self.environment().items()]
        _replace(self.folder / "cluster.env", "".join(lines))

    def environment(self) -> dict[str, str]:
        """The keys of cluster.env."""
        values = {
            "FLAVOR": self.flavor, "TOPOLOGY": self.topology, "VERSION": self.version, "CLIENT": self.client, "HOST": HOST,
            "SERVERS": ",".join(node.name for node in self.nodes), "PRIMARY": self.primary,
        }
        if certificates(self.folder).exists():
            values["TLS"] = str(certificates(self.folder))
        for account in accounts.ALL:
            values[f"{account.key}_USER"] = account.name
            values[f"{account.key}_PASSWORD"] = account.password
        for node in self.nodes:
            prefix = node.name.upper()
            values[f"{prefix}_PORT"] = str(node.port)
            values[f"{prefix}_SOCKET"] = str(node.socket)
            values[f"{prefix}_PID"] = str(node.process.pid) if node.process else ""
            values[f"{prefix}_SERVER_ID"] = str(node.server_id)
            values[f"{prefix}_ERROR_LOG"] = str(node.error_log)
            values[f"{prefix}_FILES"] = str(node.files)
        return values


def certificates(folder: Path) -> Path:
    """Where a cluster's certificates are, if it has some; see test/support/certificates."""
    return folder / "tls"


def exists(folder: Path) -> bool:
    return (folder / "cluster.json").exists()


def load(folder: Path) -> Cluster:
    """The cluster that was started in `folder`."""
    path = folder / "cluster.json"
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        raise ClusterError(f"no cluster in {folder}; make one with "
                           f"`test/cluster start --flavor mariadb --dir {folder}`") from None
    nodes = [Node(entry["name"], entry["server_id"], entry["port"], folder / entry["name"], entry["group_ports"],
                  ProcessId(**entry["process"]) if entry["process"] else None)
             for entry in document["nodes"]]
    return Cluster(folder, document["flavor"], document["topology"], document["version"], document["client"],
                   document["primary"], nodes, document["suite"])


def check_socket_paths(cluster: Cluster) -> None:
    """Refuse a folder whose name is too long for the sockets in it."""
    longest = max(len(str(node.socket)) for node in cluster.nodes)
    if longest > SOCKET_PATH_LIMIT:
        raise ClusterError(f"{cluster.folder} is too long for a unix socket ({longest} bytes, the limit is "
                           f"{SOCKET_PATH_LIMIT}); choose a shorter --dir")


def _replace(path: Path, text: str) -> None:
    partial = path.with_suffix(path.suffix + ".new")
    partial.write_text(text)
    os.replace(partial, path)
