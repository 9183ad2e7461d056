"""Plays scripts, many at once, and judges them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cluster.errors import ClusterError
from rawmysql import ConnectionLost

from .bed import MAX_CONNECTIONS
from .compare import Difference, differences
from .expected import Entry
from .player import Address, Player, PlayError
from .script import Script

AT_ONCE = 16
# A script with several sessions may hold a connection with one and wait for a connection with another. With no
# more of them at once than this, and at most three sessions in each, some script can always go on.
SEVERAL_AT_ONCE = (MAX_CONNECTIONS - 1) // 2


@dataclass
class Verdict:
    """How one script fared in one run."""

    script: Script
    differences: list[Difference] = field(default_factory=list)
    trouble: str = ""

    @property
    def passed(self) -> bool:
        return not self.differences and not self.trouble


@dataclass
class Runner:
    """Plays scripts directly and through weir, and takes off the differences that are expected."""

    flavor: str
    direct: Address
    weir: Address
    expected: list[Entry]
    several: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(SEVERAL_AT_ONCE))

    def run(self, scripts: list[Script]) -> Iterator[Verdict]:
        """Verdicts in the order of the scripts; those that must be alone come last."""
        crowd = [script for script in scripts if not script.alone]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from pool.map(self.judge, crowd)
        yield from (self.judge(script) for script in scripts if script.alone)

    def judge(self, script: Script) -> Verdict:
        try:
            if len(script.sessions(self.flavor)) == 1:
                found = self._play(script)
            else:
                with self.several:
                    found = self._play(script)
        except (OSError, ConnectionLost, ClusterError, PlayError, ValueError, KeyError) as error:
            return Verdict(script, trouble=f"it could not be played: {type(error).__name__}: {error}")
        return Verdict(script, [one for one in found if not self._is_expected(script, one)])

    def _play(self, script: Script) -> list[Difference]:
        direct = Player(script, self.flavor, self.direct).play()
        return differences(direct, Player(script, self.flavor, self.weir).play())

    def _is_expected(self, script: Script, difference: Difference) -> bool:
        covering = [entry for entry in self.expected if entry.covers(script, self.flavor, difference)]
        for entry in covering:
            entry.times += 1
        return bool(covering)
