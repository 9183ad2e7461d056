"""Clients that want too much: statements, long data, commands without answers, answers that they do not take.

They get an error, or are held up; weir's memory stays bounded, and the others are served.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator

import rawcompression
from attack_bed import MIB, SCHEMA, Bed, Flood, header, must_be, until
from cluster import accounts
from cluster.servers import root_session
from cluster.state import HOST
from leak.client import Client
from rawmysql import CLIENT_CONNECT_WITH_DB, DEFAULT_CAPABILITIES, ServerError, frame
from shared_statements import execute_sent, long_data, outcome

STATEMENTS, ON_A_SERVER, MAX_PACKET = 100, 10, 4 * MIB
SETTINGS = {"limits": {"prepared_statements": str(STATEMENTS), "server_statements": str(ON_A_SERVER),
                       "max_packet": f'"{MAX_PACKET // MIB}MiB"'},
            "server": {"max_connections": "3"}, "pool": {"mode": '"transaction"'}}
COM_STMT_CLOSE, COM_STMT_RESET = 0x19, 0x1A
NOBODYS = 4711  # a statement that does not exist
# What floods may cost in memory: far less than they send, far more than what comes and goes.
ROOM = 32 * MIB


def error_of_prepare(client: Client, text: str) -> str:
    try:
        client.prepare(text)
    except ServerError as error:
        return f"{error.code} {error.sqlstate}"
    return ""


@contextlib.contextmanager
def bounded(bed: Bed) -> Iterator[None]:
    """Whatever happens inside, it leaves the process about as large as it was, and the others are served."""
    before = bed.memory()
    yield
    serves_others(bed)
    grown = bed.memory() - before
    assert grown < ROOM, f"weir has grown by {grown >> 20} MiB"


def serves_others(bed: Bed) -> None:
    with bed.client() as other:
        for number in range(20):
            must_be(other.one(f"SELECT {number} FROM (SELECT 1) AS t"), (str(number),), "another session's read")
        must_be(other.run("INSERT INTO t VALUES (1)").affected_rows, 1, "another session's INSERT")
        must_be(other.run("DELETE FROM t").affected_rows, 1, "another session's DELETE")


def check_prepares(bed: Bed) -> None:
    """The limit is each session's; servers keep no more than weir wants to."""
    with bounded(bed), bed.client() as first, bed.client() as second:
        for client in (first, second):
            prepared = [client.prepare(f"SELECT '{number}', ?") for number in range(STATEMENTS)]
            for number in range(500):
                must_be(error_of_prepare(client, f"SELECT {number}, 'more'"), "1461 42000", "one too many")
            must_be(client.run_prepared(prepared[7], ["x"]).rows, [("7", "x")], "one of those that fitted")
            client.close_prepared(prepared[3])
            must_be(error_of_prepare(client, "SELECT 'fits'"), "", "one in the place of another")
            must_be(error_of_prepare(client, "SELECT 'not'"), "1461 42000", "one too many")
        for node in bed.cluster.nodes:
            with root_session(node) as root:
                count = int(root.query("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")[0][1] or 0)
            must_be(count <= 3 * ON_A_SERVER, True, f"{count} statements on {node.name}")
        first.reset()
        must_be(error_of_prepare(first, "SELECT 'again'"), "", "a statement after a reset")


def check_prepares_and_closes(bed: Bed) -> None:
    with bounded(bed), bed.client() as client:
        for number in range(1500):
            client.close_prepared(client.prepare(f"SELECT {number}, '{'x' * 5000}'"))
    with bed.client() as client:
        fitted, error = 0, ""
        while not error and fitted < STATEMENTS:
            error = error_of_prepare(client, f"SELECT {fitted}, '{'y' * 500000}'")
            fitted += not error
        must_be(error, "1461 42000", "more bytes than a session may keep")
        must_be(0 < fitted < 2 * MAX_PACKET // 500000, True, f"{fitted} texts of 500 kB")
        must_be(client.one("SELECT 'on'"), ("on",), "what follows")


def check_no_answers(bed: Bed) -> None:
    """Commands without an answer, about statements that are there and that are not."""
    with bed.client() as probe:
        own = probe.prepare("SELECT LENGTH(?), 'flood'")
        floods = {
            "closes": frame(bytes([COM_STMT_CLOSE]) + struct.pack("<I", NOBODYS), 0) * 7000,
            "long data for nobody": long_data(NOBODYS, b"x" * 60000) * 10,
            "a long piece for nobody": long_data(NOBODYS, b"x" * 3 * MIB),
            "long data": long_data(own.number, b"x" * 60000) * 10,
            "long pieces": long_data(own.number, b"x" * 3 * MIB),
            "empty long data": long_data(own.number, b"") * 5000,
        }
    for what, data in floods.items():
        with bounded(bed), bed.client() as other, bed.client() as client:
            must_be(client.prepare("SELECT LENGTH(?), 'flood'").number, own.number, "the number of a statement")
            with Flood(client, data) as flood:
                flood.has_sent(max(len(data), MIB // 4 if len(data) < 200000 else 36 * MIB))
                must_be(other.one("SELECT 'served' FROM (SELECT 1) AS t"), ("served",), "another session's read")
            client.ping()
            client.write_bytes(frame(bytes([COM_STMT_RESET]) + struct.pack("<I", own.number), 0))
            must_be(client.read_packet()[:1], b"\0", f"a reset after {what}")


def check_too_much_long_data(bed: Bed) -> None:
    with bounded(bed), bed.client() as client:
        prepared = client.prepare("INSERT INTO texts VALUES (1, ?)")
        piece = long_data(prepared.number, b"x" * MIB)
        for _ in range(2 * MAX_PACKET // MIB):
            client.write_bytes(piece)
        must_be(outcome(client, execute_sent(prepared)), "1105 HY000", "more than is allowed")
        must_be(bed.count("texts"), 0, "rows")
        client.write_bytes(frame(bytes([COM_STMT_RESET]) + struct.pack("<I", prepared.number), 0))
        client.read_packet()
        for _ in range(MAX_PACKET // MIB // 2):
            client.write_bytes(piece)
        must_be(outcome(client, execute_sent(prepared)), "1", "what is allowed")
        must_be(client.run("DELETE FROM texts").affected_rows, 1, "rows")


def check_reader(bed: Bed) -> None:
    """Who does not take the answers gets no further."""
    text = b"\x03SELECT REPEAT('x', 100000)"
    with bounded(bed), bed.client() as client:
        with Flood(client, frame(text, 0) * 100) as flood:
            flood.is_held_up()
            serves_others(bed)
            client.stream.shutdown(2)  # which ends the flood
        until(lambda: not busy(bed), "the servers are free")


def busy(bed: Bed) -> bool:
    for node in bed.cluster.nodes:
        with root_session(node) as root:
            if root.query("SELECT ID FROM information_schema.processlist WHERE INFO LIKE 'SELECT REPEAT%'"):
                return True
    return False


def check_bombs(bed: Bed) -> None:
    """Compressed packets of a few bytes that become 16 MiB each."""
    piece = MAX_PACKET - 8
    plain = long_data(NOBODYS, b"x" * (piece - 7)) * 3
    methods = [rawcompression.Method.zlib] + [rawcompression.Method.zstd] * (bed.cluster.flavor == "mysql")
    for method in methods:
        with bounded(bed), Client.tcp(HOST, bed.weir.port) as client:
            client.login(accounts.APP.name, accounts.APP.password, SCHEMA,
                         capabilities=DEFAULT_CAPABILITIES | CLIENT_CONNECT_WITH_DB | method.value)
            below = rawcompression.PackedSocket.put_under(client, method)
            packet = rawcompression.packet(rawcompression.pack(method, plain), 0, len(plain))
            for _ in range(20):
                below.send_raw(packet)
            serves_others(bed)
            client.ping()


def check_smaller_server(bed: Bed) -> None:
    """A server whose own limit is lower than weir's refuses the command. Whether its error comes through before the
    connection breaks is chance."""
    usual = bed.root("SELECT @@GLOBAL.max_allowed_packet")[0][0]
    try:
        bed.root(f"SET GLOBAL max_allowed_packet = {MIB}")
        for thread in bed.threads():
            bed.root(f"KILL {thread}")
        until(lambda: not bed.threads(), "the old connections are gone")
        for _ in range(5):
            with bed.client() as client:
                try:
                    client.run("INSERT INTO texts VALUES (1, '" + "x" * 3 * MIB + "')")
                except ServerError as error:
                    must_be(error.code in (1153, 1158), True, f"the error {error.code}")
                except OSError:
                    pass
            serves_others(bed)
            must_be(bed.count("texts"), 0, "rows")
    finally:
        bed.root(f"SET GLOBAL max_allowed_packet = {usual}")
        for thread in bed.threads():
            bed.root(f"KILL {thread}")


def check_over_the_limit(bed: Bed) -> None:
    """Refused at the header, in the middle of a transaction as well: which is over then."""
    with bed.client() as client:
        client.run("BEGIN")
        client.run("INSERT INTO t VALUES (1)")
        client.write_bytes(header(MAX_PACKET + 1))
        error = ServerError(client.read_packet())
        must_be((error.code, error.sqlstate), (1153, "08S01"), "the error")
    serves_others(bed)


TESTS = (
    ("flood: prepared statements", check_prepares),
    ("flood: prepared statements that are closed again, and long ones", check_prepares_and_closes),
    ("flood: commands without an answer", check_no_answers),
    ("flood: long data", check_too_much_long_data),
    ("flood: answers that are not taken", check_reader),
    ("flood: compressed packets that become large", check_bombs),
    ("flood: a command above the limit", check_over_the_limit),
    ("flood: a command above the server's limit", check_smaller_server),
)
