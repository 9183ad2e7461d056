"""The `test/cluster` command line."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from . import debian_unstable, lifecycle
from .errors import ClusterError
from .groups import SUITES, TOPOLOGIES
from .state import HOST, Cluster
from rawmysql import ServerError


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was half started is ended first
    try:
        options.run(options)
    except (ClusterError, ServerError) as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="test/cluster",
        description="Throwaway MySQL and MariaDB clusters on loopback: a primary and GTID replicas, or a group.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--dir", type=Path, required=True, help="the cluster's folder")

    start = commands.add_parser("start", parents=[place], help="start a cluster and wait until it replicates")
    start.add_argument("--flavor", choices=("mariadb", "mysql"), required=True)
    start.add_argument("--replicas", type=int, default=2)
    start.add_argument("--topology", choices=TOPOLOGIES, default="replicas",
                       help="replicas of one primary; a MySQL group (Group Replication); a MariaDB Galera cluster")
    start.add_argument("--suite", choices=SUITES, default="",
                       help="unstable: that MariaDB of Debian's, not the installed one; MySQL always comes from there")
    start.add_argument("--tls", action="store_true",
                       help="servers show certificates of the authority in the cluster's tls/ca.pem")
    start.set_defaults(run=_start)

    stop = commands.add_parser("stop", parents=[place], help="end every server")
    stop.add_argument("--wipe", action="store_true", help="delete the data too")
    stop.set_defaults(run=lambda options: lifecycle.stop(options.dir, options.wipe))

    kill = commands.add_parser("kill", parents=[place], help="signal one server")
    kill.add_argument("name", help="db1, db2, …")
    kill.add_argument("--signal", choices=("KILL", "STOP", "CONT", "TERM"), default="KILL")
    kill.set_defaults(run=_kill)

    restart = commands.add_parser("restart", parents=[place], help="start one server again, same port and data")
    restart.add_argument("name")
    restart.set_defaults(run=lambda options: lifecycle.restart(options.dir, options.name))

    promote = commands.add_parser("promote", parents=[place], help="make a replica the primary")
    promote.add_argument("name")
    promote.set_defaults(run=lambda options: lifecycle.promote(options.dir, options.name))

    status = commands.add_parser("status", parents=[place], help="show roles, ports and replication")
    status.set_defaults(run=_status)

    catch_up = commands.add_parser("catch-up", parents=[place], help="wait until the replicas have everything")
    catch_up.set_defaults(run=lambda options: lifecycle.catch_up(options.dir))

    sql = commands.add_parser("sql", parents=[place], help="run SQL as root on one server")
    sql.add_argument("name")
    sql.add_argument("sql")
    sql.set_defaults(run=_sql)

    for product in debian_unstable.PRODUCTS:
        fetch = commands.add_parser(f"fetch-{product.name}", help=f"download {product.title} into the cache")
        fetch.add_argument("--refresh", action="store_true", help="look for a newer release than the cached one")
        fetch.set_defaults(run=_fetch, product=product)
    return parser


def _start(options: argparse.Namespace) -> None:
    _print_summary(lifecycle.start(options.dir, options.flavor, options.replicas, options.topology, options.tls,
                                   options.suite))


def _print_summary(cluster: Cluster) -> None:
    print(f"{cluster.flavor} {cluster.version} in {cluster.folder}")
    for node in cluster.nodes:
        print(f"  {node.name}  {cluster.role_of(node)}  {HOST}:{node.port}  server id {node.server_id}")
    print(f"  keys for scripts: {cluster.folder}/cluster.env")


def _kill(options: argparse.Namespace) -> None:
    lifecycle.kill(options.dir, options.name, signal.Signals[f"SIG{options.signal}"])


def _status(options: argparse.Namespace) -> None:
    print("\n".join(lifecycle.describe(options.dir)))


def _sql(options: argparse.Namespace) -> None:
    for row in lifecycle.run_sql(options.dir, options.name, options.sql):
        print("\t".join("NULL" if value is None else value for value in row))


def _fetch(options: argparse.Namespace) -> None:
    print(debian_unstable.fetch(options.product, options.refresh).root)
