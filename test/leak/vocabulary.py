"""What a session may set, and what it must read afterwards; learnt on a direct connection, not believed."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass

from cluster.accounts import APP

from .client import Client

SCHEMAS = ("leak_a", "leak_b", "leak_c")
ISOLATION = {"mariadb": "tx_isolation", "mysql": "transaction_isolation"}

# Values of which no two sessions ever have the same at a time: base plus a number that is never used again.
UNIQUE = {
    "group_concat_max_len": 1_000_000,
    "sql_select_limit": 10_000_000,
    "max_sort_length": 4096,
    "wait_timeout": 1_000_000,
    "net_read_timeout": 10_000,
    "lock_wait_timeout": 100_000,
    "eq_range_index_dive_limit": 1000,
}
# Values of which there are only a few.
CHOICES = {
    "sql_mode": ("''", "'ANSI_QUOTES'", "'PIPES_AS_CONCAT'", "'NO_BACKSLASH_ESCAPES'", "'ANSI'", "'TRADITIONAL'",
                 "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES'", "'HIGH_NOT_PRECEDENCE'"),
    "time_zone": ("'+00:00'", "'+01:00'", "'-05:00'", "'+09:30'", "'+13:00'"),
    "lc_time_names": ("'de_DE'", "'fr_FR'", "'es_ES'", "'nl_NL'"),
    "div_precision_increment": ("0", "2", "6", "9"),
    "default_week_format": ("1", "3", "5", "7"),
    "auto_increment_increment": ("2", "3", "5"),
    "sql_quote_show_create": ("0", "1"),
    "optimizer_search_depth": ("3", "11", "20"),
    "max_error_count": ("32", "100", "1000"),
}
LEVELS = ("READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
NAMES = ("utf8mb4", "utf8mb4 COLLATE utf8mb4_bin", "utf8mb4 COLLATE utf8mb4_unicode_ci", "latin1",
         "latin1 COLLATE latin1_german2_ci", "gbk", "sjis", "koi8r", "binary")
OF_NAMES = ("character_set_client", "character_set_connection", "character_set_results", "collation_connection")
# A variable that no server reports the change of to a proxy in a way that can be carried: it ties a session down.
UNTRACKED = "optimizer_trace_max_mem_size"
# These are not reported by every server, and tie likewise.
UNREPORTED = ("foreign_key_checks", "unique_checks")

Values = dict[str, str | None]


@dataclass(frozen=True)
class Change:
    """A statement, and what it makes of variables."""

    statement: str
    values: Values


class Vocabulary:
    """The variables of one flavour: their defaults, and every change that a session may choose."""

    def __init__(self, flavor: str, direct: Client) -> None:
        self.isolation = ISOLATION[flavor]
        self.names = (*UNIQUE, *CHOICES, *OF_NAMES, *UNREPORTED, self.isolation, "autocommit",
                      UNTRACKED)
        self.columns = ", ".join(f"@@SESSION.{name}" for name in self.names)
        # weir asks the primary about the others: they are of the server, or tied to a connection.
        self.carried = tuple(name for name in self.names if name not in (*UNREPORTED, "autocommit", UNTRACKED))
        self.carried_columns = ", ".join(f"@@SESSION.{name}" for name in self.carried)
        self.defaults = self.read(direct)
        # Not always the same: a server may forget the collation of the login.
        direct.reset()
        self.after_reset = self.read(direct)
        direct.change_user(APP, "")
        self.after_change = self.read(direct)
        self._serial = itertools.count(1)  # next() on it is one step: threads may share it
        self._learnt = [[self._learn(direct, text) for text in family] for family in self._families()]

    def serial(self) -> int:
        """A number that nobody else gets."""
        return next(self._serial)

    def read(self, client: Client) -> Values:
        return dict(zip(self.names, client.one(f"SELECT {self.columns}"), strict=True))

    def change(self, chance: random.Random) -> Change:
        """Something to set, as one statement."""
        if chance.random() < 0.4:
            name = chance.choice(tuple(UNIQUE))
            value = str(UNIQUE[name] + self.serial())
            return Change(f"SET SESSION {name} = {value}", {name: value})
        return chance.choice(chance.choice(self._learnt))

    def _families(self) -> list[list[str]]:
        """Statements by what they are about, so that each family is chosen as often as the others."""
        families = [[f"SET {name} = {value}" for value in values] for name, values in CHOICES.items()]
        families.append([f"SET NAMES {value}" for value in NAMES])
        families.append([f"SET SESSION TRANSACTION ISOLATION LEVEL {level}" for level in LEVELS])
        return families

    def _learn(self, direct: Client, statement: str) -> Change:
        direct.reset()
        direct.run(statement)
        read = self.read(direct)
        about = OF_NAMES if statement.startswith("SET NAMES") else [
            name for name in (*CHOICES, self.isolation)
            if name in statement or (name == self.isolation and "ISOLATION" in statement)]
        direct.reset()
        return Change(statement, {name: read[name] for name in about})


OFFSETS = {"+00:00": 0, "+01:00": 60, "-05:00": -300, "+09:30": 570, "+13:00": 780}
MONDAYS = {"en_US": "Monday", "de_DE": "Montag", "fr_FR": "lundi", "es_ES": "lunes", "nl_NL": "maandag"}
# The effects of variables, not their names: a server that reports one thing and does another would be found here.
# Every column has a name, because without one its text would come back in the session's character set.
EFFECTS = (r"""SELECT token a, 'x' || 'y' b, LENGTH('\n') c, "token" = token d, DAYNAME('2024-01-01') e, """
           "LENGTH(1/3) f, FROM_UNIXTIME(86400) g, @@server_id h FROM here")


def effects(values: Values, schema: str, default_zone_midnight: str) -> list[str]:
    """What EFFECTS must give in a session with these values."""
    modes = (values["sql_mode"] or "").split(",")
    zone = values["time_zone"] or ""
    digits = int(values["div_precision_increment"] or 0)
    return [
        schema,
        "xy" if "PIPES_AS_CONCAT" in modes else "0",
        "2" if "NO_BACKSLASH_ESCAPES" in modes else "1",
        "1" if "ANSI_QUOTES" in modes else "0",
        MONDAYS[values["lc_time_names"] or ""],
        str(digits + 2 if digits else 1),
        _clock(OFFSETS[zone]) if zone in OFFSETS else default_zone_midnight,
    ]


def _clock(minutes: int) -> str:
    day, rest = divmod(1440 + minutes, 1440)
    return f"1970-01-{day + 1:02} {rest // 60:02}:{rest % 60:02}:00"
