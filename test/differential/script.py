"""What a session script is: sessions with their logins, and steps in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from rawcommands import (CLIENT_DEPRECATE_EOF, CLIENT_FOUND_ROWS, CLIENT_IGNORE_SPACE, CLIENT_INTERACTIVE,
                         CLIENT_LOCAL_FILES, CLIENT_NO_SCHEMA, CLIENT_PS_MULTI_RESULTS, CLIENT_SESSION_TRACK)
from rawmysql import CLIENT_MULTI_RESULTS, CLIENT_MULTI_STATEMENTS

CAPABILITIES = {
    "deprecate_eof": CLIENT_DEPRECATE_EOF,
    "session_track": CLIENT_SESSION_TRACK,
    "multi_results": CLIENT_MULTI_RESULTS,
    "ps_multi_results": CLIENT_PS_MULTI_RESULTS,
    "multi_statements": CLIENT_MULTI_STATEMENTS,
    "found_rows": CLIENT_FOUND_ROWS,
    "local_files": CLIENT_LOCAL_FILES,
    "ignore_space": CLIENT_IGNORE_SPACE,
    "no_schema": CLIENT_NO_SCHEMA,
    "interactive": CLIENT_INTERACTIVE,
}
# What today's drivers ask for when nobody tells them otherwise.
USUAL = ("deprecate_eof", "session_track", "multi_results", "ps_multi_results")
FLAVORS = ("mysql", "mariadb")
MASKS = ("connection_id", "uuid", "clock", "answers", "unordered")


@dataclass
class Login:
    """How a session comes in."""

    account: str = "app"
    schema: str | None = "{schema}"
    collation: int = 45  # utf8mb4_general_ci, which both flavours have
    capabilities: set[str] = field(default_factory=lambda: set(USUAL))

    def copy(self) -> Login:
        return Login(self.account, self.schema, self.collation, set(self.capabilities))


@dataclass(frozen=True)
class Step:
    """One line of a script: what one session does, or (without a session) what the runner does."""

    line: int
    session: str
    verb: str          # "query", or the name of a command
    argument: str
    flavors: tuple[str, ...] = FLAVORS
    masks: tuple[str, ...] = ()

    def title(self) -> str:
        return self.argument if self.verb == "query" else f"{self.verb} {self.argument}".rstrip()


@dataclass
class Script:
    """A script as it was read, before a flavour is chosen."""

    name: str
    line: int = 0
    flavors: tuple[str, ...] = FLAVORS
    alone: bool = False
    short: bool = False
    logins: dict[str, Login] = field(default_factory=dict)
    usual_login: Login = field(default_factory=Login)
    files: dict[str, bytes] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The file it was written in."""
        return self.name.partition("/")[0]

    @property
    def schema(self) -> str:
        """The schema of its own: at most 60 letters, so that a script may add to it."""
        letters = "".join(letter if letter.isalnum() else "_" for letter in self.name.lower())
        return f"diff_{letters}"[:60]

    def login(self, session: str) -> Login:
        return self.logins.get(session, self.usual_login)

    def steps_for(self, flavor: str) -> list[Step]:
        return [step for step in self.steps if flavor in step.flavors]

    def sessions(self, flavor: str) -> list[str]:
        """In the order in which they first do something."""
        return list(dict.fromkeys(step.session for step in self.steps_for(flavor) if step.session))
