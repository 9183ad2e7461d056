"""All scripts: those in files, and those that are made from what the server has."""

from __future__ import annotations

from pathlib import Path

from cluster.state import Cluster

from . import collations
from .expected import matches
from .parse import ScriptError, read_file
from .script import Script

FOLDER = Path(__file__).parent / "sessions"


def load(cluster: Cluster) -> list[Script]:
    """Every script for the cluster's flavour."""
    scripts = [script for path in sorted(FOLDER.glob("*.txt")) for script in read_file(path)]
    scripts += collations.scripts(cluster)
    _check_schemas(scripts)
    return [script for script in scripts if cluster.flavor in script.flavors and script.steps_for(cluster.flavor)]


def choose(scripts: list[Script], pattern: str, short: bool) -> list[Script]:
    return [script for script in scripts
            if (matches(pattern, script.name) or pattern in script.name) and (script.short or not short)]


def _check_schemas(scripts: list[Script]) -> None:
    """Two scripts with one schema would disturb each other."""
    owners: dict[str, str] = {}
    for script in scripts:
        other = owners.setdefault(script.schema, script.name)
        if other != script.name:
            raise ScriptError(f"{script.name!r} and {other!r} would share the schema {script.schema}")
