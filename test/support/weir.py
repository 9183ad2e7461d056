"""Starts weir in front of a test cluster, and ends it; shared by the demo, the smoke tests and benchmarks."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cluster import accounts
from cluster.errors import ClusterError
from cluster.processes import free_ports, wait_until
from cluster.state import HOST, Cluster
from rawmysql import Connection, ConnectionLost, ServerError

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60
STOP_SECONDS = 20
LOG_LINES = 30
# Keys to add to sections of the configuration, values as TOML writes them; those of "server" go to every server.
Settings = Mapping[str, Mapping[str, str]]
CONSOLE_PASSWORD = "console-secret"
LISTED_USERS = (accounts.APP, accounts.SBTEST, accounts.PLAIN, accounts.EMPTY)


class WeirError(ClusterError):
    """weir did not start or did not serve; the text holds the end of its log."""


class Weir:
    """A weir process of our own, with its configuration and log in `folder`.

    `settings` are keys and values, as TOML, for every [[server]] section and for others by name. `launcher` is the
    command that runs the program, if it is not run directly.
    """

    def __init__(self, binary: Path, cluster: Cluster, folder: Path, workers: int = 0,
                 settings: Settings | None = None, launcher: Sequence[str] = ()) -> None:
        if not binary.exists():
            raise WeirError(f"there is no {binary}; build it with `scripts/build {binary.parent.name}`")
        self.binary = binary
        self.launcher = launcher
        self.cluster = cluster
        self.config = folder / "weir.toml"
        self.log = folder / "weir.log"
        self.port, self.console_port = free_ports(2)
        self.config.touch(mode=0o600)  # it holds passwords
        self.config.write_text(self._configuration(workers, settings or {}))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, patience: float = READY_SECONDS) -> None:
        """Start weir and return when it lets an application in and sends its reads to a replica."""
        with open(self.log, "ab") as output:
            self.process = subprocess.Popen([*self.launcher, str(self.binary), "--config", str(self.config)],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        last = ["nothing tried yet"]
        if not wait_until(lambda: self._serves(last), patience):
            self.stop()
            raise self.failure(f"weir does not serve after {patience} s: {last[0]}")
        if not self.running():
            raise self.failure(f"weir ended by itself with code {self.process.returncode}")

    def stop(self) -> None:
        """SIGTERM, then SIGKILL when that takes too long."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def failure(self, text: str) -> WeirError:
        """An error with the end of weir's log below it."""
        return WeirError(f"{text}; the end of weir's log:\n{self.log_tail()}")

    def log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join("  " + line for line in lines[-LOG_LINES:]) or "  (empty)"

    def connect(self, account: accounts.Account = accounts.APP) -> Connection:
        """A raw session through weir, logged in."""
        connection = Connection.tcp(HOST, self.port, timeout=10)
        try:
            connection.login(account.name, account.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def console(self) -> Connection:
        """A session with the admin console."""
        connection = Connection.tcp(HOST, self.console_port, timeout=10)
        try:
            connection.login("admin", CONSOLE_PASSWORD)
        except BaseException:
            connection.close()
            raise
        return connection

    def counters(self) -> dict[str, int]:
        """What weir has counted since its start (SHOW COUNTERS)."""
        with contextlib.closing(self.console()) as console:
            return {str(name): int(value or 0) for name, value in console.query("SHOW COUNTERS")}

    def _serves(self, last: list[str]) -> bool:
        """One attempt; true also when weir is gone, because then there is nothing to wait for."""
        return not self.running() or self.splits_reads(last)

    def splits_reads(self, last: list[str] | None = None) -> bool:
        """Does it let an application in, and send its reads to a replica? If not, `last` says what happened."""
        last = last if last is not None else [""]
        try:
            with contextlib.closing(self.connect()) as connection:
                answered = connection.query("SELECT @@server_id")[0][0]
        except (OSError, ConnectionLost, ServerError) as error:
            last[0] = str(error)
            time.sleep(0.1)  # weir is busy finding its servers: do not fill its log
            return False
        last[0] = f"reads are answered by the server with id {answered}, which is no replica"
        return answered in {str(node.server_id) for node in self.cluster.replicas()}

    def accepts_configuration(self) -> bool:
        """Whether this binary knows every key and value of the configuration (`weir check`)."""
        return subprocess.run([str(self.binary), "check", str(self.config)], stdin=subprocess.DEVNULL,
                              capture_output=True, check=False).returncode == 0

    def _configuration(self, workers: int, settings: Settings) -> str:
        lines = ["[listen]", f'mysql = ["{HOST}:{self.port}"]', f"workers = {workers}", 'http = ""',
                 f'admin = "{HOST}:{self.console_port}"', *_keys(settings.get("listen", {})), "",
                 "[auth]", f'admin_password = "{CONSOLE_PASSWORD}"', *_keys(settings.get("auth", {})), ""]
        for node in self.cluster.nodes:
            lines += ["[[server]]", f'name = "{node.name}"', f'address = "{HOST}:{node.port}"',
                      *_keys(settings.get("server", {})), ""]
        lines += ["[monitor]", f'user = "{accounts.MONITOR.name}"', f'password = "{accounts.MONITOR.password}"',
                  *_keys(settings.get("monitor", {})), ""]
        for account in LISTED_USERS:
            lines += ["[[user]]", f'name = "{account.name}"', f'password = "{account.password}"', ""]
        for section in sorted(settings.keys() - {"server", "monitor", "auth", "listen"}):
            lines += [f"[{section}]", *_keys(settings[section]), ""]
        return "\n".join(lines)


def _keys(settings: Mapping[str, str]) -> list[str]:
    return [f"{key} = {value}" for key, value in settings.items()]


@contextlib.contextmanager
def running(binary: Path, cluster: Cluster, folder: Path, workers: int = 0,
            settings: Settings | None = None) -> Iterator[Weir]:
    """weir in front of `cluster` for the length of a block."""
    weir = Weir(binary, cluster, folder, workers, settings)
    try:
        weir.start()
        yield weir
    finally:
        weir.stop()
