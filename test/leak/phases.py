"""State that ties a session to its connection, held for a short while; and sessions that have no state at all.

Every holder has one of the primary's few connections to itself. With as many holders as connections nobody else
could run a statement before one of them ends, and the test would measure patience. `World.pinning` leaves more than
half of the connections to the others, so that tied connections and passed-on ones live beside each other all the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cluster.accounts import APP

from .session import NO_SUCH_TABLE, STORE, UNKNOWN_STATEMENT, Session
from .vocabulary import UNTRACKED

LONGEST_PAUSE = 0.05


@dataclass(frozen=True)
class Holding:
    """One thing that is held: how it is looked at, and how it is given back (nothing: by a reset)."""

    look: Callable[[], None]
    give_back: Callable[[], None] | None


def hold(session: Session) -> bool:
    """A phase with some tying state; false when the session ended in it without giving anything back."""
    with session.world.pinning:
        chosen = session.chance.sample(MAKERS, session.chance.randint(1, 3))
        held = [maker(session) for maker in chosen]
        for _ in range(session.chance.randint(1, 3)):
            time.sleep(session.chance.uniform(0, LONGEST_PAUSE))
            session.read_variables()
            for holding in session.chance.sample(held, len(held)):
                holding.look()
        if session.chance.random() < 0.15:
            session.client.close()
            return False
        _let_go(session, held)
    return True


def _let_go(session: Session, held: list[Holding]) -> None:
    ends = [holding.give_back for holding in held]
    if None in ends or session.chance.random() < 0.3:
        return session.change_user() if session.chance.random() < 0.5 else session.reset()
    for end in ends:
        assert end is not None
        end()


def user_variables(session: Session) -> Holding:
    token, number = session.token(), str(session.world.vocabulary.serial())
    session.client.run(f"SET @leak_a = '{token}', @leak_b = {number}")
    session.user = {"leak_a": token, "leak_b": number}

    def look() -> None:
        session.check("user variables", (token, number), session.client.one("SELECT @leak_a, @leak_b"))

    return Holding(look, None)


def temporary_table(session: Session) -> Holding:
    token = session.token()
    session.client.run(f"CREATE TEMPORARY TABLE {STORE}.scratch (token VARCHAR(40))")
    session.client.run(f"INSERT INTO {STORE}.scratch VALUES ('{token}')")

    def look() -> None:
        session.check("temporary table", [(token,)], session.client.run(f"SELECT token FROM {STORE}.scratch").rows)

    def give_back() -> None:
        session.client.run(f"DROP TEMPORARY TABLE {STORE}.scratch")
        session.check("temporary table", NO_SUCH_TABLE, session.client.error_of(f"SELECT 1 FROM {STORE}.scratch"))

    return Holding(look, give_back)


def named_lock(session: Session) -> Holding:
    name = f"leak-{session.world.vocabulary.serial()}"
    session.check("named lock", "1", session.client.one(f"SELECT GET_LOCK('{name}', 0)")[0])
    session.world.locks.add(name)
    user = session.client.one(f"SELECT IS_USED_LOCK('{name}')")

    def look() -> None:
        # Only its owner gets a lock again, and gives one of two back. In two statements: weir counts locks by name,
        # and a statement that takes and gives back leaves it in doubt, which ties the session to its end.
        session.check("named lock", "1", session.client.one(f"SELECT GET_LOCK('{name}', 0)")[0])
        session.check("named lock", "1", session.client.one(f"SELECT RELEASE_LOCK('{name}')")[0])
        session.check("named lock", user, session.client.one(f"SELECT IS_USED_LOCK('{name}')"))

    def give_back() -> None:
        session.check("named lock", "1", session.client.one(f"SELECT RELEASE_LOCK('{name}')")[0])
        session.check("named lock", "1", session.client.one(f"SELECT IS_FREE_LOCK('{name}')")[0])

    return Holding(look, give_back)


def prepared_text(session: Session) -> Holding:
    token = session.token()
    session.client.run(f"PREPARE leak_ps FROM 'SELECT ''{token}'''")

    def look() -> None:
        session.check("text PREPARE", token, session.client.one("EXECUTE leak_ps")[0])

    # No DEALLOCATE: what an executed text has left behind weir cannot know, so only a reset ends the tie.
    return Holding(look, None)


def untracked_variable(session: Session) -> Holding:
    value = str(1_000_000 + session.world.vocabulary.serial())
    session.client.run(f"SET SESSION {UNTRACKED} = {value}")
    session.client.run("SET SESSION foreign_key_checks = 0, unique_checks = 0")
    session.variables |= {"foreign_key_checks": "0", "unique_checks": "0"}
    session.client.run(f"SET timestamp = {1_000_000_000 + session.seat}")
    session.variables[UNTRACKED], session.today = value, "0"

    def look() -> None:
        found = session.client.one(f"SELECT @@SESSION.{UNTRACKED}, UNIX_TIMESTAMP()")
        session.check("untracked variable", (value, str(1_000_000_000 + session.seat)), found)

    return Holding(look, None)


def transaction(session: Session) -> Holding:
    token = session.token()
    session.client.run("START TRANSACTION")
    session.client.run(f"UPDATE {STORE}.seats SET note = '{token}' WHERE seat = {session.seat}")

    def look() -> None:
        found = session.client.one(f"SELECT note FROM {STORE}.seats WHERE seat = {session.seat}")
        session.check("open transaction", token, found[0])

    def give_back() -> None:
        session.client.run("ROLLBACK")
        found = session.client.one(f"SELECT note FROM {STORE}.seats WHERE seat = {session.seat}")
        session.check("open transaction", "", found[0])

    return Holding(look, give_back)


MAKERS = (user_variables, temporary_table, named_lock, prepared_text, untracked_variable, transaction)


def be_virgin(session: Session) -> None:
    """A session that sets nothing finds what a server gives to a new connection, in any order of looking."""
    first = session.chance.choice(("", "DO 0", session.clean_statement()))
    if first:  # without it, SHOW WARNINGS is the very first statement
        session.client.run(first)
    session.check("virgin: warnings", [], session.client.run("SHOW WARNINGS").rows)
    looks = [_virgin_variables, _virgin_warnings, _virgin_things, _virgin_locks]
    for look in session.chance.sample(looks, len(looks)):
        look(session)
    session.client.quit()


def _virgin_variables(session: Session) -> None:
    names = session.world.vocabulary.names
    row = session.client.one(f"SELECT {session.world.vocabulary.columns}, DATABASE(), @leak_a, @leak_b, "
                             "LAST_INSERT_ID(), @@identity")
    session.check("virgin: variables", session.variables, dict(zip(names, row, strict=False)))
    schema, *own = row[len(names):]
    session.check("virgin: schema", session.schema or None, schema)
    session.check("virgin: user variables", [None, None], own[:2])
    session.check("virgin: last insert id", ["0", "0"], own[2:])
    session.read_variables()


def _virgin_warnings(session: Session) -> None:
    session.client.run(session.clean_statement())
    session.check("virgin: warnings", [], session.client.run("SHOW WARNINGS").rows)


def _virgin_things(session: Session) -> None:
    session.check("virgin: temporary table", NO_SUCH_TABLE, session.client.error_of(f"SELECT 1 FROM {STORE}.scratch"))
    session.check("virgin: text PREPARE", UNKNOWN_STATEMENT, session.client.error_of("EXECUTE leak_ps"))


def _virgin_locks(session: Session) -> None:
    session.check("virgin: named locks", "0", session.client.one("SELECT RELEASE_ALL_LOCKS()")[0])
