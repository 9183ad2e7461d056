"""Counts the checks of all threads by kind, and keeps what was wrong."""

from __future__ import annotations

import threading
from collections import Counter

from .client import Client

# Every kind of check. A run in which one of them was never made proves nothing about it, and fails.
KINDS = (
    "variables, read on a replica", "variables, read on the primary", "effects of variables", "schema",
    "connection id", "last insert id", "binary statement", "binary insert", "warnings: own", "warnings: none",
    "row count", "found rows", "after a reset", "after a change of user",
    "user variables", "temporary table", "named lock", "text PREPARE", "untracked variable", "open transaction",
    "uncommitted rows of others", "things of others",
    "virgin: variables", "virgin: warnings", "virgin: temporary table", "virgin: user variables",
    "virgin: last insert id", "virgin: text PREPARE", "virgin: named locks", "virgin: schema",
    "lock of a session that broke off",
)
SHOWN = 3  # of each kind


class Leak(Exception):
    """A value that is not the session's own; the session cannot go on."""


class Ledger:
    """Shared by all threads."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._made: Counter[str] = Counter()
        self._wrong: Counter[str] = Counter()
        self.sessions = 0
        self.virgins = 0

    def check(self, kind: str, client: Client, expected: object, found: object) -> None:
        assert kind in KINDS, kind
        with self._gate:
            self._made[kind] += 1
        if expected != found:
            self.fail(kind, client, f"{_difference(expected, found)}")
            raise Leak

    def fail(self, kind: str, client: Client | None, text: str) -> None:
        said = "\n".join(f"        {line}" for line in client.said) if client else ""
        with self._gate:
            self._wrong[kind] += 1
            name = f"session {client.id}" if client and client.greeting else "a session"
            if self._wrong[kind] <= SHOWN:
                print(f"FAILED  {kind}, {name}: {text}\n    it said last:\n{said}", flush=True)

    def began(self, virgin: bool) -> None:
        with self._gate:
            self.sessions += 1
            self.virgins += virgin

    def count(self, kind: str, checks: int) -> None:
        """Checks that were made elsewhere."""
        with self._gate:
            self._made[kind] += checks

    def wrong(self) -> int:
        with self._gate:
            return sum(self._wrong.values())

    def unchecked(self) -> list[str]:
        with self._gate:
            return [kind for kind in KINDS if not self._made[kind]]

    def total(self) -> int:
        with self._gate:
            return sum(self._made.values())

    def report(self) -> tuple[int, int]:
        """Prints every kind with its count; a kind passes when it was checked and never wrong."""
        kinds = [*KINDS, *sorted(set(self._wrong) - set(KINDS))]
        good = [kind for kind in kinds if self._made[kind] and not self._wrong[kind]]
        for kind in kinds:
            word = "ok" if kind in good else "FAILED"
            print(f"{word:8}{kind:36}{self._made[kind]:8} checks, {self._wrong[kind]} wrong")
        return len(good), len(kinds) - len(good)


def _difference(expected: object, found: object) -> str:
    """Of two sets of named values, only those that differ."""
    if isinstance(expected, dict) and isinstance(found, dict):
        expected, found = ({key: side.get(key) for key in expected | found if expected.get(key) != found.get(key)}
                           for side in (expected, found))
    return f"expected {expected}, found {found}"
