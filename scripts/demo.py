"""The part of scripts/demo that runs when everything is installed and built."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test" / "support"))

import counters  # noqa: E402 (the path has to be set first)
import sysbench  # noqa: E402
import weir  # noqa: E402
from cluster import accounts, lifecycle  # noqa: E402
from cluster.errors import ClusterError  # noqa: E402
from cluster.state import HOST, Cluster  # noqa: E402

# sysbench wraps its statements in transactions, which stay whole on the primary; without, reads can spread.
# Its DELETE and INSERT of the same row then no longer belong together: two threads may meet (error 1062).
ROUNDS = (("in transactions", []),
          ("each statement by itself", ["--skip-trx=on", "--mysql-ignore-errors=1213,1020,1205,1062"]))


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="weir in front of a MariaDB cluster")
    parser.add_argument("--once", action="store_true", help="exit after the tables")
    parser.add_argument("--seconds", type=int, default=5, help="length of each sysbench run")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    folder = Path(tempfile.mkdtemp(prefix="weir-demo-"))
    try:
        _demonstrate(folder, options)
        return 0
    except ClusterError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        lifecycle.stop(folder / "cluster", wipe=True)
        shutil.rmtree(folder, ignore_errors=True)


def _demonstrate(folder: Path, options: argparse.Namespace) -> None:
    _say("starting a MariaDB primary and two replicas")
    cluster = lifecycle.start(folder / "cluster", "mariadb", replicas=2)
    counters.begin(cluster)
    with weir.running(ROOT / "build/release/weir", cluster, folder) as proxy:
        _say(f"weir is up in front of {len(cluster.nodes)} servers")
        try:
            for title, extra in ROUNDS:
                _round(cluster, proxy, title, sysbench.Load("oltp_read_write", options.seconds, options=extra))
        except ClusterError as error:
            raise proxy.failure(str(error)) from None
        print(f"\nConnect:  mariadb -h {HOST} -P {proxy.port} -u {accounts.APP.name} "
              f"-p{accounts.APP.password} sbtest")
        print(f"     or:  mysql://{accounts.APP.name}:{accounts.APP.password}@{HOST}:{proxy.port}/sbtest", flush=True)
        if not options.once:
            _stay(proxy)


def _round(cluster: Cluster, proxy: weir.Weir, title: str, load: sysbench.Load) -> None:
    """One sysbench run through weir, and what it made each server do."""
    if not _has_tables(proxy):
        _say("filling sysbench's tables through weir")
        sysbench.prepare(proxy.port, load)
        lifecycle.catch_up(cluster.folder)
    before = counters.take(cluster, accounts.SBTEST)
    outcome = sysbench.run([proxy.port], load)
    after = counters.take(cluster, accounts.SBTEST)
    print(f"\nsysbench {load.test}, {title}: {outcome.queries} queries in {load.seconds} s "
          f"({outcome.queries_per_second:.0f}/s)")
    print(f"  {'server':8}{'role':10}{'reads':>10}{'writes':>10}{'begin/commit':>14}")
    for node in cluster.nodes:
        counts = after[node.name].since(before[node.name])
        role = "primary" if node.name == cluster.primary else "replica"
        print(f"  {node.name:8}{role:10}{counts.reads:>10}{counts.writes:>10}{counts.other:>14}")


def _has_tables(proxy: weir.Weir) -> bool:
    with proxy.connect(accounts.SBTEST) as session:
        return bool(session.query("SHOW TABLES FROM sbtest"))


def _stay(proxy: weir.Weir) -> None:
    """Wait for Ctrl-C; a weir that dies meanwhile is an error."""
    _say("running until Ctrl-C")
    assert proxy.process is not None
    proxy.process.wait()
    raise proxy.failure(f"weir ended by itself with code {proxy.process.returncode}")


def _say(text: str) -> None:
    print(f"demo: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
