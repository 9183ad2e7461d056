"""Scripts made from the server's own list: each collation it has is selected, used and looked at."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from cluster.servers import root_session
from cluster.state import Cluster

from .parse import read_text
from .script import Script

# What differs most from one collation to the next: case, accents, expansions, trailing space, a code point above
# U+FFFF; and bytes that are letters' second halves in some character sets and quotes or backslashes in others.
_STEPS = """
a: SET collation_connection = {collation}
a: SELECT COLLATION('a'), CHARSET('a'), COERCIBILITY('a'), @@collation_connection, @@character_set_connection
a: SELECT 'a' = 'A', 'e' = 'é', 'ss' = 'ß', 'a' = 'a ', 'a' < 'B', HEX('é'), LENGTH('ß'), 'ab' LIKE 'A_'
a: SELECT _{charset} x'61' = 'a' COLLATE {collation}, HEX(WEIGHT_STRING('aB'))
"""
_NAMES = """
a: SET NAMES {charset} COLLATE {collation}
a: SELECT HEX('abc'), COLLATION('abc'), 'x' AS 'name of a column', @@character_set_client, @@character_set_results
a: CREATE OR REPLACE VIEW v_{number} AS SELECT 'text' AS word
a: SHOW CREATE VIEW v_{number}
"""
PART = 40  # collations in one script
_NO_CLIENT = ("ucs2", "utf16", "utf16le", "utf32")  # servers refuse them as a client's character set


def scripts(cluster: Cluster) -> list[Script]:
    """One script for each character set, with a part for each of its collations."""
    with root_session(cluster.node(cluster.primary)) as session:
        rows = session.query(_listing(cluster.flavor))
    found: list[Script] = []
    for charset, group in groupby(rows, lambda row: str(row[0])):
        names = [str(name) for _, name in group]
        for part, start in enumerate(range(0, len(names), PART), start=1):
            chosen = names[start:start + PART]
            (script,) = read_text("collations", _text(charset, chosen, part))
            each = len(script.steps) // len(chosen)  # its line is the place in the template
            script.steps = [replace(step, line=1 + at % each) for at, step in enumerate(script.steps)]
            found.append(script)
    return found


def _listing(flavor: str) -> str:
    if flavor == "mysql":
        return ("SELECT character_set_name, collation_name FROM information_schema.collations "
                "ORDER BY character_set_name, collation_name")
    return ("SELECT character_set_name, full_collation_name "
            "FROM information_schema.collation_character_set_applicability "
            "ORDER BY character_set_name, full_collation_name")


def _text(charset: str, names: list[str], part: int) -> str:
    lines = [f"== {charset} {part}"]
    if charset in ("utf8mb4", "gbk") and part == 1:
        lines.append("short")
    for number, name in enumerate(names):
        steps = _STEPS if charset in _NO_CLIENT else _NAMES + _STEPS
        lines.append(steps.replace("{charset}", charset).replace("{collation}", name)
                     .replace("{number}", str(number)))
    return "\n".join(lines)
