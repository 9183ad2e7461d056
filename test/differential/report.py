"""What a person reads of a run."""

from __future__ import annotations

from .expected import Entry
from .runner import Verdict


def verdict_text(verdict: Verdict, mode: str, most: int) -> str:
    """Empty for a script that passed."""
    if verdict.passed:
        return ""
    lines = [f"FAILED  {verdict.script.name}  ({mode})"]
    if verdict.trouble:
        lines.append(f"    {verdict.trouble}")
    last = None
    for one in verdict.differences[:most]:
        if one.step is not last:
            title = one.step.title()
            title = title if len(title) <= 300 else title[:300] + "..."
            lines.append(f"    line {one.step.line}, {one.step.session}: " + title.replace("\n", "\n        | "))
            last = one.step
        lines.append(f"        {one.field}\n            directly:     {one.direct}\n"
                     f"            through weir: {one.weir}")
    if len(verdict.differences) > most:
        lines.append(f"    and {len(verdict.differences) - most} more differences")
    return "\n".join(lines)


def stale_text(entry: Entry) -> str:
    return (f"FAILED  expected_differences.txt, line {entry.line}: no script differs like this any more: "
            f"{entry.script} | {entry.statement} | {entry.field}")
