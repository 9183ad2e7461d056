#!/usr/bin/env python3
"""Clients that mean no good, or break in the middle: what they do to themselves, and what to others.

Single broken packets, compared with what a server says, are in malformed.py. WEIR_TEST_CLUSTER names a running
cluster's folder, WEIR_BINARY the program; words on the command line choose tests by parts of their names. The last
line is `N passed, N failed`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

sys.dont_write_bytecode = True
TEST = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TEST), str(TEST / "support")]

import charsets  # noqa: E402 (the path has to be set first)
import floods  # noqa: E402
import half_commands  # noqa: E402
import misrouting  # noqa: E402
import pipelines  # noqa: E402
import rogue_servers  # noqa: E402
import shared_statements  # noqa: E402
import strangers  # noqa: E402
from attack_bed import Bed, bed  # noqa: E402
from cluster import state  # noqa: E402

Test = tuple[str, Callable[[Bed], None]]
# Neighbours with equal settings share a weir.
GROUPS = (half_commands, shared_statements, pipelines, misrouting, charsets, floods, strangers, rogue_servers)


def prepared(group: ModuleType, place: Bed) -> contextlib.AbstractContextManager[None]:
    """What a group's tests need beside their bed."""
    return group.prepared(place) if hasattr(group, "prepared") else contextlib.nullcontext()


def main(words: list[str]) -> int:
    # Freed memory that a sanitizer holds back is not weir's.
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "abort_on_error=1") + ":quarantine_size_mb=4"
    cluster = state.load(Path(os.environ["WEIR_TEST_CLUSTER"]))
    counts = {True: 0, False: 0}
    wanted = [group for group in GROUPS if chosen(group, words)]
    for settings, groups in itertools.groupby(wanted, lambda group: group.SETTINGS):
        together = list(groups)
        with bed(cluster, settings, rogue_servers in together) as place:
            for group in together:
                with prepared(group, place):
                    run(place, chosen(group, words), counts)
    print(f"{counts[True]} passed, {counts[False]} failed")
    return 1 if counts[False] else 0


def chosen(group: ModuleType, words: list[str]) -> list[Test]:
    return [test for test in group.TESTS if not words or any(word in test[0] for word in words)]


def run(place: Bed, tests: list[Test], counts: dict[bool, int]) -> None:
    for name, check in tests:
        try:
            check(place)
        except Exception as error:  # whatever it is, the other tests are run
            traceback.print_exc()
            print(f"FAILED  {name}: {error}\n{place.weir.log_tail()}", flush=True)
            counts[False] += 1
        else:
            print(f"ok      {name}", flush=True)
            counts[True] += 1
        if not place.weir.running():
            print("FAILED  weir has ended", flush=True)
            counts[False] += 1
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
