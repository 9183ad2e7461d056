"""Running and reaching one server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from . import accounts
from .errors import ClusterError
from .processes import ProcessId, spawn, wait_until
from .state import Node
from rawmysql import Connection, ConnectionLost, ServerError

START_SECONDS = 90
QUERY_SECONDS = 120
LOG_LINES = 15


def launch(node: Node, command: list[str]) -> None:
    """Start the server's process; it is not ready yet when this returns."""
    node.files.mkdir(exist_ok=True)
    node.process = spawn(command, node.error_log, node.folder)


@contextlib.contextmanager
def root_session(node: Node) -> Iterator[Connection]:
    """A root session over the server's socket."""
    if not node.alive():
        raise ClusterError(f"{node.name} is not running; start it with `test/cluster restart "
                           f"--dir {node.folder.parent} {node.name}`")
    assert node.process is not None
    with session_when_ready(node.socket, node.process, node.error_log,
                            accounts.ROOT.name, accounts.ROOT.password) as session:
        yield session


@contextlib.contextmanager
def session_when_ready(socket: Path, process: ProcessId, log: Path, user: str,
                       password: str) -> Iterator[Connection]:
    """A session over a unix socket, begun as soon as the server answers there and ended properly."""
    session = _connect_when_ready(socket, process, log, user, password)
    try:
        yield session
        session.quit()
    finally:
        session.close()


def log_tail(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "  (no log)"
    return "\n".join("  " + line for line in lines[-LOG_LINES:])


def _connect_when_ready(socket: Path, process: ProcessId, log: Path, user: str, password: str) -> Connection:
    """Log in over a unix socket as soon as the server answers there."""
    sessions: list[Connection] = []

    def answers() -> bool:
        session = _try_login(socket, user, password)
        if session:
            sessions.append(session)
        return session is not None or not process.alive()

    in_time = wait_until(answers, START_SECONDS)
    if sessions:
        return sessions[0]
    what = "did not answer in time" if not in_time else "ended while starting"
    raise ClusterError(f"the server with socket {socket} {what}; the end of {log}:\n{log_tail(log)}")


def _try_login(socket: Path, user: str, password: str) -> Connection | None:
    try:
        session = Connection.unix(str(socket), timeout=QUERY_SECONDS)
    except OSError:
        return None
    try:
        session.login(user, password)
        return session
    except (OSError, ConnectionLost):
        session.close()
        return None
    except ServerError as error:
        session.close()
        raise ClusterError(f"login as {user} over {socket} was refused: {error}") from None
