"""What a person does to a cluster: start, stop, kill, restart, promote, look."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from . import processes, state, template
from .errors import ClusterError
from .flavors import Flavor
from .groups import Group, kind_of
from .processes import folder_lock, free_ports, wait_until
from .servers import launch, log_tail, root_session
from .state import Cluster, Node

STOP_SECONDS = 20
CATCH_UP_SECONDS = 60
LOCK_FILE = "lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One command at a time changes a cluster."""
    folder.mkdir(parents=True, exist_ok=True)
    with folder_lock(folder / LOCK_FILE):
        yield


def start(folder: Path, flavor_name: str, replicas: int, topology: str = "replicas", tls: bool = False,
          suite: str = "") -> Cluster:
    """Make a cluster in `folder`, or bring back what is down of the one that is there.

    `tls`: of a new one, servers have certificates that clients can verify. Without, MySQL makes its own, and MariaDB
    has none.
    """
    with locked(folder):
        if not state.exists(folder):
            if tls:
                _make_certificates(state.certificates(folder.resolve()))
            return _create(folder, kind_of(flavor_name, topology, suite), replicas)
        cluster = state.load(folder)
        _check_same(cluster, (flavor_name, topology, suite), replicas)
        down = [node for node in cluster.nodes if not node.alive()]
        if down:
            _bring_up(cluster, _kind(cluster), down)
        return cluster


def stop(folder: Path, wipe: bool) -> None:
    """End every server of the cluster; `wipe` also deletes its data. Nothing there is fine too."""
    if not folder.exists():
        return
    with locked(folder):
        if state.exists(folder):
            cluster = state.load(folder)
            if wipe:
                _wipe(cluster)
            else:
                _end_all(cluster)
    with contextlib.suppress(OSError):
        if wipe:
            (folder / LOCK_FILE).unlink()
            folder.rmdir()


def kill(folder: Path, name: str, number: signal.Signals) -> None:
    """Signal one server; for a deadly signal, return when it is gone."""
    with locked(folder):
        node = state.load(folder).node(name)
        if node.process is None or not node.process.send(number):
            raise ClusterError(f"{name} is not running")
        if number in (signal.SIGKILL, signal.SIGTERM) and not wait_until(lambda: not node.alive(), STOP_SECONDS):
            raise ClusterError(f"{name} still runs {STOP_SECONDS} s after {number.name}; "
                               f"use --signal KILL")


def restart(folder: Path, name: str) -> Cluster:
    """End the server if it runs, start it on the same port and data, and let it catch up."""
    with locked(folder):
        cluster = state.load(folder)
        node = cluster.node(name)
        _end(cluster, [node])
        _bring_up(cluster, _kind(cluster), [node])
        return cluster


def promote(folder: Path, name: str, on_writable: Callable[[], None] = lambda: None) -> Cluster:
    """Make a replica the primary; the others, the old primary included, follow it.

    `on_writable` is called when the new one takes writes.
    """
    with locked(folder):
        cluster = state.load(folder)
        kind = _kind(cluster)
        if isinstance(kind, Group):
            raise ClusterError("a group chooses its primary itself; see `group_replication_set_as_primary()`")
        target, old = cluster.node(name), cluster.node(cluster.primary)
        if target is old:
            return cluster
        if old.alive():
            with root_session(old) as session:
                kind.set_read_only(session, True)
            _wait_caught_up(kind, old, [target])
        with root_session(target) as session:
            kind.stop_following(session)
            kind.set_read_only(session, False)
            on_writable()
        cluster.primary = name
        cluster.save()
        _follow_primary(cluster, kind, [node for node in cluster.replicas() if node.alive()])
        return cluster


def catch_up(folder: Path) -> None:
    """Wait until every running replica has executed what the primary has executed now."""
    cluster = state.load(folder)
    running = [node for node in cluster.nodes if node.alive()]
    sources = running if cluster.topology != "replicas" else [cluster.node(cluster.primary)]
    for source in sources:
        _wait_caught_up(_kind(cluster), source, [node for node in running if node is not source])


def run_sql(folder: Path, name: str, text: str) -> list[tuple[str | None, ...]]:
    """Rows of the last result of `text`, run as root on one server."""
    with root_session(state.load(folder).node(name)) as session:
        return session.query(text)


def describe(folder: Path) -> list[str]:
    """One line per server: role, address, process, replication."""
    cluster = state.load(folder)
    kind = _kind(cluster)
    return [_describe(cluster, kind, node) for node in cluster.nodes]


def _make_certificates(folder: Path) -> None:
    subprocess.run([Path(__file__).resolve().parents[1] / "certificates", folder], check=True)


def _create(folder: Path, kind: Flavor, replicas: int) -> Cluster:
    source = template.prepare(kind)
    folder = folder.resolve()
    group_ports = kind.group_ports if isinstance(kind, Group) else 0
    ports = free_ports((1 + replicas) * (1 + group_ports))
    nodes = [Node(f"db{number}", number, ports.pop(), folder / f"db{number}", [ports.pop() for _ in range(group_ports)])
             for number in range(1, 2 + replicas)]
    cluster = Cluster(folder, kind.name, kind.topology, kind.version, kind.client, nodes[0].name, nodes, kind.suite)
    state.check_socket_paths(cluster)
    for node in nodes:
        shutil.rmtree(node.folder, ignore_errors=True)
        node.data.mkdir(parents=True)
        template.copy(source, node.data)
        if isinstance(kind, Group) and kind.copies_join and node is nodes[0]:
            _bring_up(cluster, kind, [node])
            _end(cluster, [node])
            source = node.data
    _bring_up(cluster, kind, nodes)
    return cluster


def _bring_up(cluster: Cluster, kind: Flavor, nodes: list[Node]) -> None:
    """Start servers, all at once, and wait until they answer and replicate; on failure none is left."""
    try:
        if isinstance(kind, Group):
            _join_group(cluster, kind, nodes)
            return
        for node in nodes:
            launch(node, kind.serve(node, read_only=node.name != cluster.primary))
            cluster.save()
        for node in nodes:
            with root_session(node):
                pass
        _follow_primary(cluster, kind, [node for node in nodes if node.name != cluster.primary])
    except BaseException:
        _end(cluster, nodes)
        raise


def _join_group(cluster: Cluster, kind: Group, nodes: list[Node]) -> None:
    """One after the other: the first one begins the group, unless others are there already."""
    for node in nodes:
        begins = not any(other.alive() for other in cluster.nodes)
        launch(node, kind.serve_member(cluster, node, begins))
        cluster.save()
        with root_session(node) as session:
            kind.join(session, begins)
            if not wait_until(lambda: kind.replicating(session), CATCH_UP_SECONDS):
                raise ClusterError(f"{node.name} does not join its group: {kind.replication(session)}; the end of "
                                   f"{node.error_log}:\n{log_tail(node.error_log)}")


def _follow_primary(cluster: Cluster, kind: Flavor, replicas: list[Node]) -> None:
    primary = cluster.node(cluster.primary)
    for node in replicas:
        with root_session(node) as session:
            kind.set_read_only(session, True)
            if kind.replication(session).get("source_port") != str(primary.port):
                kind.follow(session, primary.port)
    if primary.alive():
        _wait_caught_up(kind, primary, replicas)
    elif replicas:
        print(f"{primary.name} is down: replication begins when it is back", file=sys.stderr)


def _wait_caught_up(kind: Flavor, source: Node, replicas: list[Node]) -> None:
    """Wait until each replica replicates and has executed what the source has executed now."""
    with root_session(source) as session:
        position = kind.position(session)
    for node in replicas:
        with root_session(node) as session:
            done = wait_until(lambda: kind.replicating(session) and kind.contains(session, position),
                              CATCH_UP_SECONDS)
            if not done:
                status = kind.replication(session)
                raise ClusterError(f"{node.name} does not catch up with {source.name}: {status}; the end of "
                                   f"{node.error_log}:\n{log_tail(node.error_log)}")


def _end_all(cluster: Cluster) -> None:
    """Replicas first: MySQL's shutdown waits many seconds for replicas that are still connected."""
    _end(cluster, cluster.replicas())
    _end(cluster, [cluster.node(cluster.primary)])


def _end(cluster: Cluster, nodes: list[Node]) -> None:
    processes.end([node.process for node in nodes if node.process], STOP_SECONDS)
    _forget(cluster, nodes)


def _forget(cluster: Cluster, nodes: list[Node]) -> None:
    for node in nodes:
        node.process = None
    cluster.save()


def _wipe(cluster: Cluster) -> None:
    """Nothing is kept, so nothing has to end in order."""
    processes.kill([node.process for node in cluster.nodes if node.process])
    _forget(cluster, cluster.nodes)
    for node in cluster.nodes:
        shutil.rmtree(node.folder, ignore_errors=True)
    for name in ("cluster.json", "cluster.env"):
        (cluster.folder / name).unlink(missing_ok=True)
    shutil.rmtree(state.certificates(cluster.folder), ignore_errors=True)


def _kind(cluster: Cluster) -> Flavor:
    return kind_of(cluster.flavor, cluster.topology, cluster.suite)


def _check_same(cluster: Cluster, kind: tuple[str, str, str], replicas: int) -> None:
    if (cluster.flavor, cluster.topology, cluster.suite) != kind or len(cluster.nodes) != 1 + replicas:
        raise ClusterError(f"{cluster.folder} already holds a {cluster.flavor} cluster of {len(cluster.nodes)} "
                           f"servers ({cluster.topology}); use another --dir, or `test/cluster stop --wipe --dir {cluster.folder}` first")


def _describe(cluster: Cluster, kind: Flavor, node: Node) -> str:
    role = cluster.role_of(node)
    if not node.alive():
        return f"{node.name}  {role}  {state.HOST}:{node.port}  down"
    assert node.process is not None
    line = f"{node.name}  {role}  {state.HOST}:{node.port}  pid {node.process.pid}"
    with root_session(node) as session:
        line += f"  gtid [{kind.position(session)}]"
        status = kind.replication(session)
    if "member" in status:
        line += f"  {status['member']}"
    elif status:
        line += f"  io {status['io']}  sql {status['sql']}  lag {status['lag'] or 'unknown'}"
        line += "".join(f"  {status[key]}" for key in ("io_error", "sql_error") if status[key])
    return line
