"""The accounts that every test cluster has, with their passwords, in one place.

They are created in the template, before replication exists, so that every server has them and the GTID
sets of a new cluster are empty: whatever a test finds in them was written by that test.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """A login from any host; `key` is its prefix in cluster.env."""

    key: str
    name: str
    password: str


ROOT = Account("ROOT", "root", "root-secret")
# Holds every privilege on purpose: read_only does not stop it from writing to a replica.
APP = Account("APP", "app", "app-secret")
SBTEST = Account("SBTEST", "sbtest", "sbtest-secret")
PLAIN = Account("PLAIN", "plain", "plain-secret")
EMPTY = Account("EMPTY", "empty", "")
MONITOR = Account("MONITOR", "weir_monitor", "monitor-secret")
REPLICATION = Account("REPL", "repl", "repl-secret")

ALL = (ROOT, APP, SBTEST, PLAIN, EMPTY, MONITOR, REPLICATION)
DATABASES = ("app", "sbtest")

_GRANTS = {
    ROOT: ["ALL PRIVILEGES ON *.* TO {0} WITH GRANT OPTION"],
    APP: ["ALL PRIVILEGES ON *.* TO {0} WITH GRANT OPTION"],
    SBTEST: ["ALL PRIVILEGES ON sbtest.* TO {0}"],
    PLAIN: ["ALL PRIVILEGES ON app.* TO {0}"],
    EMPTY: ["ALL PRIVILEGES ON app.* TO {0}"],
    REPLICATION: ["REPLICATION SLAVE ON *.* TO {0}"],
}

MARIADB_MONITOR_GRANTS = ["REPLICA MONITOR, BINLOG MONITOR, REPLICATION MASTER ADMIN, PROCESS ON *.* TO {0}", "SELECT ON mysql.proc TO {0}"]
MYSQL_MONITOR_GRANTS = ["REPLICATION CLIENT, REPLICATION SLAVE, PROCESS ON *.* TO {0}", "SHOW_ROUTINE ON *.* TO {0}"] + [
    f"SELECT ON performance_schema.{table} TO {{0}}"
    for table in ("replication_applier_configuration", "replication_applier_status",
                  "replication_applier_status_by_coordinator", "replication_applier_status_by_worker",
                  "replication_connection_configuration", "replication_connection_status",
                  "replication_group_members", "replication_group_member_stats")
]


def setup_statements(plugin: str, monitor_grants: list[str]) -> list[str]:
    """SQL that turns a freshly initialised server into the template of every test server.

    `plugin` is the authentication method of the accounts.
    """
    statements = ["SET sql_log_bin = 0"]
    statements += [f"CREATE DATABASE {name}" for name in DATABASES]
    for account in ALL:
        who = f"'{account.name}'@'%'"
        statements.append(f"CREATE USER {who} IDENTIFIED {_identified(plugin, account.password)}")
        grants = _GRANTS.get(account, monitor_grants)
        statements += ["GRANT " + grant.format(who) for grant in grants]
    # Last, because it is the login under which all of this runs.
    statements.append(f"ALTER USER 'root'@'localhost' IDENTIFIED {_identified(plugin, ROOT.password)}")
    return statements


def _identified(plugin: str, password: str) -> str:
    if plugin == "mysql_native_password":
        return f"VIA {plugin} USING PASSWORD('{password}')"
    return f"WITH {plugin} BY '{password}'"
