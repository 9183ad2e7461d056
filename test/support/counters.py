"""What the servers themselves say about the statements they ran."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.accounts import Account
from cluster.servers import root_session
from cluster.state import Cluster, Node


@dataclass(frozen=True)
class Counts:
    """Statements that one account ran on one server."""

    reads: int = 0
    writes: int = 0
    other: int = 0

    def since(self, before: Counts) -> Counts:
        return Counts(self.reads - before.reads, self.writes - before.writes, self.other - before.other)


def begin(cluster: Cluster) -> None:
    """Let the servers count statements by account (MariaDB).

    The global Com_insert and its kin will not do: on a replica they also count the rows that replication
    applies, in both flavours.
    """
    for node in cluster.nodes:
        with root_session(node) as session:
            session.query("SET GLOBAL userstat = 1")


def take(cluster: Cluster, account: Account) -> dict[str, Counts]:
    """The counters of every server, by its name."""
    return {node.name: _counts(node, account) for node in cluster.nodes}


def deadlocks(cluster: Cluster) -> int:
    """How often the primary has broken a deadlock since it started."""
    with root_session(cluster.node(cluster.primary)) as session:
        rows = session.query("SELECT `COUNT` FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'")
    return int(rows[0][0] or 0)


def own_transactions(cluster: Cluster, node: Node) -> str:
    """GTIDs of transactions that began on `node` itself; a replica that was never written to has none."""
    with root_session(node) as session:
        if cluster.flavor == "mysql":
            everything, own = session.query("SELECT REPLACE(@@GLOBAL.gtid_executed, '\\n', ''), @@server_uuid")[0]
            return ",".join(part for part in str(everything).split(",") if part.startswith(f"{own}:"))
        state = str(session.query("SELECT @@GLOBAL.gtid_binlog_state")[0][0])
        return ",".join(gtid for gtid in state.split(",") if gtid.split("-")[1:2] == [str(node.server_id)])


def _counts(node: Node, account: Account) -> Counts:
    with root_session(node) as session:
        rows = session.query("SELECT select_commands, update_commands, other_commands "
                             f"FROM information_schema.user_statistics WHERE user = '{account.name}'")
    return Counts(*(int(value or 0) for value in rows[0])) if rows else Counts()
