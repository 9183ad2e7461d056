"""One client session: private state that weir can carry from server to server, read again after every pause."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cluster.accounts import APP
from cluster.state import HOST
from rawmysql import ServerError

from .client import Client, Prepared
from .ledger import Ledger
from .vocabulary import EFFECTS, SCHEMAS, Values, Vocabulary, effects

STORE = "leak_store"
NO_SUCH_TABLE, UNKNOWN_STATEMENT = 1146, 1243
MOST_TEXTS = 3


@dataclass
class World:
    """What all sessions share."""

    port: int
    vocabulary: Vocabulary
    ledger: Ledger
    replica_ids: frozenset[str]
    midnight: str                  # FROM_UNIXTIME(86400) in the servers' own time zone
    pinning: threading.Semaphore   # how many may hold state that ties them to a connection
    locks: set[str] = field(default_factory=set)  # every name that was ever locked


class Session:
    """A connection and everything that must be found there. `seat` is its own row and its own table."""

    def __init__(self, world: World, seat: int, chance: random.Random) -> None:
        self.world = world
        self.seat = seat
        self.chance = chance
        self.schema = chance.choice(("", *SCHEMAS))
        self.client = Client.tcp(HOST, world.port).enter(APP, self.schema)
        self.variables: Values = dict(world.vocabulary.defaults)
        self.user: dict[str, str | None] = {"leak_a": None, "leak_b": None}
        self.today = "1"  # whether the clock is the server's, not one that was set
        self.insert_id = 0
        self.texts: list[tuple[Prepared, str, str]] = []  # with its constant, and the schema it was prepared in
        self.insert: Prepared | None = None

    def check(self, kind: str, expected: object, found: object) -> None:
        self.world.ledger.check(kind, self.client, expected, found)

    def token(self) -> str:
        return f"mine{self.world.vocabulary.serial()}"

    # Making state

    def furnish(self) -> None:
        """Much state at once, as an application does after it has connected."""
        for _ in range(self.chance.randint(2, 7)):
            self.change_variable()
        if self.chance.random() < 0.12:
            self.set_autocommit(False)
        self.change_schema()
        self.insert_rows()
        self.prepare_text()

    def change_variable(self) -> None:
        change = self.world.vocabulary.change(self.chance)
        self.client.run(change.statement)
        self.variables |= change.values

    def set_autocommit(self, on: bool) -> None:
        self.client.run(f"SET autocommit = {int(on)}")
        self.variables["autocommit"] = str(int(on))

    def change_schema(self) -> None:
        self.schema = self.chance.choice(SCHEMAS)
        if self.chance.random() < 0.5:
            self.client.use(self.schema)
        else:
            self.client.run(f"USE {self.schema}")

    def insert_rows(self) -> None:
        """LAST_INSERT_ID() is now the id in the answer, which lies in the range of the session's own table."""
        count = self.chance.randint(1, 3)
        values = ", ".join([f"('{self.token()}')"] * count)
        done = self.client.run(f"INSERT INTO {STORE}.own_{self.seat} (token) VALUES {values}")
        self._took_id(done.last_insert_id)
        if self.chance.random() < 0.5:
            self.check("row count", str(count), self.client.one("SELECT ROW_COUNT()")[0])

    def insert_prepared(self) -> None:
        if self.insert is None:
            self.insert = self.client.prepare(f"INSERT INTO {STORE}.own_{self.seat} (token) VALUES (?)")
        token = self.token()
        self._took_id(self.client.run_prepared(self.insert, [token]).last_insert_id)
        found = self.client.one(f"SELECT token, @@SESSION.group_concat_max_len FROM {STORE}.own_{self.seat} "
                                f"WHERE id = LAST_INSERT_ID()")
        self.check("binary insert", (token, self.variables["group_concat_max_len"]), found)

    def set_insert_id(self) -> None:
        number = self.world.vocabulary.serial()
        self.client.run(f"UPDATE {STORE}.seats SET number = LAST_INSERT_ID({number}) WHERE seat = {self.seat}")
        self.insert_id = number

    def _took_id(self, number: int) -> None:
        self.check("last insert id", self.seat, number // 1_000_000)
        self.insert_id = number

    def prepare_text(self) -> None:
        if not self.schema:  # a server would remember that there was none, which weir cannot bring about
            self.change_schema()
        if len(self.texts) >= MOST_TEXTS:
            self.client.close_prepared(self.texts.pop(0)[0])
        # One text that all sessions have, so that servers' statements are shared, or one of its own.
        own = self.token() if self.chance.random() < 0.6 else "ours"
        # Not concatenated: a MariaDB refuses to mix the character sets of the prepare and the execute.
        text = f"SELECT '{own}', ?, CAST(@@SESSION.group_concat_max_len AS CHAR), DATABASE()"
        self.texts.append((self.client.prepare(text), own, self.schema))

    # Reading it again

    def read_variables(self) -> None:
        """On a replica, unless the session's state keeps it on the primary."""
        names = self.world.vocabulary.carried
        row = self.client.one(f"SELECT {self.world.vocabulary.carried_columns}, DATABASE(), @@server_id")
        schema, server = row[len(names):]
        place = "a replica" if server in self.world.replica_ids else "the primary"
        self.check(f"variables, read on {place}", {name: self.variables[name] for name in names},
                   dict(zip(names, row, strict=False)))
        self.check("schema", self.schema or None, schema)

    def read_locking(self) -> None:
        """Also those that only the primary is asked about; and it stays there because of the lock."""
        names = self.world.vocabulary.names
        row = self.client.one(f"SELECT {self.world.vocabulary.columns}, DATABASE(), CONNECTION_ID(), "
                              f"UNIX_TIMESTAMP() > 1600000000 FROM {STORE}.seats WHERE seat = {self.seat} FOR UPDATE")
        self.check("variables, read on the primary", self.variables, dict(zip(names, row, strict=False)))
        self.check("schema", self.schema or None, row[-3])
        self.check("connection id", str(self.client.id), row[-2])
        self.check("untracked variable", self.today, row[-1])

    def read_effects(self) -> None:
        if not self.schema:
            self.change_schema()
        row = self.client.one(EFFECTS)
        self.check("effects of variables", effects(self.variables, self.schema, self.world.midnight), list(row[:-1]))

    def read_insert_id(self) -> None:
        found = self.client.one("SELECT LAST_INSERT_ID(), @@identity, @@SESSION.sql_mode")
        self.check("last insert id", (str(self.insert_id), str(self.insert_id), self.variables["sql_mode"]), found)

    def read_binary(self) -> None:
        if not self.texts:
            self.prepare_text()
        prepared, own, schema = self.chance.choice(self.texts)
        value = self.token()
        row = self.client.run_prepared(prepared, [value]).rows[0]
        # The value is of the moment; the schema is the one in which a server has read the text.
        self.check("binary statement", (own, value, self.variables["group_concat_max_len"], schema), row)

    def read_warnings(self) -> None:
        """weir may give the connection with the warnings away while others wait, so none is fine; another's is not."""
        token = self.token()
        self.client.run(f"SELECT CAST('{token}' AS SIGNED)")
        if self.chance.random() < 0.5:
            self.client.run("DO 0")  # uses no table and so may leave the list as it is
        strange = [row for row in self.client.run("SHOW WARNINGS").rows if token not in str(row[2])]
        self.check("warnings: own", [], strange)
        self.client.run(self.clean_statement())
        self.check("warnings: none", [], self.client.run("SHOW WARNINGS").rows)

    def clean_statement(self) -> str:
        """One that clears the list of warnings: it reads a table."""
        return f"SELECT seat FROM {STORE}.seats WHERE seat = {self.seat}"

    def read_counts(self) -> None:
        count = self.chance.randint(2, 5)
        self.client.run(" UNION ALL ".join(["SELECT 1"] * count))
        self.check("found rows", str(count), self.client.one("SELECT FOUND_ROWS()")[0])

    def read_others(self) -> None:
        """Nothing that another session holds is there."""
        if self.variables[self.world.vocabulary.isolation] not in ("READ-UNCOMMITTED", "SERIALIZABLE"):
            found = self.client.one(f"SELECT COUNT(*) FROM {STORE}.seats WHERE note <> ''")
            self.check("uncommitted rows of others", "0", found[0])
        self.check("things of others", (NO_SUCH_TABLE, UNKNOWN_STATEMENT),
                   (self.client.error_of(f"SELECT * FROM {STORE}.scratch"), self.client.error_of("EXECUTE leak_ps")))
        self.check("user variables", tuple(self.user.values()), self.client.one("SELECT @leak_a, @leak_b"))

    # Back to the beginning

    def reset(self) -> None:
        self.client.reset()
        self.forget("after a reset", self.world.vocabulary.after_reset)

    def change_user(self) -> None:
        self.schema = self.chance.choice(("", *SCHEMAS))
        self.client.change_user(APP, self.schema)
        self.forget("after a change of user", self.world.vocabulary.after_change)

    def forget(self, kind: str, variables: Values) -> None:
        """Everything but the schema is as after a login."""
        self.variables = dict(variables)
        self.user = dict.fromkeys(self.user)
        self.today = "1"
        self.insert_id = 0
        stale, self.texts, self.insert = self.texts, [], None
        found = self.client.one("SELECT @leak_a, @leak_b, LAST_INSERT_ID(), DATABASE(), "
                                + self.world.vocabulary.columns)
        self.check(kind, (None, None, "0", self.schema or None, *self.variables.values()), found)
        for prepared, *_ in stale[:1]:
            self.check(kind, UNKNOWN_STATEMENT, self._execute_error(prepared))

    def _execute_error(self, prepared: Prepared) -> int:
        try:
            self.client.run_prepared(prepared, ["x"] * prepared.parameters)
        except ServerError as error:
            return int(error.code)
        return 0

    def step(self) -> None:
        """One thing that a session does between two pauses."""
        self.chance.choices(tuple(STEPS), tuple(STEPS.values()))[0](self)

    def settle(self) -> None:
        """Without autocommit, whatever was read has begun a transaction."""
        if self.variables["autocommit"] == "0":
            self.client.run("COMMIT")


STEPS: dict[Callable[[Session], None], int] = {
    Session.read_variables: 10, Session.read_locking: 8, Session.read_effects: 8, Session.read_insert_id: 8,
    Session.read_binary: 10, Session.read_warnings: 5, Session.read_counts: 4, Session.read_others: 4,
    Session.change_variable: 8, Session.change_schema: 4, Session.insert_rows: 6, Session.insert_prepared: 5,
    Session.set_insert_id: 3, Session.prepare_text: 3, Session.reset: 3, Session.change_user: 2,
}
