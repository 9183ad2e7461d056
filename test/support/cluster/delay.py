"""Replicas that apply everything late on purpose."""

from __future__ import annotations

from .errors import ClusterError
from .servers import root_session
from .state import Cluster, Node


def set_delay(cluster: Cluster, nodes: list[Node], seconds: int) -> None:
    """Let these replicas apply everything `seconds` late."""
    for node in nodes:
        with root_session(node) as session:
            for statement in _statements(cluster.flavor, seconds):
                session.query(statement)
        if delay_of(cluster.flavor, node) != seconds:
            raise ClusterError(f"{node.name} does not take a delay of {seconds} s")


def delay_of(flavor: str, node: Node) -> int:
    with root_session(node) as session:
        found = session.execute("SHOW REPLICA STATUS" if flavor == "mysql" else "SHOW SLAVE STATUS")
    return int(found.rows[0][found.columns.index("SQL_Delay")] or 0)


def _statements(flavor: str, seconds: int) -> list[str]:
    if flavor == "mysql":
        return ["STOP REPLICA SQL_THREAD", f"CHANGE REPLICATION SOURCE TO SOURCE_DELAY = {seconds}",
                "START REPLICA SQL_THREAD"]
    return ["STOP SLAVE", f"CHANGE MASTER TO MASTER_DELAY = {seconds}", "START SLAVE"]
