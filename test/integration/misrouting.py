"""Statements that look like reads and are none: what would happen if weir took them for reads.

The account may do everything, so that a replica's `read_only` does not stop it: a write that is sent to one succeeds
there, and shows in the replica's own GTIDs. Each attack is made on the primary itself and through weir. Both must give
the same answers and leave the same rows, and no replica a transaction of its own. `@@server_id` in an answer tells who
gave it: the primary's is the only one that the primary itself can give.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import counters
from attack_bed import SCHEMA, Bed, must_be, until
from cluster import accounts, lifecycle
from cluster.servers import root_session
from cluster.state import HOST
from leak.client import Client
from rawmysql import (CLIENT_CONNECT_WITH_DB, CLIENT_MULTI_STATEMENTS, COM_QUERY, DEFAULT_CAPABILITIES,
                      SERVER_MORE_RESULTS_EXISTS, UTF8MB4_GENERAL_CI, ServerError)

SETTINGS = {"server": {"max_connections": "2"}, "pool": {"mode": '"transaction"'}}
WRITE = "INSERT INTO written VALUES (@@server_id)"
OUT_FILES = ("out", "dump")
WHO = "@@server_id FROM items"


@dataclass(frozen=True)
class Attack:
    """Statements of one session. `flavor`: the only one that knows them."""

    name: str
    statements: tuple[str | bytes, ...]
    flavor: str = ""
    several: bool = True  # several statements in one text are agreed on
    collation: int = UTF8MB4_GENERAL_CI  # the login's
    changed_to: int = 0  # the collation of a change of user behind the login, if there is one
    writes: int = -1  # rows that it leaves where nothing is in between; -1: any number


def attack(name: str, *statements: str | bytes, flavor: str = "", several: bool = True) -> Attack:
    return Attack(name, statements, flavor, several)


LATIN1 = 8  # every byte is a character
# Collations whose characters may have a backslash or a backtick as their second half, with the first half of such.
HALVES = (("GBK", 28, b"\xbf", ""), ("Shift-JIS", 13, b"\x83", ""), ("Big5", 1, b"\xa4", ""),
          ("cp932", 95, b"\x83", ""), ("GB18030", 248, b"\xbf", "mysql"))


def with_half(half: bytes) -> tuple[bytes, ...]:
    write = WRITE.encode()
    return (b"SELECT '" + half + b"\\'; " + write + b" -- '",
            b"SELECT '" + half + b"\\\\'; " + write + b" -- '",
            b"SELECT 1 AS `" + half + b"``; " + write + b" -- `",
            b"SELECT 1 AS `" + half + b"`; " + write + b" -- `")


def half_characters() -> Iterator[Attack]:
    """Where the login or a change of user says how text is read. The first statement and the third write for who takes
    the halves together, the others for who does not."""
    for name, collation, half, flavor in HALVES:
        statements = with_half(half)
        yield Attack(f"half a character of {name}, by the login", statements, flavor, collation=collation, writes=2)
        yield Attack(f"half a character of {name}, by a change of user", statements, flavor, changed_to=collation,
                     writes=2)
        yield Attack(f"half a character of {name}, until a change of user", statements, flavor, collation=collation,
                     changed_to=LATIN1, writes=2)


ATTACKS = (
    # Several statements in one text
    attack("a write behind a read", f"SELECT 1; {WRITE}"),
    attack("a write behind a read, not agreed on", f"SELECT 1; {WRITE}", several=False),
    attack("a write behind reads, comments and empty statements", f"SELECT 1;;/* ; */;#;\nSELECT ';' -- ;\n;{WRITE}"),
    attack("a schema, and a write there", f"USE app; USE {SCHEMA}; {WRITE}"),
    attack("several, once they are turned on", b"\x1b\0\0", f"SELECT 1; {WRITE}", several=False),
    attack("several, once they are turned off", b"\x1b\1\0", f"SELECT 1; {WRITE}"),
    # Comments
    attack("a write in a versioned comment", f"/*!50000 {WRITE} */"),
    attack("a write in a comment of MariaDB's", f"/*M! {WRITE} */", f"/*M!100100 {WRITE} */"),
    attack("a lock in a versioned comment", f"SELECT {WHO} /*!50000 FOR UPDATE */"),
    attack("a variable in a versioned comment", "SELECT @@server_id /*!INTO @v*/", "SELECT @v"),
    attack("a write behind a line that only looks like a comment", f"SELECT 1 --x\n; {WRITE}"),
    attack("a write behind the end of a line's comment", f"-- comment text.\n{WRITE}"),
    attack("a write behind a comment, after a carriage return", f"SELECT 1 -- x\r; {WRITE}"),
    attack("a write behind a number sign's comment", f"SELECT 1 # ' \n; {WRITE} # '"),
    attack("a comment that ends where it begins", f"SELECT 1 /*/ */ ; {WRITE} -- */"),
    attack("a comment in a comment", f"SELECT 1 /* /* */ ; {WRITE} /* */"),
    attack("a comment without an end", f"SELECT 1 /* ; {WRITE}"),
    attack("a lock on the next line", f"SELECT {WHO}\nFOR\tUPDATE"),
    attack("a lock behind odd white space", f"SELECT {WHO}\x0b\x0cFOR\x0cUPDATE"),
    attack("white space of other alphabets", f"SELECT {WHO}\u00a0FOR\u3000UPDATE", f"\ufeff{WRITE}"),
    attack("a NUL", f"SELECT 1\0; {WRITE}", f"\0{WRITE}", f"SELECT '\0'; {WRITE}"),
    # Hints
    attack("a hint that asks for a replica", f"/* weir: replica */ {WRITE}", f"/*FORCE_SLAVE*/ {WRITE}",
           f"-- maxscale route to slave\n{WRITE}", f"/* weir: replica */ SELECT {WHO} FOR UPDATE"),
    attack("a hint in a string", f"SELECT '/* weir: replica */', {WHO} FOR UPDATE"),
    attack("a hint of the optimizer's", f"SELECT /*+ SET_VAR(sql_mode = 'ANSI_QUOTES') */ {WHO} FOR UPDATE"),
    # Quotes, modes and character sets
    attack("a backslash that escapes nothing", "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
           f"SELECT '\\'; {WRITE} -- '"),
    attack("a backslash that escapes", f"SELECT '\\'; {WRITE} -- '"),
    attack("quotes that are a name", "SET sql_mode = 'ANSI_QUOTES'",
           f"SELECT \"id\\\" FROM items; {WRITE} -- \""),
    attack("bars that join", "SET sql_mode = 'PIPES_AS_CONCAT'", "SELECT writes() || writes()"),
    attack("a mode that is set by a prepared text", "PREPARE p FROM \"SET sql_mode = 'NO_BACKSLASH_ESCAPES'\"",
           "EXECUTE p", f"SELECT '\\'; {WRITE} -- '"),
    *half_characters(),
    attack("half a character of GBK", "SET NAMES gbk", b"SELECT '\xbf\\'; " + WRITE.encode() + b" -- '"),
    attack("half a character of Shift-JIS", "SET NAMES sjis", b"SELECT '\x83\\'; " + WRITE.encode() + b" -- '"),
    attack("half a character of Big5", "SET NAMES big5", b"SELECT '\xa4\\'; " + WRITE.encode() + b" -- '"),
    attack("a name that a character set is read by", b"SELECT _gbk'\xbf\\'; " + WRITE.encode() + b" -- '"),
    # Text that is made at run time
    attack("a write in a prepared text", f"SET @q = '{WRITE}'", "PREPARE s FROM @q", "EXECUTE s"),
    attack("a read that is prepared anew as a write", "PREPARE s FROM 'SELECT 1'", "EXECUTE s",
           f"PREPARE s FROM '{WRITE}'", "EXECUTE s"),
    attack("a write that is executed at once", f"EXECUTE IMMEDIATE '{WRITE}'", flavor="mariadb"),
    attack("autocommit that a prepared text turns off", "PREPARE s FROM 'SET autocommit = 0'", "EXECUTE s",
           f"SELECT {WHO}", WRITE, f"SELECT {WHO}", "ROLLBACK", "SELECT COUNT(*) FROM written"),
    # Code out of sight
    attack("a function that writes", "SELECT writes()", f"SELECT {WHO} WHERE writes() > 0"),
    attack("a function that says that it only reads", "SELECT pretends()", "SELECT id, pretends() FROM items"),
    attack("a function by a name of the server's", f"SELECT {SCHEMA}.`writes`()", "SELECT Writes ( )"),
    attack("a function in a derived table, in ORDER BY, in a condition", "SELECT * FROM (SELECT writes() AS a) AS t",
           f"SELECT {WHO} ORDER BY pretends()", f"SELECT {WHO} WHERE EXISTS (SELECT writes())"),
    attack("a procedure that writes", "CALL writes_too()"),
    attack("a function, prepared", "PREPARE s FROM 'SELECT writes()'", "EXECUTE s"),
    attack("a sequence", "ALTER SEQUENCE numbers RESTART 1", "SELECT NEXT VALUE FOR numbers, @@server_id",
           "SELECT NEXTVAL(numbers)", "SELECT SETVAL(numbers, 100)", flavor="mariadb"),
    # Reads that do more
    attack("locking reads", *(f"{head}SELECT {WHO}{tail}" for head, tail in (
        ("", " FOR UPDATE"), ("", " LOCK IN SHARE MODE"), ("(", ") FOR UPDATE"), ("((", ") FOR UPDATE)"),
        ("WITH a AS (SELECT 1) ", " FOR UPDATE"), ("SELECT 1 UNION (", " FOR UPDATE)")))),
    attack("a lock in a subquery", f"SELECT * FROM (SELECT {WHO} FOR UPDATE) AS t"),
    attack("reads into variables", "SELECT @@server_id INTO @v", "SELECT @v", "SELECT @w := @@server_id",
           "SELECT @w"),
    attack("reads into files", "SELECT @@server_id INTO OUTFILE '{files}/out'",
           "SELECT @@server_id INTO DUMPFILE '{files}/dump'"),
    attack("a named lock", "SELECT GET_LOCK('attack', 0), @@server_id", "SELECT IS_USED_LOCK('attack') > 0",
           "SELECT RELEASE_LOCK('attack')"),
    attack("writes behind WITH", "WITH a AS (SELECT 1 AS n) DELETE FROM written WHERE v IN (SELECT n FROM a)",
           "WITH a AS (SELECT 1 AS n) UPDATE written SET v = v + 1"),
    attack("a write that is analysed", "EXPLAIN ANALYZE INSERT INTO written VALUES (1)",
           "ANALYZE INSERT INTO written VALUES (1)", "ANALYZE TABLE written"),
    attack("a write in parentheses", f"({WRITE})", f"(SELECT 1); {WRITE}"),
    attack("DO and SHOW that call", "DO writes()", "SHOW TABLES WHERE writes() > 5"),
    # Statements about servers and sessions
    attack("a handler", "HANDLER items OPEN", "HANDLER items READ FIRST", f"SELECT {WHO}", "HANDLER items CLOSE"),
    attack("locked tables", "LOCK TABLES items READ, written WRITE", f"SELECT {WHO}", WRITE, "UNLOCK TABLES"),
    attack("a transaction of XA", "XA START 'x'", WRITE, f"SELECT {WHO}", "XA END 'x'", "XA PREPARE 'x'",
           "XA COMMIT 'x'", "SELECT COUNT(*) FROM written"),
    attack("a transaction", "BEGIN", f"SELECT {WHO}", WRITE, "SELECT COUNT(*) FROM written", "COMMIT"),
    attack("a write in a READ ONLY transaction", "START TRANSACTION READ ONLY", WRITE, "SELECT 1", "COMMIT"),
    attack("global locks", "FLUSH TABLES WITH READ LOCK", f"SELECT {WHO}", "UNLOCK TABLES"),
    attack("a replayed event", "BINLOG 'bm9uc2Vuc2U='"),
    attack("a plugin", "INSTALL PLUGIN attack SONAME 'no_such_library.so'"),
    attack("settings of the server", "SET GLOBAL max_connect_errors = 77", "SELECT @@GLOBAL.max_connect_errors",
           "SET GLOBAL max_connect_errors = DEFAULT"),
    attack("a temporary table under a table's name", "CREATE TEMPORARY TABLE items (v INT)",
           "INSERT INTO items VALUES (7)", f"SELECT v, {WHO}", "DROP TEMPORARY TABLE items",
           f"SELECT {WHO} FOR UPDATE"),
)


def answers(client: Client, statements: Iterable[str | bytes]) -> list[object]:
    """Of each result its rows, and the rows that were changed; of errors number and SQLSTATE. A statement of three
    bytes that begins with 0x1b is COM_SET_OPTION."""
    found: list[object] = []
    for statement in statements:
        data = statement if isinstance(statement, bytes) else statement.encode()
        try:
            if data[:1] == b"\x1b":
                client.command(data[0], data[1:])
                client.read_packet()
                continue
            client.command(COM_QUERY, data)
            while True:
                result = client.read_result()
                found.append((result.columns, result.rows, result.affected_rows))
                if not result.status & SERVER_MORE_RESULTS_EXISTS:
                    break
        except ServerError as error:
            found.append((error.code, error.sqlstate))
    return found


def entered(client: Client, one: Attack) -> Client:
    client.login(accounts.APP.name, accounts.APP.password, SCHEMA, collation=one.collation,
                 capabilities=DEFAULT_CAPABILITIES | CLIENT_CONNECT_WITH_DB
                 | (CLIENT_MULTI_STATEMENTS if one.several else 0))
    if one.changed_to:
        client.change_user(accounts.APP, SCHEMA, one.changed_to)
    return client


def play(bed: Bed, one: Attack, client: Client) -> tuple[list[object], object, list[str]]:
    """What is answered, what is written, and what is in the files that the primary wrote."""
    files = bed.cluster.node(bed.cluster.primary).files
    for name in OUT_FILES:
        (files / name).unlink(missing_ok=True)
    with client:
        said = answers(client, (text if isinstance(text, bytes) else text.replace("{files}", str(files))
                                for text in one.statements))
    written = bed.root(f"SELECT v FROM {SCHEMA}.written ORDER BY v")
    bed.root(f"DELETE FROM {SCHEMA}.written")
    return said, written, [(files / name).read_text().strip() for name in OUT_FILES if (files / name).exists()]


def check(bed: Bed, one: Attack) -> None:
    if one.flavor not in ("", bed.cluster.flavor):
        return
    primary = bed.cluster.node(bed.cluster.primary)
    expected = play(bed, one, entered(Client.unix(str(primary.socket)), one))
    if one.writes >= 0:
        must_be(expected[1], [("1",)] * one.writes, "what the primary itself writes")
    must_be(play(bed, one, entered(Client.tcp(HOST, bed.weir.port), one)), expected, one.name)
    replicas_wrote_nothing(bed)


def replicas_wrote_nothing(bed: Bed) -> None:
    for node in bed.cluster.replicas():
        must_be(counters.own_transactions(bed.cluster, node), "", f"transactions of {node.name}'s own")


def check_view(bed: Bed) -> None:
    """Which functions a view calls is not looked at, so that its reads go to replicas. They refuse what it would write
    there, for accounts that may not override `read_only`; the primary is asked then."""
    with Client.tcp(HOST, bed.weir.port).enter(accounts.PLAIN, "app") as client:
        must_be(client.one("SELECT a FROM app.writing_view"), ("1",), "the primary's answer")
    must_be(bed.root(f"SELECT v FROM {SCHEMA}.written"), [("1",)], "what was written")
    bed.root(f"DELETE FROM {SCHEMA}.written")
    replicas_wrote_nothing(bed)


def check_defaults(bed: Bed) -> None:
    """Half a character, in the server's default: for the number 0, and for those that the server does not know. The
    first statement of a session counts, of whose character set no server has said anything."""
    first, _, third, _ = with_half(b"\xbf")
    with default_charset(bed, "gbk"):
        for number in (0, 100, 251, *((250, 255) if bed.cluster.flavor == "mariadb" else ())):
            for text in (first, third):
                check(bed, Attack(f"by the default, for {number}", (text,), collation=number, writes=1))


@contextlib.contextmanager
def default_charset(bed: Bed, name: str) -> Iterator[None]:
    """What servers take from their configuration at start; `character_set_server` is only for new schemas."""
    try:
        set_defaults(bed, name)
        yield
    finally:
        set_defaults(bed, "DEFAULT")


def set_defaults(bed: Bed, name: str) -> None:
    for node in bed.cluster.nodes:
        with root_session(node) as root:
            for variable in ("client", "connection", "results"):
                root.query(f"SET GLOBAL character_set_{variable} = {name}")


def check_splits(bed: Bed) -> None:
    """Replicas answer reads here: if they did not, none of the others would prove anything."""
    def answered() -> bool:
        with bed.client() as client:
            return client.one(f"SELECT {WHO}") != ("1",)
    until(answered, "a read on a replica")


def check_lets_writes_pass(bed: Bed) -> None:
    """A replica takes a write of this account: what the others rely on. It is not logged, to leave no trace."""
    for node in bed.cluster.replicas():
        with Client.unix(str(node.socket)).enter(accounts.APP, SCHEMA) as client:
            client.run("SET sql_log_bin = 0")
            client.run("BEGIN")
            must_be(client.run(WRITE).affected_rows, 1, f"a write on {node.name}")
            client.run("ROLLBACK")


@contextlib.contextmanager
def prepared(bed: Bed) -> Iterator[None]:
    """Tables, functions that write, and replicas that let an account with all privileges write."""
    for node in bed.cluster.nodes:
        with root_session(node) as root:
            root.query("SET GLOBAL log_bin_trust_function_creators = 1")
    write = f"INSERT INTO {SCHEMA}.written VALUES (@@server_id)"
    bed.root(f"USE {SCHEMA}", "CREATE TABLE items (id INT PRIMARY KEY)", "INSERT INTO items VALUES (1)",
             "CREATE TABLE written (v INT)",
             f"CREATE FUNCTION writes() RETURNS INT MODIFIES SQL DATA BEGIN {write}; RETURN @@server_id; END",
             f"CREATE FUNCTION pretends() RETURNS INT READS SQL DATA BEGIN {write}; RETURN @@server_id; END",
             f"CREATE PROCEDURE writes_too() BEGIN {write}; SELECT @@server_id; END",
             f"CREATE OR REPLACE VIEW app.writing_view AS SELECT {SCHEMA}.writes() AS a",
             *(["CREATE SEQUENCE numbers"] if bed.cluster.flavor == "mariadb" else []))
    lifecycle.catch_up(bed.cluster.folder)
    lock_replicas(bed, False)
    try:
        yield
    finally:
        lock_replicas(bed, True)
        bed.root("DROP VIEW app.writing_view")


def lock_replicas(bed: Bed, locked: bool) -> None:
    """MySQL's second lock, which binds every account."""
    for node in bed.cluster.replicas() if bed.cluster.flavor == "mysql" else []:
        with root_session(node) as root:
            root.query(f"SET GLOBAL super_read_only = {int(locked)}")


TESTS = (
    ("misrouting: replicas answer reads", check_splits),
    ("misrouting: replicas take writes", check_lets_writes_pass),
    *((f"misrouting: {one.name}", lambda bed, one=one: check(bed, one)) for one in ATTACKS),
    ("misrouting: half a character, by the server's default", check_defaults),
    ("misrouting: a view that calls a function", check_view),
)
