"""The command `scripts/differential`."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import counters
from cluster import delay, lifecycle
from cluster.errors import ClusterError
from cluster.processes import wait_until
from weir import ROOT, Weir

from . import bed as beds
from . import corpus, expected, report
from .bed import Bed
from .parse import ScriptError
from .runner import Runner
from .script import Script

LIST = Path(__file__).parent / "expected_differences.txt"
PATIENCE = 30
MODES = {"no lag": 0, "lag": beds.LAG_SECONDS}


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with _bed(options) as bed:
            passed, failed = _run(bed, options)
    except (ClusterError, ScriptError, expected.ListError) as error:
        print(f"FAILED  {error}")
        passed, failed = 0, 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/differential",
        description="Plays session scripts directly and through weir, and compares every field of every reply.")
    parser.add_argument("--flavor", choices=("mariadb", "mysql"), required=True)
    parser.add_argument("--weir", type=Path, default=ROOT / "build/release/weir", help="the program to test")
    parser.add_argument("--filter", default="*", metavar="GLOB", help="only scripts whose names match or contain it")
    parser.add_argument("--mode", choices=tuple(MODES), action="append", help="one lag mode only")
    parser.add_argument("--short", action="store_true", help="the subset that is marked `short`")
    parser.add_argument("--pool-mode", choices=("auto", "session", "transaction"), default="auto")
    parser.add_argument("--control", action="store_true",
                        help="play directly both times: what fails then is no proof about weir")
    parser.add_argument("--show", type=int, default=6, metavar="N", help="differences to show of each script")
    parser.add_argument("--dir", type=Path, help="keep the clusters here, running, for the next run")
    parser.add_argument("--list", action="store_true", help="name the scripts and count their statements")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def _bed(options: argparse.Namespace) -> Iterator[Bed]:
    """Both clusters, for the length of a block unless they are to be kept."""
    kept: Path | None = options.dir
    folder = kept or Path(tempfile.mkdtemp(prefix=f"weir-diff-{options.flavor}-"))
    places = folder / "a", folder / "b"
    try:
        yield Bed(lifecycle.start(places[0], options.flavor, replicas=0),
                  lifecycle.start(places[1], options.flavor, replicas=beds.REPLICAS), folder, options.weir)
    finally:
        if not kept:
            for place in places:
                lifecycle.stop(place, wipe=True)
            shutil.rmtree(folder, ignore_errors=True)


def _run(bed: Bed, options: argparse.Namespace) -> tuple[int, int]:
    scripts = corpus.choose(corpus.load(bed.alone), options.filter, options.short)
    if not scripts:
        raise ScriptError(f"no script is called {options.filter!r}")
    if options.list:
        return _list(scripts, bed.flavor)
    entries = expected.load(LIST)
    pool_mode = bed.pool_mode() if options.pool_mode == "auto" else options.pool_mode
    print(f'{bed.flavor} {bed.alone.version}, pool.mode = "{pool_mode}": {_size(scripts, bed.flavor)}', flush=True)
    passed = failed = 0
    for mode in options.mode or MODES:
        good, bad, broken = _run_mode(bed, options, scripts, entries, pool_mode, mode)
        passed, failed = passed + good, failed + bad
        if broken:
            bed = bed.renewed()
    stale = [entry for entry in entries
             if not entry.times and not entry.by_chance and not options.control
             and any(entry.concerns(script, bed.flavor) for script in scripts)]
    for entry in stale:
        print(report.stale_text(entry))
    return passed, failed + len(stale)


def _run_mode(bed: Bed, options: argparse.Namespace, scripts: list[Script], entries: list[expected.Entry],
              pool_mode: str, mode: str) -> tuple[int, int, bool]:
    """Passed and failed scripts of one lag mode, and whether the cluster suffered, which counts as one more script."""
    bed.prepare(scripts)
    delay.set_delay(bed.behind, bed.behind.replicas(), MODES[mode])
    passed = failed = 0
    try:
        with bed.weir(pool_mode) as weir:
            addresses = bed.control() if options.control else bed.addresses(weir)
            runner = Runner(bed.flavor, *addresses, entries)
            for verdict in runner.run(scripts):
                passed, failed = passed + verdict.passed, failed + (not verdict.passed)
                if not verdict.passed:
                    print(report.verdict_text(verdict, mode, options.show), flush=True)
            complaint = _complaint(bed, weir)
    finally:
        delay.set_delay(bed.behind, bed.behind.replicas(), 0)
        bed.clean()
    if complaint:
        print(f"FAILED  after all scripts  ({mode})\n    {complaint}", flush=True)
    return passed, failed + bool(complaint), bool(complaint)


def _complaint(bed: Bed, weir: Weir) -> str:
    """What is wrong although every script may have passed; empty when nothing is."""
    if not weir.running():
        return f"weir ended by itself; the end of its log:\n{weir.log_tail()}"
    for node in bed.behind.replicas():
        written = counters.own_transactions(bed.behind, node)
        if written:
            return f"{node.name} was written to: {written}"
    try:
        lifecycle.catch_up(bed.behind.folder)
    except ClusterError as error:
        return str(error)
    if not wait_until(lambda: weir.splits_reads(), PATIENCE):
        return "reads are no longer answered by a replica"
    return ""


def _list(scripts: list[Script], flavor: str) -> tuple[int, int]:
    for script in scripts:
        print(f"{len(script.steps_for(flavor)):5}  {script.name}")
    print(_size(scripts, flavor))
    return len(scripts), 0


def _size(scripts: list[Script], flavor: str) -> str:
    played = sum(len(script.steps_for(flavor)) for script in scripts)
    return f"{len(scripts)} scripts, {_statements(scripts, flavor)} statements, {played} with those repeated"


def _statements(scripts: list[Script], flavor: str) -> int:
    """Lines that people wrote; what a loop or a generator repeats counts once."""
    return len({(script.source, step.line) for script in scripts for step in script.steps_for(flavor) if step.session})
