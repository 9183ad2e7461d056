"""The list of differences that are there on purpose: `expected_differences.txt`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from .compare import Difference
from .script import FLAVORS, Script


class ListError(Exception):
    """A line that cannot be read."""


@dataclass
class Entry:
    """One line; `times` counts where it was met. One that depends on chance need not be."""

    line: int
    script: str
    statement: str
    flavors: tuple[str, ...]
    field: str
    reason: str
    by_chance: bool = False
    times: int = field(default=0)

    def covers(self, script: Script, flavor: str, difference: Difference) -> bool:
        return (flavor in self.flavors and matches(self.script, script.name)
                and matches(self.statement, difference.step.title()) and matches(self.field, difference.field))

    def concerns(self, script: Script, flavor: str) -> bool:
        """Would this entry have to be met when the script has run?"""
        return (flavor in self.flavors and matches(self.script, script.name)
                and any(matches(self.statement, step.title()) for step in script.steps_for(flavor)))


def load(path: Path) -> list[Entry]:
    """`script | statement | flavour | field | reason` on each line, with `*` for anything.

    A `?` behind the field marks what does not happen each time.
    """
    entries: list[Entry] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(" | ")]
        if len(parts) != 5 or not all(parts) or parts[2] not in (*FLAVORS, "both"):
            raise ListError(f"{path.name}:{number}: not `script | statement | flavour | field | reason`")
        script, statement, flavor, name, reason = parts
        by_chance = name.endswith("?")
        flavors = FLAVORS if flavor == "both" else (flavor,)
        entries.append(Entry(number, script, statement, flavors, name.rstrip("?"), reason, by_chance))
    return entries


def matches(pattern: str, text: str) -> bool:
    """`*` is any run of letters; everything else, brackets too, is itself."""
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, text, re.S) is not None
