"""Clients that are not let in, or should not be: slow ones, many of them, guessers; and what is kept of them.

Also what a client that is let in may not do to others or to the servers: commands of replication and administration,
threads of others, words that would look like another line in the log.
"""

from __future__ import annotations

import contextlib
import json
import re
import struct
from collections.abc import Callable, Iterator

from attack_bed import SCHEMA, Bed, must_be, until
from cluster import accounts
from cluster.servers import root_session
from cluster.state import HOST
from floods import bounded, serves_others
from leak.client import COM_CHANGE_USER, Client
from malformed_cases import CLIENT_SSL, WRONG, named, response
from rawmysql import (UTF8MB4_GENERAL_CI, Connection, ConnectionLost, ServerError, frame, handshake_response,
                      scrambled)

PLACES = 30
SETTINGS = {"limits": {"handshake_timeout": '"500ms"'}, "listen": {"max_connections": str(PLACES)},
            "pool": {"mode": '"transaction"'}, "log": {"level": '"debug"', "format": '"json"'}}
SSL_REQUEST = frame(response(extra=CLIENT_SSL)[:32], 1)
HALF_A_HELLO = b"\x16\3\1\2\0\1"  # a record of 512 bytes
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
NATIVE, SHA2 = "mysql_native_password", "caching_sha2_password"
# What a client of a proxy has no use for, by name, with an argument that would do something.
REFUSED = {"COM_SHUTDOWN": b"\x08\0", "COM_DEBUG": b"\x0d", "COM_CREATE_DB": b"\x05intruder", "COM_DROP_DB": b"\x06app",
           "COM_BINLOG_DUMP": b"\x12\4\0\0\0\0\0\x63\0\0\0", "COM_TABLE_DUMP": b"\x13\3app\1t",
           "COM_REGISTER_SLAVE": b"\x15\x63\0\0\0\1h\1u\1p\0\0\0\0\0\0\0\0\0\0",
           "COM_BINLOG_DUMP_GTID": b"\x1e" + bytes(22), "COM_DAEMON": b"\x1d", "COM_CLONE": b"\x20"}


def stranger(bed: Bed) -> Connection:
    client = Connection.tcp(HOST, bed.weir.port, timeout=90)
    client.read_greeting()
    return client


def has_ended(client: Connection) -> bool:
    """Whether the other side has closed; what it has said before does not count."""
    client.stream.setblocking(False)
    try:
        while client.stream.recv(1 << 12):
            pass
    except BlockingIOError:
        client.stream.settimeout(90)
        return False
    except OSError:
        pass
    return True


def check_slow_logins(bed: Bed) -> None:
    """The time for a login is counted from the first moment, however little comes how often."""
    answer = response(user=b"u" * 100 + b"\0", extra=1 << 20) + b"\xfd\0\0\1" + b"x" * 60000
    begun = {"nothing": b"", "half a header": b"\x20", "a header": b"\x20\0\0\1",
             "half an answer": frame(answer, 1)[:40], "most of one": frame(answer, 1)[:30000],
             "a wish for TLS": SSL_REQUEST, "a wish for TLS and part of a ClientHello": SSL_REQUEST + HALF_A_HELLO}
    with bed.client() as inside:
        clients = [stranger(bed) for _ in begun]
        for client, data in zip(clients, begun.values(), strict=True):
            client.write_bytes(data)
        trickling = stranger(bed)
        rest = iter(frame(answer, 1))

        def trickle() -> bool:
            with contextlib.suppress(OSError):
                trickling.write_bytes(bytes([next(rest)]))
            return has_ended(trickling)
        until(trickle, "the end of one who sends single bytes")
        for client, what in zip(clients, begun, strict=True):
            until(lambda client=client: has_ended(client), f"the end of one who sends {what}")  # type: ignore[misc]
        # In the middle of a conversation about the method, too.
        half = stranger(bed)
        half.write_packet(named(b"no_such_method"))
        must_be(half.read_packet()[:1], b"\xfe", "another method is asked for")
        until(lambda: has_ended(half), "the end of one who does not go on")
        must_be(inside.one("SELECT 'there'"), ("there",), "a session that was there before")


def check_many(bed: Bed) -> None:
    """So many that say nothing that there is no place: the next one is told in the words of a server, those inside
    are served, and the places are free again when the time for a login is over."""
    with bed.client() as inside, contextlib.ExitStack() as stack:
        refused: list[tuple[int, str, int]] = []

        def crowd() -> bool:
            clients = [stack.enter_context(Connection.tcp(HOST, bed.weir.port, timeout=90)) for _ in range(2 * PLACES)]
            for client in clients:
                with contextlib.suppress(OSError, ConnectionLost):
                    refused.extend(refusal(client))
            return bool(refused)
        until(crowd, "one too many")
        must_be(set(refused), {server_refusal(bed)}, "what one too many is told")
        must_be(inside.one("SELECT 'there'"), ("there",), "a session that was there before")
        until(lambda: enters(bed), "a place is free")


def refusal(client: Connection) -> Iterator[tuple[int, str, int]]:
    """The error that comes in a greeting's place, if one does, with the packet's number."""
    try:
        client.read_greeting()
    except ServerError as error:
        yield error.code, error.sqlstate, client.sequence - 1


def server_refusal(bed: Bed) -> tuple[int, str, int]:
    """What a server says then."""
    primary = bed.cluster.node(bed.cluster.primary)
    with root_session(primary) as root, contextlib.ExitStack() as stack:
        usual = root.query("SELECT @@GLOBAL.max_connections")[0][0]
        root.query("SET GLOBAL max_connections = 10")
        try:
            for _ in range(30):
                client = stack.enter_context(Connection.unix(str(primary.socket)))
                for found in refusal(client):
                    return found
        finally:
            root.query(f"SET GLOBAL max_connections = {usual}")
    raise AssertionError("the server takes them all")


def enters(bed: Bed) -> bool:
    try:
        bed.client().close()
    except (ServerError, ConnectionLost, OSError):
        return False
    return True


def check_nonces(bed: Bed) -> None:
    """Nobody meets a challenge twice: not at another login, and not at a change of user."""
    seen = set()
    for _ in range(20):
        with stranger(bed) as client:
            assert client.greeting is not None
            seen.add(client.greeting.scramble)
    with bed.client() as client:
        assert client.greeting is not None
        seen.add(client.greeting.scramble)
        for _ in range(5):
            client.command(COM_CHANGE_USER, change_user(accounts.APP.name, WRONG))
            challenge = client.read_packet()
            must_be(challenge[:1], b"\xfe", "a new challenge")
            name, _, nonce = challenge[1:].partition(b"\0")
            seen.add(nonce.rstrip(b"\0"))
            client.write_packet(scrambled(name.decode(), accounts.APP.password, nonce.rstrip(b"\0")))
            while (packet := client.read_packet())[:1] == b"\1":
                pass
            must_be(packet[:1], b"\0", "the change of user")
    must_be(len(seen), 26, "challenges")
    must_be([nonce for nonce in seen if len(nonce) != 20 or b"\0" in nonce], [], "those that are short or end early")


def change_user(user: str, proof: bytes) -> bytes:
    return (user.encode() + b"\0" + bytes([len(proof)]) + proof + b"\0" + struct.pack("<H", UTF8MB4_GENERAL_CI)
            + NATIVE.encode() + b"\0")


def check_guesses(bed: Bed) -> None:
    """A change of user is one guess, and no more: the connection is closed, and with it all that it held."""
    with bed.client() as client:
        client.run("SET @kept = 1")
        client.command(COM_CHANGE_USER, change_user("root", WRONG))
        packet = client.read_packet()
        while packet[:1] in (b"\xfe", b"\1"):
            client.write_packet(WRONG)
            packet = client.read_packet()
        error = ServerError(packet)
        must_be((error.code, error.sqlstate), (1045, "28000"), "the error")
        must_be(client.at_end(), True, "the end")
    with bed.client() as client:
        must_be(client.one("SELECT @kept"), (None,), "a variable of the one before")


def check_guesses_in_one_write(bed: Bed) -> None:
    """A statement that is sent with the guess, before the verdict, never runs: in nobody's name."""
    for user in (accounts.APP.name, "root", "nobody_here"):
        with bed.client() as client:
            client.write_bytes(frame(bytes([COM_CHANGE_USER]) + change_user(user, WRONG), 0) + frame(WRONG, 2)
                               + frame(f"\x03INSERT INTO {SCHEMA}.t VALUES (1)".encode(), 0))
            must_be(client.read_packet()[:1], b"\xfe", "a new challenge")
            error = ServerError(client.read_packet())
            must_be((error.code, error.sqlstate), (1045, "28000"), f"the error for {user}")
            must_be(client.at_end(), True, "the end")
    must_be(bed.count("t"), 0, "rows")


def check_names(bed: Bed) -> None:
    """Who guesses names learns nothing: the same packets and words for names that exist and those that do not."""
    for method, proof in ((NATIVE, WRONG), (SHA2, bytes(range(32))), (SHA2, b""), ("mysql_clear_password", b"guess\0"),
                          ("no_such_method", b"x")):
        heard = {}
        for user in (accounts.APP.name, accounts.PLAIN.name, "nobody_here", accounts.MONITOR.name, "root"):
            with stranger(bed) as client:
                client.write_packet(handshake_response(user, proof, method, "", CAPABILITIES))
                heard[user] = [re.sub(rb"'" + user.encode() + b"'", b"'?'", packet) for packet in conversation(client)]
        first = heard[accounts.APP.name]
        for user, packets in heard.items():
            must_be(packets, first, f"{user} by {method}")
        must_be(ServerError(first[-1]).code, 1045, "the error")


CAPABILITIES = 0x8B205 | 1 << 9 | 1 << 15


def conversation(client: Connection) -> list[bytes]:
    """All that is said to one who gives wrong proofs; of challenges, keys and lengths what is not random."""
    said = []
    with contextlib.suppress(ConnectionLost, ConnectionResetError):
        while True:
            packet = client.read_packet()
            said.append(packet.partition(b"\0")[0] if packet[:1] == b"\xfe" else packet)
            if packet[:1] == b"\xff":
                break
            client.write_packet(WRONG)
    return said


def check_secrets(bed: Bed) -> None:
    """Passwords, and what statements hold, are in no error and in no line of the log."""
    secret = "Tr0ub4dor-and-3"
    for plugin, proof in (("mysql_clear_password", secret.encode() + b"\0"), (SHA2, secret.encode() + b"\0"),
                          (NATIVE, secret.encode()[:20].ljust(20, b"x"))):
        with stranger(bed) as client:
            client.write_packet(handshake_response("app", proof, plugin, secret, CAPABILITIES | 8))
            with contextlib.suppress(ConnectionLost, ConnectionResetError):
                while not (packet := client.read_packet()).startswith(b"\xff"):
                    client.write_packet(secret.encode() + b"\0")
                must_be(secret.encode() in packet, False, "the password is in the error")
    with bed.client() as client:
        for statement in (f"SET @s = '{secret}'", f"SELECT * FROM nowhere.at_all WHERE p = '{secret}'",
                          f"CREATE TEMPORARY TABLE x (v INT DEFAULT 0 COMMENT '{secret}')"):
            client.error_of(statement)
    log = bed.weir.log.read_text(errors="replace")
    must_be([line for line in log.splitlines() if secret in line], [], "lines of the log")
    words = [account.password for account in accounts.ALL if account.password]
    must_be([line for line in log.splitlines() if any(word in line for word in words)], [], "passwords in the log")


def check_log(bed: Bed) -> None:
    """Line ends and control characters of clients do not become lines or commands of a terminal in the log."""
    evil = 'x"}\r\n[2030-01-01 00:00:00.000] [error] forged\x1b[2J\x07\\'
    with stranger(bed) as client:
        client.write_packet(handshake_response(evil, WRONG, NATIVE, evil, CAPABILITIES | 8))
        conversation(client)
    with bed.client() as client:
        for statement in (f"SET @`{evil}` = 1", f"SELECT 1 INTO @`{evil}`", f"/*{evil}*/ SET @a = 1",
                          f"PREPARE `{evil}` FROM 'SELECT 1'", f"SELECT GET_LOCK('{evil}', 0)",
                          f"CREATE TEMPORARY TABLE `{evil[:20]}` (v INT)", f"CALL `{evil}`()"):
            client.error_of(statement)
    with bed.client() as client:
        client.write_bytes(frame(b"\x03SET @`" + evil.encode() + b"` = 2", 0))
        client.read_packet()
    lines = [line for line in bed.weir.log.read_text().splitlines() if not line.startswith("warning: ")]
    messages = [json.loads(line)["message"] for line in lines]
    must_be(any("pinned to the primary" in message for message in messages), True, "the log speaks of pins")
    must_be(CONTROLS.findall("".join(lines)), [], "control characters in the log")
    must_be([message for message in messages if message.startswith(("forged", "["))], [], "lines that clients made")


def check_refused(bed: Bed) -> None:
    with bed.client() as client:
        for name, command in REFUSED.items():
            client.write_bytes(frame(command, 0))
            error = ServerError(client.read_packet())
            must_be((error.code, error.sqlstate), (1047, "08S01"), name)
            must_be(client.one("SELECT 'on'"), ("on",), f"what follows {name}")
    must_be(all(node.alive() for node in bed.cluster.nodes), True, "the servers live")
    must_be(bed.root("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name IN ('app', 'intruder')"),
            [("1",)], "schemas")


def check_kills(bed: Bed) -> None:
    """Who may not end others' sessions may not do it by any number: weir's or a server's."""
    with bed.client() as victim, Client.tcp(HOST, bed.weir.port).enter(accounts.PLAIN, "app") as client:
        victim.run("SET @alive = 'yes'")
        server_id = victim.one("SELECT ID FROM information_schema.processlist WHERE INFO LIKE 'SELECT ID FROM inf%'")
        monitor = bed.root("SELECT ID FROM information_schema.processlist WHERE USER = 'weir_monitor'")[0]
        for number in (victim.id, server_id[0], monitor[0]):
            for statement in (f"KILL {number}", f"KILL QUERY {number}"):
                must_be(client.error_of(statement), 1095, statement)
        must_be(client.error_of(f"KILL {2 ** 31}"), 1094, "a number that nobody has")
        client.write_bytes(frame(b"\x0c" + struct.pack("<I", victim.id), 0))
        must_be(ServerError(client.read_packet()).code, 1047 if bed.cluster.flavor == "mysql" else 1095,
                "COM_PROCESS_KILL")
        must_be(victim.one("SELECT @alive"), ("yes",), "the victim")


def check_own_kills(bed: Bed) -> None:
    """An account may end its own threads by the server's numbers, too, as on a server: that closes a connection of
    weir's there. The session goes on with another one when nothing of it was on that one, and ends when something
    was."""
    for command in ("KILL",) + ("COM_PROCESS_KILL",) * (bed.cluster.flavor == "mariadb"):
        for holds in (False, True):
            with bed.client() as client, bed.client() as victim:
                client.run("BEGIN")  # which keeps a connection, so that the victim has another
                client.one("SELECT COUNT(*) FROM t")
                if holds:
                    victim.run("CREATE TEMPORARY TABLE held (v INT)")
                number = thread_of(victim, bed)
                end_thread(client, command, number)
                until(lambda number=number: str(number) not in bed.threads(),  # type: ignore[misc]
                      "the server has closed the connection")
                if holds:
                    error = error_of(victim, "INSERT INTO held VALUES (1)")
                    must_be((error.code, error.sqlstate), (1158, "08S01"), f"the victim of {command}")
                    must_be("temporary_table" in error.text, True, f"what was lost, in '{error.text}'")
                    must_be(victim.at_end(), True, "the end")
                else:
                    must_be(victim.run("INSERT INTO t VALUES (1)").affected_rows, 1, f"the victim of {command}")
                    must_be(victim.run("DELETE FROM t").affected_rows, 1, "rows")
                must_be(client.run("COMMIT").affected_rows, 0, "the one who did it")


def thread_of(client: Client, bed: Bed) -> int:
    """The primary's number of the connection on which it has last run a statement."""
    own = "SELECT ID FROM information_schema.processlist WHERE INFO LIKE '/* weir: primary */ SELECT ID FROM inf%'"
    number = client.one("/* weir: primary */ " + own)[0]
    must_be(number in bed.threads(), True, f"{number} is a thread of weir's")
    return int(number or 0)


def end_thread(client: Client, command: str, number: int) -> None:
    if command == "KILL":
        client.run(f"KILL {number}")
        return
    client.write_bytes(frame(b"\x0c" + struct.pack("<I", number), 0))
    must_be(client.read_packet()[:1], b"\0", command)


def error_of(client: Connection, text: str) -> ServerError:
    try:
        client.results(text)
    except ServerError as error:
        return error
    raise AssertionError(f"no error for {text}")


def check_shapes(bed: Bed) -> None:
    """Statements of ever new shapes: what is counted by shape has an end."""
    with bounded(bed), bed.client() as client:
        for start in range(0, 3000, 100):
            client.write_bytes(b"".join(frame(f"\x03SET @shape_{number} = 1, @other = 2".encode(), 0)
                                        for number in range(start, start + 100)))
            for _ in range(100):
                must_be(client.read_packet()[:1], b"\0", "an answer")
            client.reset()
    with contextlib.closing(bed.weir.console()) as console:
        must_be(len(console.query("SHOW PINS")) <= 1100, True, "causes that are remembered")


def check_errors(bed: Bed) -> None:
    """However long a statement is, what weir itself says of it is short, and the log does not repeat it."""
    name, word = "x" * 500_000, "x" * 10_000
    with bed.client() as client, contextlib.closing(bed.weir.console()) as console:
        for who, text in ((client, f"SET weir.{name} = 1"), (client, f"SET weir.consistency = '{name}'"),
                          (client, f"SET weir.consistency = 'session', @{name} = 1"), (client, f"KILL {name}"),
                          (client, f"/* weir: {name} */ KILL 1{name}"), (console, f"SHOW {word}"),
                          (console, f"DRAIN SERVER {word}"), (console, f"KILL SESSION {word}"), (console, word)):
            error = error_of(who, text)
            must_be(len(error.text) < 1024, True, f"a short error to {text[:30]}...: {len(error.text)} bytes")
    must_be("xxxxxxxxxx" * 100 in bed.weir.log.read_text(errors="replace"), False, "the log has it")


def check_console(bed: Bed) -> None:
    """The console's port takes the same broken bytes as the other one, and no more."""
    console = bed.weir.console_port
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\xff\xff\xff\1", frame(b"", 1), frame(response()[:4], 1), frame(b"x", 7),
                 frame(named(b"mysql_clear_password", b"console-secret\0"), 1)):
        with Connection.tcp(HOST, console, timeout=90) as client:
            client.read_greeting()
            client.write_bytes(data)
            with contextlib.suppress(ConnectionLost, ConnectionResetError):
                while (packet := client.read_packet())[:1] != b"\xff":
                    must_be(packet[:1] != b"\0", True, "nobody is let in")
                    client.write_packet(WRONG)
    with contextlib.closing(bed.weir.console()) as client:
        for statement in ("", ";", ";;", "KILL SESSION 1; DROP TABLE x", "SHOW SESSIONS WHERE x = '", "\0", "`" * 1000,
                          "DRAIN SERVER 'db1\0'; --", "SELECT * FROM mysql.user", "SHOW " + "x" * 10000):
            with contextlib.suppress(ServerError):
                client.results(statement)
        must_be(len(client.query("SHOW SERVERS")), len(bed.cluster.nodes), "servers")
        for data in (frame(b"\x16SELECT ?", 0), frame(b"\x11root\0\0", 0), frame(b"\x12" + bytes(10), 0)):
            client.write_bytes(data)
            must_be(client.read_packet()[:1], b"\xff", "a command that the console does not have")
            if has_ended(client):
                break
    serves_others(bed)


TESTS: tuple[tuple[str, Callable[[Bed], None]], ...] = (
    ("strangers: slow logins", check_slow_logins),
    ("strangers: many that say nothing", check_many),
    ("strangers: challenges", check_nonces),
    ("strangers: guesses by change of user", check_guesses),
    ("strangers: guesses by change of user, and a statement in one write", check_guesses_in_one_write),
    ("strangers: names that exist and others", check_names),
    ("strangers: secrets", check_secrets),
    ("strangers: forged lines in the log", check_log),
    ("strangers: the console's port", check_console),
    ("clients: errors of long statements", check_errors),
    ("clients: commands that do not pass", check_refused),
    ("clients: sessions of others", check_kills),
    ("clients: sessions of their own", check_own_kills),
    ("clients: statements of ever new shapes", check_shapes),
)
