"""Reads the text format of session scripts; README.md describes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from .script import CAPABILITIES, FLAVORS, MASKS, Login, Script, Step

_STEP = re.compile(r"(?P<session>[a-z])(?:\s*\[(?P<marks>[^\]]*)\])?(?P<kind>[:>])\s?(?P<text>.*)", re.S)
_EACH = re.compile(r"each (?P<name>[a-z]\w*) in (?P<values>.+)", re.S)
_SESSION = re.compile(r"(?:session (?P<name>[a-z])|every session): (?P<words>.+)")
_FILE = re.compile(r"file (?P<name>\S+) = ?(?P<content>.*)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "\\": "\\"}


class ScriptError(Exception):
    """A script that cannot be read; the text names file and line."""


def read_file(path: Path) -> list[Script]:
    """The scripts of a file, named `FILE/TITLE`."""
    return read_text(path.stem, path.read_text(encoding="utf-8"))


def read_text(stem: str, text: str) -> list[Script]:
    reader = _Reader(stem)
    for number, line in _logical_lines(text):
        try:
            reader.take(number, line)
        except ScriptError as error:
            raise ScriptError(f"{stem}:{number}: {error}") from None
    return reader.done()


def unescape(text: str) -> str:
    """The escapes of a file's content: \\n, \\t, \\r, \\0, \\\\."""
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group(0)), text)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines without comments and blank ones; `|` in front continues the line before."""
    number, current = 0, ""
    for index, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if line.startswith("|"):
            current += "\n" + line[1:].removeprefix(" ")
            continue
        if current:
            yield number, current
        number, current = index, "" if line.startswith("#") else line
    if current:
        yield number, current


class _Reader:
    """Collects scripts line by line; a loop is unrolled where it stands."""

    def __init__(self, stem: str) -> None:
        self.stem = stem
        self.scripts: list[Script] = []
        self.loop: tuple[str, list[str], int] | None = None  # variable, values, first step of the body

    def take(self, number: int, line: str) -> None:
        if line.startswith("== "):
            self._close_loop_or_complain()
            self.scripts.append(Script(f"{self.stem}/{line[3:].strip()}", number))
            return
        if not self.scripts:
            raise ScriptError("a script begins with `== its title`")
        script = self.scripts[-1]
        if not self._step(script, number, line) and not self._loop(script, line):
            self._directive(script, line)

    def done(self) -> list[Script]:
        self._close_loop_or_complain()
        names = [script.name for script in self.scripts]
        for name in names:
            if names.count(name) > 1:
                raise ScriptError(f"two scripts are called {name!r}")
        for script in self.scripts:
            if not script.steps:
                raise ScriptError(f"{script.name!r} does nothing")
        return self.scripts

    def _step(self, script: Script, number: int, line: str) -> bool:
        if line == "sync":
            script.steps.append(Step(number, "", "sync", ""))
            return True
        match = _STEP.fullmatch(line)
        if not match:
            return False
        flavors, masks = _marks(match["marks"] or "")
        verb, argument = "query", match["text"]
        if match["kind"] == ">":
            verb, _, argument = argument.strip().partition(" ")
        script.steps.append(Step(number, match["session"], verb, argument.strip(), flavors, masks))
        return True

    def _loop(self, script: Script, line: str) -> bool:
        match = _EACH.fullmatch(line)
        if match:
            if self.loop:
                raise ScriptError("a loop inside a loop")
            values = [value.strip() for value in match["values"].split(" | ")]
            self.loop = (match["name"], values, len(script.steps))
            return True
        if line != "end":
            return False
        if not self.loop:
            raise ScriptError("`end` without `each`")
        name, values, first = self.loop
        body = script.steps[first:]
        script.steps[first:] = [replace(step, argument=step.argument.replace("{" + name + "}", value))
                                for value in values for step in body]
        self.loop = None
        return True

    def _directive(self, script: Script, line: str) -> None:
        session, file = _SESSION.fullmatch(line), _FILE.fullmatch(line)
        if line in ("only mysql", "only mariadb"):
            script.flavors = (line.removeprefix("only "),)
        elif line in ("alone", "short"):
            setattr(script, line, True)
        elif session and session["name"]:
            login = script.logins.setdefault(session["name"], script.usual_login.copy())
            _change_login(login, session["words"])
        elif session:
            _change_login(script.usual_login, session["words"])
        elif file:
            script.files[file["name"]] = unescape(file["content"]).encode()
        else:
            raise ScriptError(f"not understood: {line!r}")

    def _close_loop_or_complain(self) -> None:
        if self.loop:
            raise ScriptError(f"{self.stem}: `each {self.loop[0]}` has no `end`")


def _marks(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands in brackets behind a session's name: flavours and masks."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in FLAVORS and word not in MASKS:
            raise ScriptError(f"neither a flavour nor a mask: {word!r}")
    flavors = tuple(word for word in words if word in FLAVORS)
    return flavors or FLAVORS, tuple(word for word in words if word in MASKS)


def _change_login(login: Login, text: str) -> None:
    for clause in text.split(","):
        verb, *words = clause.split()
        if verb == "as" and len(words) == 1:
            login.account = words[0]
        elif verb == "collation" and len(words) == 1 and words[0].isdigit():
            login.collation = int(words[0])
        elif verb == "schema" and len(words) == 1:
            login.schema = None if words[0] == "none" else words[0]
        elif verb in ("with", "without") and set(words) <= set(CAPABILITIES):
            change = login.capabilities.update if verb == "with" else login.capabilities.difference_update
            change(words)
        else:
            raise ScriptError(f"not understood: {clause.strip()!r}")
