"""Which character set a login or a change of user asks for, by number: weir's sessions have the server's, everywhere.

Servers take their own default for numbers that they do not know, and refuse those that no client may use.
"""

from __future__ import annotations

from collections.abc import Callable

import misrouting
from attack_bed import SCHEMA, Bed, must_be
from cluster import accounts
from cluster.state import HOST
from leak.client import Client
from rawmysql import UTF8MB4_GENERAL_CI, ServerError

SETTINGS = misrouting.SETTINGS  # and its weir
QUESTION = "SELECT @@character_set_client, @@collation_connection, @@character_set_results"
# The default, some of one byte, some of several, some that no client may use, the last ones of MySQL's first 256, of
# which MariaDB knows none, and numbers in the gaps.
IDS = (0, 1, 2, 8, 11, 28, 33, 35, 45, 54, 60, 63, 90, 100, 125, 128, 159, 214, 224, 248, 250, 251, 254, 255)
BEYOND = (256, 300, 309, 1052, 2093, 65535)  # of MySQL, of MariaDB, of neither

Answer = tuple[str | None, ...]


def outcome(open_: Callable[[], Client], login: int, changed_to: int | None, before: str = "DO 0") -> Answer:
    """What the session's character sets are, or which error there was."""
    with open_() as client:
        try:
            client.login(accounts.APP.name, accounts.APP.password, SCHEMA, collation=login)
            if changed_to is not None:
                client.change_user(accounts.APP, SCHEMA, changed_to)
            client.run(before)
            return tuple(client.one(QUESTION))
        except ServerError as error:
            return str(error.code), error.sqlstate


def straight(bed: Bed) -> Client:
    return Client.unix(str(bed.cluster.node(bed.cluster.primary).socket))


def through(bed: Bed) -> Client:
    return Client.tcp(HOST, bed.weir.port)


def check_ids(bed: Bed) -> None:
    for number in IDS:
        for login, changed_to in ((number, None), (UTF8MB4_GENERAL_CI, number)):
            expected = outcome(lambda: straight(bed), login, changed_to)
            for before in ("DO 0", "BEGIN"):  # then a replica answers, or the primary
                must_be(outcome(lambda: through(bed), login, changed_to, before), expected,
                        f"login {login}, change {changed_to}, {before}")


def check_beyond(bed: Bed) -> None:
    for number in BEYOND:
        must_be(outcome(lambda: through(bed), UTF8MB4_GENERAL_CI, number), ("1115", "42000"), f"change {number}")


TESTS = (
    ("charsets: by number, as a server", check_ids),
    ("charsets: numbers that no login has room for", check_beyond),
)
