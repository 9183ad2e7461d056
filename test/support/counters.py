"""What the servers themselves say about the statements they ran."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.servers import root_session
from cluster.state import Cluster, Node

READS = ("Com_select",)
WRITES = ("Com_insert", "Com_update", "Com_delete", "Com_replace", "Com_create_table", "Com_create_index",
          "Com_drop_table", "Com_alter_table", "Com_truncate")


@dataclass(frozen=True)
class Counts:
    """Statements that clients ran on one server; rows applied by replication are not among them."""

    reads: int
    writes: int
    commits: int

    def since(self, before: Counts) -> Counts:
        return Counts(self.reads - before.reads, self.writes - before.writes, self.commits - before.commits)


def take(cluster: Cluster) -> dict[str, Counts]:
    """The counters of every server, by its name."""
    return {node.name: _counts(node) for node in cluster.nodes}


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


def _counts(node: Node) -> Counts:
    with root_session(node) as session:
        values = {str(name): int(value or 0)
                  for name, value in session.query("SHOW GLOBAL STATUS LIKE 'Com\\_%'")
                  if str(value).isdigit()}
    return Counts(sum(values.get(name, 0) for name in READS), sum(values.get(name, 0) for name in WRITES),
                  values.get("Com_commit", 0))
