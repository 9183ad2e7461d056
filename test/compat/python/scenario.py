"""The Python side of a transcript; its form is described in transcript.py."""

from __future__ import annotations

import hashlib
import os
import traceback
from collections.abc import Callable
from dataclasses import dataclass

HOST = os.environ.get("COMPAT_HOST", "")
PORT = int(os.environ.get("COMPAT_PORT", "0"))
USER = os.environ.get("COMPAT_USER", "")
PASSWORD = os.environ.get("COMPAT_PASSWORD", "")
DATABASE = os.environ.get("COMPAT_DATABASE", "")
FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MYSQL = os.environ.get("COMPAT_FLAVOR") == "mysql"


@dataclass(frozen=True)
class Scenario:
    name: str
    count: int
    feature: str
    run: Callable[[], None]


_scenarios: list[Scenario] = []


def scenario(count: int, feature: str = "") -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register a function that makes `count` observations; `feature` is what weir must offer for it."""
    def register(function: Callable[[], None]) -> Callable[[], None]:
        _scenarios.append(Scenario(function.__name__.replace("_", "-"), count, feature, function))
        return function
    return register


def observe(label: str, value: object) -> None:
    """One line of the transcript, escaped so that it stays one."""
    text = value if isinstance(value, str) else repr(value)
    print(f"  {label}: {text}".encode("unicode_escape").decode(), flush=True)


def digest(data: bytes) -> str:
    """A big value in few letters."""
    return f"{len(data)} bytes {hashlib.sha256(data).hexdigest()[:16]}"


def pattern(size: int) -> bytes:
    """Bytes of every value, the same in each run, that no packet boundary can hide a gap in."""
    block = b"".join(number.to_bytes(4, "big") + bytes(range(256)) for number in range(64))
    return (block * (size // len(block) + 1))[:size]


def main() -> None:
    """Announce the scenarios, then run those that are asked for."""
    for planned in _scenarios:
        print(f"plan {planned.name} {planned.count} {planned.feature}".rstrip())
    only = os.environ.get("COMPAT_ONLY", "").split(",")
    if os.environ.get("COMPAT_PLAN"):
        return
    for planned in _scenarios:
        if planned.name in only:
            _run(planned)


def _run(planned: Scenario) -> None:
    print(f"begin {planned.name}", flush=True)
    try:
        planned.run()
    except Exception as error:  # every other scenario still runs
        own = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if FOLDER in frame.filename]
        text = f"{type(error).__name__}: {error}".encode("unicode_escape").decode()
        print(f"error {planned.name} line {own[-1]}: {text}", flush=True)
    else:
        print(f"end {planned.name}", flush=True)
