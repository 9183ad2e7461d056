"""Runs a client program directly and through weir, and judges each of its scenarios."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import counters
import expectations
import transcript
from clients import Client
from cluster import accounts, lifecycle
from cluster.servers import root_session
from cluster.state import HOST, Cluster
from rawmysql import Connection
from transcript import Planned, Transcript
from weir import Weir

SILENCE_SECONDS = 60  # a program that prints nothing for so long hangs
DATABASE = "app"
STDERR_LINES = 12
CLIENT_COMPRESS, CLIENT_SSL, CLIENT_QUERY_ATTRIBUTES, CLIENT_ZSTD = 1 << 5, 1 << 11, 1 << 27, 1 << 26
FEATURES = {"compress": CLIENT_COMPRESS, "zstd": CLIENT_ZSTD, "tls": CLIENT_SSL,
            "attributes": CLIENT_QUERY_ATTRIBUTES}

PASSED, FAILED, SKIPPED = "passed", "FAILED", "skipped"


@dataclass(frozen=True)
class Verdict:
    """The outcome of one scenario on one flavour."""

    name: str
    outcome: str
    text: str = ""


class Bench:
    """A cluster with weir in front of it, and the client programs that are run on both."""

    def __init__(self, cluster: Cluster, proxy: Weir, programs: Path) -> None:
        self.cluster = cluster
        self.proxy = proxy
        self.programs = programs
        self.features = offered_features(proxy.port)

    def run(self, client: Client, wanted: str, keep: Path | None) -> list[Verdict]:
        """Verdicts on the scenarios of one client whose full name contains `wanted`."""
        plan = self._execute(client, {"COMPAT_PLAN": "1"}, 0).plan
        title = f"{self.cluster.flavor}/{client.name}"
        if not plan:
            return [Verdict(title, FAILED, "the program announces no scenario")]
        plan = [planned for planned in plan if wanted in f"{title}/{planned.name}"]
        reasons = {planned.name: self._reason_to_skip(client, planned) for planned in plan}
        verdicts = [Verdict(f"{title}/{name}", SKIPPED, reason) for name, reason in reasons.items() if reason]
        plan = [planned for planned in plan if not reasons[planned.name]]
        if plan:
            verdicts += self._compare(client, title, plan, keep)
        return verdicts

    def _reason_to_skip(self, client: Client, planned: Planned) -> str:
        if planned.feature and planned.feature not in self.features:
            return f"weir does not offer {planned.feature}"
        return expectations.skipped(self.cluster.flavor, client.name, planned.name)

    def _compare(self, client: Client, title: str, plan: list[Planned], keep: Path | None) -> list[Verdict]:
        only = {"COMPAT_ONLY": ",".join(planned.name for planned in plan)}
        primary = self.cluster.node(self.cluster.primary)
        self._fresh_database()
        direct = self._execute(client, only, primary.port, keep and keep / f"{title.replace('/', '-')}.direct")
        self._fresh_database()
        before = self._misrouted()
        through = self._execute(client, only, self.proxy.port, keep and keep / f"{title.replace('/', '-')}.weir")
        verdicts = [self._judge(client, title, planned, direct, through) for planned in plan]
        verdicts.append(self._judge_replicas(title, before))
        return verdicts

    def _judge(self, client: Client, title: str, planned: Planned, direct: Transcript,
               through: Transcript) -> Verdict:
        name = f"{title}/{planned.name}"
        text = transcript.complaint(planned, direct, through)
        pending = expectations.pending(self.cluster.flavor, client.name, planned.name)
        if pending and text:
            return Verdict(name, SKIPPED, f"pending: {pending}")
        if pending:
            return Verdict(name, FAILED, "it passes now: take its row out of PENDING in expectations.py")
        return Verdict(name, FAILED if text else PASSED, text)

    def _judge_replicas(self, title: str, before: list[str]) -> Verdict:
        """The account may write anywhere, so a misrouted write shows in a replica's own GTIDs only."""
        after = self._misrouted()
        if not self.proxy.running():
            return Verdict(f"{title}/no-writes-on-replicas", FAILED, self.proxy.log_tail())
        if before != after:
            return Verdict(f"{title}/no-writes-on-replicas", FAILED, f"own transactions {before} became {after}")
        return Verdict(f"{title}/no-writes-on-replicas", PASSED)

    def _misrouted(self) -> list[str]:
        return [counters.own_transactions(self.cluster, node) for node in self.cluster.replicas()]

    def _fresh_database(self) -> None:
        with root_session(self.cluster.node(self.cluster.primary)) as session:
            session.query("SET lock_wait_timeout = 20")  # somebody's open transaction is an error, not a hang
            session.query(f"DROP DATABASE IF EXISTS {DATABASE}")
            session.query(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
        lifecycle.catch_up(self.cluster.folder)

    def _execute(self, client: Client, extra: dict[str, str], port: int, keep: Path | None = None) -> Transcript:
        environment = {
            **os.environ, **client.environment, "COMPAT_HOST": HOST, "COMPAT_PORT": str(port),
            "COMPAT_USER": accounts.APP.name, "COMPAT_PASSWORD": accounts.APP.password,
            "COMPAT_SECOND_USER": accounts.PLAIN.name, "COMPAT_SECOND_PASSWORD": accounts.PLAIN.password,
            "COMPAT_DATABASE": DATABASE, "COMPAT_FLAVOR": self.cluster.flavor,
            "COMPAT_CLUSTER": str(self.cluster.folder), "LC_ALL": "C.UTF-8", "TZ": "UTC", **extra,
        }
        text, outcome = _run(client.command, environment, self.programs)
        if keep:
            keep.write_text(text + outcome)
        return transcript.parse(text, outcome)


def prepare(cluster: Cluster) -> None:
    """What the scenarios need of the servers, to be called before weir opens its connections."""
    for node in cluster.nodes:
        with root_session(node) as session:
            session.query("SET GLOBAL max_allowed_packet = 67108864")  # for the blob of 17 MiB
            session.query("SET GLOBAL local_infile = 1")
        for account in (accounts.APP, accounts.PLAIN):  # the server then remembers the password's hash
            with contextlib.closing(Connection.unix(str(node.socket))) as session:
                session.login(account.name, account.password)
                session.quit()


def offered_features(port: int) -> set[str]:
    """What the greeting on a port offers, by the names that scenarios use."""
    with contextlib.closing(Connection.tcp(HOST, port)) as connection:
        capabilities = connection.read_greeting().capabilities
    return {name for name, bit in FEATURES.items() if capabilities & bit}


def summary(verdicts: Iterable[Verdict]) -> str:
    outcomes = [verdict.outcome for verdict in verdicts]
    return f"{outcomes.count(PASSED)} passed, {outcomes.count(FAILED)} failed, {outcomes.count(SKIPPED)} skipped"


def _run(command: list[str], environment: dict[str, str], folder: Path) -> tuple[str, str]:
    """What a program printed, and how it ended if not well; its whole process group is gone afterwards."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=errors, start_new_session=True)
        try:
            text, outcome = _read_until_silent(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        errors.seek(0)
        complaints = errors.read().decode(errors="replace").splitlines()[-STDERR_LINES:]
    if not outcome and process.returncode != 0:
        outcome = f"the program ended with code {process.returncode}"
    if outcome:
        outcome = "\n    ".join([outcome, *complaints])
    return text, outcome


def _read_until_silent(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    assert process.stdout is not None
    pieces: list[bytes] = []
    outcome = ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(SILENCE_SECONDS):
                outcome = f"the program printed nothing for {SILENCE_SECONDS} s and was ended"
                break
            piece = os.read(process.stdout.fileno(), 1 << 16)
            if not piece:
                break
            pieces.append(piece)
    if not outcome:
        deadline = time.monotonic() + SILENCE_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if process.poll() is None:
            outcome = f"the program did not end within {SILENCE_SECONDS} s of closing its output"
    return b"".join(pieces).decode(errors="replace"), outcome
