"""What a client program prints, and how two such transcripts are compared.

    plan NAME COUNT [FEATURE]      one line per scenario, before anything else
    begin NAME
      label: value                 an observation: two spaces, then anything on one line
    end NAME                       or `error NAME text` when the scenario broke off

The plan says what must come, so that a program that ends early cannot look complete.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

DIFF_LINES = 40
LINE_LENGTH = 600


@dataclass(frozen=True)
class Planned:
    """A scenario as its program announces it; `feature` names what weir must offer for it, or is empty."""

    name: str
    count: int
    feature: str = ""


@dataclass
class Part:
    """What one scenario printed."""

    lines: list[str] = field(default_factory=list)
    ended: bool = False
    error: str = ""


@dataclass
class Transcript:
    """What one run of a program printed, by scenario."""

    plan: list[Planned] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)
    outcome: str = ""  # how the program itself ended, when that was not well

    def part(self, name: str) -> Part:
        return self.parts.get(name, Part())


def parse(text: str, outcome: str) -> Transcript:
    """Read a program's output; `outcome` says how the program ended, empty for well."""
    found = Transcript(outcome=outcome)
    current = Part()
    for line in text.splitlines():
        words = line.split(" ", 2)
        if line.startswith("  "):
            current.lines.append(line[2:])
        elif words[0] == "plan":
            name, count, *feature = line.split()[1:]
            found.plan.append(Planned(name, int(count), *feature))
        elif words[0] == "begin":
            current = found.parts.setdefault(words[1], Part())
        elif words[0] == "end":
            current.ended = True
        elif words[0] == "error":
            current.error = words[2] if len(words) > 2 else "(no text)"
        else:
            found.outcome = found.outcome or f"printed a line that is no part of a transcript: {line[:LINE_LENGTH]}"
    return found


def complaint(planned: Planned, direct: Transcript, through_weir: Transcript) -> str:
    """What is wrong with one scenario; empty when both runs are whole and the same."""
    for where, transcript in (("directly", direct), ("through weir", through_weir)):
        part = transcript.part(planned.name)
        trouble = part.error or ("" if part.ended else transcript.outcome or "it did not run to its end")
        if not trouble and len(part.lines) != planned.count:
            trouble = f"it made {len(part.lines)} observations of {planned.count}"
        if trouble:
            return f"{where}: {trouble}{_difference(planned.name, direct, through_weir)}"
    return _difference(planned.name, direct, through_weir)


def _difference(name: str, direct: Transcript, through_weir: Transcript) -> str:
    one, other = direct.part(name).lines, through_weir.part(name).lines
    if one == other:
        return ""
    lines = list(difflib.unified_diff(_readable(one), _readable(other), "direct", "weir", lineterm="", n=1))
    return "\n" + "\n".join("    " + line[:LINE_LENGTH] for line in lines[:DIFF_LINES])


def _readable(lines: list[str]) -> list[str]:
    """Observations that hold a whole screen of text, as the lines that they were."""
    return [piece for line in lines for piece in line.split("\\n")]
