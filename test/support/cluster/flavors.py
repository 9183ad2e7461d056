"""Everything that differs between MariaDB and MySQL, behind one interface."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from . import accounts, debian_unstable
from .errors import ClusterError
from .state import HOST, Node, certificates
from rawmysql import Connection, ResultSet

# Throwaway servers: nothing has to survive a power cut, everything has to survive a killed process.
COMMON_OPTIONS = [
    f"--bind-address={HOST}",
    "--skip-name-resolve",
    "--max-connections=1500",
    "--innodb-buffer-pool-size=128M",
    "--innodb-flush-log-at-trx-commit=2",
    "--sync-binlog=0",
    "--local-infile=1",
    "--max-allowed-packet=64M",
]


class Flavor(ABC):
    """How to initialise, run and replicate one kind of server."""

    name: str
    topology = "replicas"
    suite = ""  # of Debian, when that is chosen and not what the flavor always comes from
    version: str
    client: str
    auth_plugin: str
    monitor_grants: list[str]

    @abstractmethod
    def initialize(self, data: Path) -> list[str]:
        """Command that fills an empty data folder; root@localhost gets an empty password."""

    @abstractmethod
    def serve(self, node: Node, read_only: bool) -> list[str]:
        """Command that runs a member of a cluster."""

    @abstractmethod
    def serve_template(self, data: Path, socket: Path) -> list[str]:
        """Command that runs a server without network and binary log, to create the accounts."""

    @abstractmethod
    def follow(self, replica: Connection, source_port: int) -> None:
        """Make a server replicate from another one, from where its own GTIDs end."""

    @abstractmethod
    def stop_following(self, server: Connection) -> None:
        """Forget the source of a server that becomes a primary."""

    @abstractmethod
    def set_read_only(self, server: Connection, read_only: bool) -> None:
        """Change the running server; `serve` does the same at its next start."""

    @abstractmethod
    def position(self, server: Connection) -> str:
        """The GTIDs of everything that the server has executed."""

    @abstractmethod
    def contains(self, server: Connection, position: str) -> bool:
        """Has the server executed everything in `position`, taken on its primary?"""

    @abstractmethod
    def replication(self, server: Connection) -> dict[str, str]:
        """The replication status in words of ours (see `_status`); empty when the server follows nobody."""

    def setup_statements(self) -> list[str]:
        """SQL that turns an initialised server into the template of every test server."""
        return accounts.setup_statements(self.auth_plugin, self.monitor_grants)

    def replicating(self, server: Connection) -> bool:
        """Do both replication threads run?"""
        status = self.replication(server)
        return status.get("io") == status.get("sql") == "Yes"


class MariaDb(Flavor):
    """The distribution's own server, on data folders of ours; the system's service is never touched."""

    name = "mariadb"
    auth_plugin = "mysql_native_password"
    monitor_grants = accounts.MARIADB_MONITOR_GRANTS

    def __init__(self) -> None:
        self.server = [_program("mariadbd"), "--no-defaults"]
        self.installer = _program("mariadb-install-db")
        self.client = _program("mariadb")
        text = subprocess.run([*self.server, "--version"], text=True, capture_output=True, check=True).stdout
        match = re.search(r"Ver (\d+\.\d+\.\d+)", text)
        self.version = match.group(1) if match else "unknown"

    def initialize(self, data: Path) -> list[str]:
        return [self.installer, "--no-defaults", f"--datadir={data}", "--skip-test-db",
                "--auth-root-authentication-method=normal", "--skip-log-bin",
                "--innodb-log-file-size=48M", *_as_user()]

    def setup_statements(self) -> list[str]:
        # The installer makes root accounts without a password for this host's names.
        return [*super().setup_statements(),
                "DELETE FROM mysql.global_priv WHERE User = 'root' AND Host NOT IN ('localhost', '%')",
                "DELETE FROM mysql.proxies_priv WHERE Host <> 'localhost'",
                "FLUSH PRIVILEGES"]

    def _options(self, data: Path, socket: Path) -> list[str]:
        return [*self.server, f"--datadir={data}", f"--socket={socket}", "--innodb-log-file-size=48M",
                *COMMON_OPTIONS, *_as_user()]

    def serve_template(self, data: Path, socket: Path) -> list[str]:
        return [*self._options(data, socket), "--skip-networking", "--skip-log-bin"]

    def serve(self, node: Node, read_only: bool) -> list[str]:
        return [*self._options(node.data, node.socket),
                f"--port={node.port}", f"--server-id={node.server_id}",
                f"--pid-file={node.folder}/pid", f"--log-error={node.error_log}",
                f"--secure-file-priv={node.files}",
                "--log-bin=binlog", "--binlog-format=ROW", "--relay-log=relaylog", "--log-slave-updates",
                "--gtid-strict-mode=1",
                f"--read-only={int(read_only)}", *_tls_options(node)]

    def follow(self, replica: Connection, source_port: int) -> None:
        replica.query("STOP SLAVE")
        if not self.replication(replica):  # a former primary: its own writes are its position
            own = self.position(replica)
            replica.query(f"SET GLOBAL gtid_slave_pos = '{own}'")
        replica.query(f"CHANGE MASTER TO MASTER_HOST='{HOST}', MASTER_PORT={source_port}, "
                      f"MASTER_USER='{accounts.REPLICATION.name}', "
                      f"MASTER_PASSWORD='{accounts.REPLICATION.password}', "
                      "MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1")
        replica.query("START SLAVE")

    def stop_following(self, server: Connection) -> None:
        server.query("STOP SLAVE")
        server.query("RESET SLAVE ALL")

    def set_read_only(self, server: Connection, read_only: bool) -> None:
        server.query(f"SET GLOBAL read_only = {int(read_only)}")

    def position(self, server: Connection) -> str:
        return str(server.query("SELECT @@GLOBAL.gtid_current_pos")[0][0])

    def contains(self, server: Connection, position: str) -> bool:
        have = _sequence_by_domain(str(server.query("SELECT @@GLOBAL.gtid_current_pos")[0][0]))
        return all(have.get(domain, 0) >= number for domain, number in _sequence_by_domain(position).items())

    def replication(self, server: Connection) -> dict[str, str]:
        return _status(server.execute("SHOW SLAVE STATUS"), "Slave", "Master")


class NewMariaDb(MariaDb):
    """MariaDB from the unpacked packages of Debian's unstable suite, with the installed client."""

    suite = "unstable"

    def __init__(self) -> None:
        release = debian_unstable.fetch(debian_unstable.MARIADB)
        self.share = release.share
        self.server = [*release.server_command(), "--no-defaults", f"--basedir={release.root}/usr",
                       f"--lc-messages-dir={release.share}", f"--character-sets-dir={release.share}/charsets",
                       f"--plugin-dir={release.plugins}"]
        self.client = _program("mariadb")
        self.version = release.version

    def initialize(self, data: Path) -> list[str]:
        # What the installer does, which would run the server without its own libraries.
        server = [*self.server, f"--datadir={data}", "--bootstrap", "--skip-log-bin",
                  "--innodb-log-file-size=48M", *_as_user()]
        begin = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\nSET @current_hostname = '';\n"
        scripts = [str(self.share / f"mariadb_{name}.sql")
                   for name in ("system_tables", "performance_tables", "system_tables_data", "sys_schema")]
        return ["sh", "-ec", f"{{ printf '%s' {shlex.quote(begin)}; cat {shlex.join(scripts)}; }} | "
                             f"{shlex.join(server)}"]


class MySql(Flavor):
    """MySQL from the unpacked packages of Debian's unstable suite."""

    name = "mysql"
    auth_plugin = "caching_sha2_password"
    monitor_grants = accounts.MYSQL_MONITOR_GRANTS

    def __init__(self) -> None:
        self.release = debian_unstable.fetch(debian_unstable.MYSQL)
        self.version = self.release.version
        self.client = str(self.release.client)

    def _command(self, data: Path) -> list[str]:
        release = self.release
        return [*release.server_command(), "--no-defaults", f"--datadir={data}",
                f"--basedir={release.root}/usr", f"--lc-messages-dir={release.share}",
                f"--character-sets-dir={release.share}/charsets", f"--plugin-dir={release.plugins}",
                "--innodb-redo-log-capacity=128M", *_as_user()]

    def initialize(self, data: Path) -> list[str]:
        return [*self._command(data), "--initialize-insecure"]

    def _options(self, data: Path, socket: Path) -> list[str]:
        return [*self._command(data), f"--socket={socket}", "--mysqlx=0", *COMMON_OPTIONS]

    def serve_template(self, data: Path, socket: Path) -> list[str]:
        return [*self._options(data, socket), "--skip-networking", "--disable-log-bin",
                f"--pid-file={data}.pid", "--secure-file-priv=NULL"]

    def serve(self, node: Node, read_only: bool) -> list[str]:
        # A killed server leaves its lock file; an id in it that was used again would block the restart.
        Path(f"{node.socket}.lock").unlink(missing_ok=True)
        flag = int(read_only)
        return [*self._options(node.data, node.socket),
                f"--port={node.port}", f"--server-id={node.server_id}",
                f"--pid-file={node.folder}/pid", f"--log-error={node.error_log}",
                f"--secure-file-priv={node.files}",
                "--log-bin=binlog", "--relay-log=relaylog",
                "--gtid-mode=ON", "--enforce-gtid-consistency=ON",
                f"--read-only={flag}", f"--super-read-only={flag}", *_tls_options(node)]

    def follow(self, replica: Connection, source_port: int) -> None:
        replica.query("STOP REPLICA")
        # The retry count counts seconds here: a primary may stay down for a whole test. The heartbeat lets
        # a primary notice within a second that a replica is gone, also when it shuts down.
        replica.query(f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='{HOST}', SOURCE_PORT={source_port}, "
                      f"SOURCE_USER='{accounts.REPLICATION.name}', "
                      f"SOURCE_PASSWORD='{accounts.REPLICATION.password}', "
                      "SOURCE_AUTO_POSITION=1, SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=86400, "
                      "SOURCE_HEARTBEAT_PERIOD=1, GET_SOURCE_PUBLIC_KEY=1")
        replica.query("START REPLICA")

    def stop_following(self, server: Connection) -> None:
        server.query("STOP REPLICA")
        server.query("RESET REPLICA ALL")

    def set_read_only(self, server: Connection, read_only: bool) -> None:
        flag = int(read_only)
        server.query(f"SET GLOBAL super_read_only = {flag}")
        server.query(f"SET GLOBAL read_only = {flag}")

    def position(self, server: Connection) -> str:
        return str(server.query("SELECT REPLACE(@@GLOBAL.gtid_executed, '\\n', '')")[0][0])

    def contains(self, server: Connection, position: str) -> bool:
        return server.query(f"SELECT GTID_SUBSET('{position}', @@GLOBAL.gtid_executed)")[0][0] == "1"

    def replication(self, server: Connection) -> dict[str, str]:
        return _status(server.execute("SHOW REPLICA STATUS"), "Replica", "Source")


def _program(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/usr/bin")
    if not found:
        raise ClusterError(f"{name} is not installed; run `scripts/install test`")
    return found


def _tls_options(node: Node) -> list[str]:
    folder = certificates(node.folder.parent)
    if not folder.exists():
        return []
    return [f"--ssl-ca={folder}/ca.pem", f"--ssl-cert={folder}/server.pem", f"--ssl-key={folder}/server-key.pem"]


def _as_user() -> list[str]:
    """Both servers refuse to run as root unless they are told to."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _sequence_by_domain(position: str) -> dict[str, int]:
    """MariaDB's `domain-server-number,…` as number by domain."""
    parts = (gtid.split("-") for gtid in position.split(",") if gtid)
    return {domain: int(number) for domain, _, number in parts}


def _status(result: ResultSet, replica: str, source: str) -> dict[str, str]:
    """The part of a replication status that both flavours have."""
    if not result.rows:
        return {}
    row = dict(zip(result.columns, result.rows[0], strict=True))
    wanted = {"io": f"{replica}_IO_Running", "sql": f"{replica}_SQL_Running",
              "source_port": f"{source}_Port", "lag": f"Seconds_Behind_{source}",
              "io_error": "Last_IO_Error", "sql_error": "Last_SQL_Error"}
    return {key: str(row[column] if row[column] is not None else "") for key, column in wanted.items()}
