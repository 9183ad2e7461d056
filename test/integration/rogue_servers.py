"""Servers that break the protocol, or use it against weir and its clients.

weir's primary and its replica are real ones with a liar in front of each (support/rogue.py). A lie costs the
connection that it was told on, which nobody else gets; the client gets what it would get if that connection had been
lost: the true answer from another server for a read, an error for everything else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from attack_bed import MIB, SCHEMA, Bed, header, must_be, until
from cluster import accounts
from cluster.accounts import Account
from cluster.state import HOST
from floods import bounded
from leak.client import Client
from rawmysql import CLIENT_CONNECT_WITH_DB, COM_QUERY, DEFAULT_CAPABILITIES, MAX_FRAME, ServerError, frame
from rogue import RogueServer

SETTINGS = {"pool": {"mode": '"transaction"'}, "routing": {"failover_wait": '"300ms"'},
            "tls.server": {"mode": '"disabled"'}, "log": {"level": '"debug"'}}
CLIENT_LOCAL_FILES = 1 << 7
CLIENT_DEPRECATE_EOF = 1 << 24
OK = b"\0\0\0\2\0\0\0"
EOF = b"\xfe\0\0\2\0"
ROW = b"\4fake"
CHANGED = b"\0\0\0\2\x40\0\0\0"  # the beginning of an OK with changes of the session
READ, WRITE = "SELECT 'a lie' FROM (SELECT 1) AS t", f"INSERT INTO {SCHEMA}.t VALUES (LENGTH('a lie'))"
MARK = "a lie"


def definition(name: bytes) -> bytes:
    texts = (b"def", b"", b"", b"", name, b"")
    return b"".join(bytes([len(text)]) + text for text in texts) + b"\x0c\x2d\0\x10\0\0\0\xfd\0\0\0\0\0"


def packets(*payloads: bytes) -> bytes:
    return b"".join(frame(payload, 1 + number) for number, payload in enumerate(payloads))


# In place of the first packet of an answer.
NO_ANSWERS: dict[str, bytes] = {
    "nothing in a packet": packets(b""),
    "the end of rows": packets(EOF),
    "an OK cut short": packets(OK[:4]),
    "an OK whose text is longer than the packet": packets(OK + b"\x50text"),
    "an OK whose number is longer than the packet": packets(b"\0\xfe\1\1"),
    "an OK whose changes are longer than the packet": packets(CHANGED + b"\xfa\0\2ab"),
    "an OK whose changes are 2^64-1 bytes": packets(CHANGED + b"\xfe" + b"\xff" * 8 + b"\0\2ab"),
    "an OK with a change longer than all of them": packets(CHANGED + b"\4\0\x50ab"),
    "an OK with a variable longer than its change": packets(CHANGED + b"\5\0\3\x30ab"),
    "an OK with half of a change": packets(CHANGED + b"\1\0"),
    "an OK of 16 MiB": header(MAX_FRAME, 1) + OK,
    "an error without SQLSTATE": packets(b"\xff\x28\4no SQLSTATE here"),
    "an error of one byte": packets(b"\xff"),
    "an error with half of a number": packets(b"\xff\x28"),
    "an error with half of a SQLSTATE": packets(b"\xff\x28\4#42"),
    "an error of 2 MiB": header(2 * MIB, 1) + b"\xff\x28\4#42000" + b"x" * MIB,
    "a number of columns and more": packets(b"\1\1"),
    "a number of columns cut short": packets(b"\xfc\1"),
    "no columns, at length": packets(b"\xfc\0\0"),
    "2^64-1 columns": packets(b"\xfe" + b"\xff" * 8),
    "70,000 columns": packets(b"\xfd\x70\x11\1"),
}

# Behind a beginning that the client has already.
BEGINNING = (b"\1", definition(b"a"), EOF, ROW)
NO_ENDS: dict[str, bytes] = {
    "an end of another size": frame(EOF + b"\0", 5),
    "an end cut short": frame(EOF[:3], 5),
    "an error of one byte": frame(b"\xff", 5),
    "an error without SQLSTATE": frame(b"\xff\x28\4no", 5),
    "an error of 2 MiB": header(2 * MIB, 5) + b"\xff\x28\4#42000" + b"x" * MIB,
}

# The same for clients who know no EOF: an OK is the end of their rows, and may tell of the session.
LAST_OK = b"\xfe\0\0\2\x40\0\0\0"
NO_LAST_OKS: dict[str, bytes] = {
    "changes longer than the packet": frame(LAST_OK + b"\xfa\0\2ab", 4),
    "changes of 2^64-1 bytes": frame(LAST_OK + b"\xfe" + b"\xff" * 8 + b"\0\2ab", 4),
    "a change longer than all of them": frame(LAST_OK + b"\4\0\x50ab", 4),
    "a variable longer than its change": frame(LAST_OK + b"\5\0\3\x30ab", 4),
    "half of a change": frame(LAST_OK + b"\1\0", 4),
    "no changes": frame(LAST_OK[:3], 4),
}

# Whole answers, with something behind them.
TOO_MUCH: dict[str, bytes] = {
    "a second OK": packets(OK, OK),
    "rows, and another error": packets(b"\1", definition(b"a"), EOF, ROW, EOF, b"\xff\x28\4#42000more"),
    "rows, and a request for a file": packets(b"\1", definition(b"a"), EOF, ROW, EOF, b"\xfb/etc/passwd"),
    "half a packet": packets(OK) + b"\7\0",
}

# In place of the verdict of a login.
LOGINS: dict[str, bytes] = {
    "the password in clear is asked for": frame(b"\xfemysql_clear_password\0", 2),
    "the oldest method is asked for": frame(b"\xfe", 2),
    "the oldest method is asked for by name": frame(b"\xfemysql_old_password\0abcdefgh\0", 2),
    "a conversation is asked for": frame(b"\xfedialog\0\2Password: ", 2),
    "a method without a nonce": frame(b"\xfemysql_native_password\0", 2),
    "a method whose name has no end": frame(b"\xfecaching_sha2_password", 2),
    "a second factor is asked for": frame(b"\2dialog\0password?", 2),
    "data that the method does not have": frame(b"\1\4\4", 2),
    "a request for a file": frame(b"\xfb/etc/passwd", 2),
    "nothing in a packet": frame(b"", 2),
    "16 MiB": header(MAX_FRAME, 2) + b"\0" * 100,
}


@contextlib.contextmanager
def lying(rogue: RogueServer, answer: bytes) -> Iterator[None]:
    """Told once or more; weir has closed every connection that it was told on."""
    before = rogue.sent
    rogue.answers[MARK] = answer
    try:
        yield
        assert rogue.sent > before, "the lie was not told"
    finally:
        rogue.behave()
    until(lambda: not rogue.open, "weir closes the connection")


def entered(bed: Bed, account: Account = accounts.APP, schema: str = SCHEMA, capabilities: int = 0) -> Client:
    client = Client.tcp(HOST, bed.weir.port)
    try:
        client.login(account.name, account.password, schema,
                     capabilities=DEFAULT_CAPABILITIES | CLIENT_CONNECT_WITH_DB | capabilities)
    except BaseException:
        client.close()
        raise
    return client


def error_of(client: Client, text: str) -> str:
    try:
        return f"rows {client.run(text).rows}"
    except ServerError as error:
        return f"{error.code} {error.sqlstate}"


def is_over(client: Client) -> None:
    must_be(client.at_end(), True, "the end of the connection")


def on_replica(client: Client) -> Client:
    """With a session that reads there."""
    until(lambda: client.one("SELECT @@server_id FROM (SELECT 1) AS t") != ("1",), "a read on the replica")
    return client


def check_read(bed: Bed, answer: bytes) -> None:
    with entered(bed) as client, lying(bed.rogues[1], answer):
        on_replica(client)
        must_be(client.one(READ), (MARK,), "the true answer")
        must_be(client.one("SELECT 1"), ("1",), "what follows")


def check_write(bed: Bed, answer: bytes) -> None:
    with entered(bed) as client, lying(bed.rogues[0], answer):
        must_be(error_of(client, WRITE), "1158 08S01", "the error")
        is_over(client)
    must_be(bed.count("t"), 0, "rows")


def check_prepare(bed: Bed) -> None:
    """The same for a statement that is to be prepared, which has another answer."""
    lies = ("nothing in a packet", "the end of rows", "an OK cut short", "an error of one byte",
            "an error without SQLSTATE")
    for name in lies:
        with entered(bed) as client, lying(bed.rogues[0], NO_ANSWERS[name]):
            with contextlib.suppress(ServerError):
                client.prepare(WRITE)
                raise AssertionError(f"{name} was taken")
        with entered(bed) as client:
            must_be(client.run_prepared(client.prepare("SELECT ?"), ["x"]).rows, [("x",)], "another session")


def check_no_end(bed: Bed, rest: bytes) -> None:
    rogue = bed.rogues[1]
    with entered(bed) as client, lying(rogue, packets(*BEGINNING)):
        on_replica(client)
        client.command(COM_QUERY, READ.encode())
        must_be(tuple(client.read_packet() for _ in BEGINNING), BEGINNING, "the beginning")
        with contextlib.suppress(OSError):  # weir need not take all of it
            rogue.say(rest)
        error = ServerError(client.read_packet())
        must_be((error.code, error.sqlstate), (1158, "08S01"), "the error")
        must_be(client.one("SELECT 1"), ("1",), "what follows")


def check_no_last_ok(bed: Bed, last: bytes) -> None:
    """Before the client has anything of the answer it gets the true one, and an error in the end's place after that."""
    rogue, beginning = bed.rogues[1], [b"\1", definition(b"a"), ROW]
    with entered(bed, capabilities=CLIENT_DEPRECATE_EOF) as client:
        until(lambda: whole_answer(client, "SELECT @@server_id FROM (SELECT 1) AS t")[2] != b"\x011",
              "a read on the replica")
        with lying(rogue, packets(*beginning) + last):
            must_be(whole_answer(client, READ)[2], b"\5" + MARK.encode(), "the true answer")
        until(lambda: whole_answer(client, "SELECT @@server_id FROM (SELECT 1) AS t")[2] != b"\x011",
              "a read on the replica again")
        with lying(rogue, packets(*beginning)):
            client.command(COM_QUERY, READ.encode())
            must_be([client.read_packet() for _ in beginning], beginning, "the beginning")
            with contextlib.suppress(OSError):
                rogue.say(last)
            error = ServerError(client.read_packet())
            must_be((error.code, error.sqlstate), (1158, "08S01"), "the error")
            client.ping()
        must_be(whole_answer(client, "SELECT 'true' FROM (SELECT 1) AS t")[2], b"\4true", "what follows")


def whole_answer(client: Client, text: str) -> list[bytes]:
    """The packets of a result without an EOF behind its columns, up to its end."""
    client.command(COM_QUERY, text.encode())
    found = [client.read_packet()]
    while found[-1][:1] not in (b"\xfe", b"\xff"):
        found.append(client.read_packet())
    return found


def check_too_much(bed: Bed, answer: bytes) -> None:
    """The answer is the server's own business; what is behind it is nobody's answer."""
    with entered(bed) as client, entered(bed) as other:
        with lying(bed.rogues[1], answer):
            on_replica(client)
            must_be(error_of(client, READ) in ("rows []", "rows [('fake',)]"), True, "the answer")
        for one in (client, other, client):
            must_be(one.one("SELECT 'true' FROM (SELECT 1) AS t"), ("true",), "another answer")


def check_unasked(bed: Bed) -> None:
    """Words on a connection that nobody uses: the next one that does would take them for its answer."""
    for words in (packets(OK), packets(b"\xfb/etc/passwd"), packets(b"\xff\x28\4#42000no"), b"\1"):
        rogue = bed.rogues[1]
        with entered(bed) as client:
            on_replica(client)
            rogue.answers[MARK] = packets(b"\1", definition(b"a"), EOF, ROW, EOF)
            must_be(client.one(READ), ("fake",), "a whole answer")
            rogue.behave()
            rogue.say(words)
            until(lambda: not rogue.open, "weir closes the connection")
            must_be(client.one("SELECT 'true' FROM (SELECT 1) AS t"), ("true",), "the next answer")


def check_file(bed: Bed) -> None:
    """Of a statement that names no file none is asked of the client, whichever server wants one."""
    for rogue, text in ((bed.rogues[1], READ), (bed.rogues[0], WRITE), (bed.rogues[0], "DO LENGTH('a lie')")):
        for capabilities in (0, CLIENT_LOCAL_FILES):
            with entered(bed, capabilities=capabilities) as client, lying(rogue, packets(b"\xfb/etc/passwd")):
                if rogue is bed.rogues[1]:
                    on_replica(client)
                must_be(error_of(client, text), "1148 42000", "the error")
                must_be(client.one("SELECT 1"), ("1",), "what follows")


def check_other_file(bed: Bed) -> None:
    """Nor any other than the one that it names."""
    for text in ("LOAD DATA LOCAL INFILE '/tmp/a lie' INTO TABLE t", "LOAD XML LOCAL INFILE '/tmp/a lie' INTO TABLE t"):
        with (entered(bed, capabilities=CLIENT_LOCAL_FILES) as client,
              lying(bed.rogues[0], packets(b"\xfb/etc/passwd"))):
            must_be(error_of(client, text), "1148 42000", "the error")
            must_be(client.one("SELECT 1"), ("1",), "what follows")


def check_endless(bed: Bed) -> None:
    """Rows without an end: as much as the client takes, and no more is asked for."""
    rogue = bed.rogues[1]
    rows = packets(b"\1", definition(b"a"), EOF) + frame(b"\xfc\0\4" + b"x" * 1024, 4)
    for takes in (0, 64 * MIB):
        with bounded(bed), entered(bed) as client:
            on_replica(client)
            rogue.answers[MARK], rogue.endless = rows, frame(b"\xfc\0\4" + b"x" * 1024, 5) * 100
            client.command(COM_QUERY, READ.encode())
            taken = 0
            while taken < takes:
                taken += len(client.stream.recv(MIB))
            until_still(lambda: rogue.sent)
            client.close()
            until(lambda: not rogue.open, "weir closes the connection")
            rogue.behave()


def until_still(count: Callable[[], int]) -> None:
    """Until a count does not change from one look to the next."""
    seen = [-1]

    def still() -> bool:
        before, seen[0] = seen[0], count()
        return before == seen[0] > 0
    until(still, "the server is held up")


def check_replica_login(bed: Bed, answer: bytes) -> None:
    """Reads are answered elsewhere; and the liar hears nothing more, no password above all."""
    rogue = bed.rogues[1]
    with logins(rogue, accounts.PLAIN, answer), entered(bed, accounts.PLAIN, "app") as client:
        def told() -> bool:
            must_be(client.one("SELECT @@server_id FROM (SELECT 1) AS t"), ("1",), "who answers")
            return rogue.sent > 0
        until(told, "the replica is tried")


def check_primary_login(bed: Bed, answer: bytes) -> None:
    rogue = bed.rogues[0]
    with logins(rogue, accounts.SBTEST, answer):
        def told() -> bool:
            try:
                entered(bed, accounts.SBTEST, "sbtest").close()
            except ServerError as error:
                must_be((error.code, error.sqlstate), (1290, "HY000"), "the error")
                must_be(accounts.SBTEST.password in error.text, False, "the password is in the error")
                return rogue.sent > 0
            raise AssertionError("the client was let in")
        until(told, "the primary is tried")


@contextlib.contextmanager
def logins(rogue: RogueServer, account: Account, answer: bytes) -> Iterator[None]:
    usual = rogue.user
    rogue.user, rogue.login, rogue.sent = account.name.encode(), answer, 0
    try:
        yield
        until(lambda: not rogue.open, "weir closes the connection")
        must_be(rogue.heard, [], "what weir said to that")
    finally:
        rogue.behave()
        rogue.user = usual


def check_log(bed: Bed) -> None:
    """What a server says stays in the line of the log that tells of it."""
    rogue = bed.rogues[1]
    words = b"no\r\n2030-01-01 00:00:00.000 error: forged\x1b[2J"
    with logins(rogue, accounts.EMPTY, frame(b"\xff\x15\4#28000" + words, 2)), \
            entered(bed, accounts.EMPTY, "app") as client:
        until(lambda: client.one("SELECT 1 FROM (SELECT 1) AS t") == ("1",) and rogue.sent > 0, "the replica is tried")
    lines = bed.weir.log.read_text().split("\n")
    must_be([line for line in lines if line.startswith("2030") or "\x1b" in line or "\r" in line], [], "forged lines")
    must_be(any("forged\\x1b[2J" in line for line in lines), True, "the log tells of it")


def each(check: Callable[[Bed, bytes], None], name: str,
         lies: dict[str, bytes]) -> Iterator[tuple[str, Callable[[Bed], None]]]:
    for lie, answer in lies.items():
        yield f"rogue server: {name}: {lie}", lambda bed, answer=answer: check(bed, answer)  # type: ignore[misc]


TESTS = (
    *each(check_replica_login, "login of a replica", LOGINS),
    *each(check_primary_login, "login of the primary", LOGINS),
    *each(check_read, "a read", NO_ANSWERS),
    *each(check_write, "a write", NO_ANSWERS),
    *each(check_no_end, "in the middle", NO_ENDS),
    *each(check_no_last_ok, "a last OK with", NO_LAST_OKS),
    *each(check_too_much, "behind the end", TOO_MUCH),
    ("rogue server: prepared statements", check_prepare),
    ("rogue server: words that nobody asked for", check_unasked),
    ("rogue server: a request for a file", check_file),
    ("rogue server: a request for another file", check_other_file),
    ("rogue server: rows without an end", check_endless),
    ("rogue server: forged lines in the log", check_log),
)
