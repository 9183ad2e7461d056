"""Many commands in one write: all answers come, in order, and each command meets what those before it have left.

A client may send as far ahead as it likes. What a statement is and where it may run depends on the state after the
statement before, which weir knows only when that has been answered.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from collections.abc import Callable

import rawcompression
from attack_bed import MIB, SCHEMA, Bed, must_be, until
from cluster import accounts, lifecycle
from cluster.state import HOST
from leak.client import Client, Prepared
from rawmysql import (CLIENT_CONNECT_WITH_DB, DEFAULT_CAPABILITIES, MAX_FRAME, ConnectionLost, ResultSet, ServerError,
                      frame)

SETTINGS = {"server": {"max_connections": "2"}, "pool": {"mode": '"transaction"'}}
CLIENT_LOCAL_FILES = 1 << 7
COM_QUIT, COM_INIT_DB, COM_QUERY, COM_PING, COM_RESET_CONNECTION = 0x01, 0x02, 0x03, 0x0E, 0x1F
COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_CLOSE = 0x16, 0x17, 0x19
LAST_PREPARED = 0xFFFFFFFF  # on MariaDB, the statement prepared last
WHERE = "SELECT @@server_id FROM (SELECT 1) AS t"


class Pipeline:
    """Commands that are collected and then sent at once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.frames: list[bytes] = []
        self.readers: list[Callable[[], object]] = []

    def add(self, code: int, argument: bytes, read: Callable[[], object] | None) -> Pipeline:
        payload = bytes([code]) + argument
        data, sequence = b"", 0
        while True:
            data += frame(payload[:MAX_FRAME], sequence)
            sequence += 1
            if len(payload) < MAX_FRAME:
                break
            payload = payload[MAX_FRAME:]
        self.frames.append(data)
        if read is not None:
            self.readers.append(read)
        return self

    def query(self, *texts: str | bytes) -> Pipeline:
        for text in texts:
            self.add(COM_QUERY, text if isinstance(text, bytes) else text.encode(), self.rows)
        return self

    def execute(self, number: int, value: str | None = None) -> Pipeline:
        argument = struct.pack("<IBI", number, 0, 1)
        if value is not None:
            argument += b"\0\1\xfe\0" + bytes([len(value)]) + value.encode()
        return self.add(COM_STMT_EXECUTE, argument, self.binary_rows)

    def prepare(self, text: str) -> Pipeline:
        return self.add(COM_STMT_PREPARE, text.encode(), self.prepared)

    # How answers are read: rows, a count of changed rows, or an error as "E1062".

    def rows(self) -> object:
        return self._answer(self.client.read_result)

    def binary_rows(self) -> object:
        return self._answer(self.client.read_binary_result)

    def prepared(self) -> object:
        try:
            return self.client.read_prepared()
        except ServerError as error:
            return f"E{error.code}"

    def _answer(self, read: Callable[[], ResultSet]) -> object:
        try:
            result = read()
        except ServerError as error:
            return f"E{error.code}"
        return result.rows if result.rows or result.columns else result.affected_rows

    def answers(self) -> list[object]:
        """Of those commands that have one. They are sent from a thread, because nobody has to read so far ahead."""
        sender = threading.Thread(target=self._send, daemon=True)
        sender.start()
        found = []
        for read in self.readers:
            self.client.sequence = 255
            found.append(read())
        sender.join()
        return found

    def _send(self) -> None:
        if isinstance(self.client.stream, rawcompression.PackedSocket):
            # Servers want compressed packets that begin where commands do.
            self.client.stream.send_raw(b"".join(rawcompression.packet(one, 0) for one in self.frames))
        else:
            self.client.write_bytes(b"".join(self.frames))


# Each statement with what must be answered, in one session. "R": by any server, and by a replica in the end;
# "P": by the primary.
SESSION: list[tuple[str, object]] = [
    (WHERE, "R"),
    ("INSERT INTO t VALUES (1)", 1),
    ("SELECT COUNT(*) FROM t", [("1",)]),
    ("INSERT INTO t VALUES (1)", "E1062"),
    ("INSERT INTO t VALUES (2)", 1),
    ("SELECT COUNT(*) FROM t", [("2",)]),
    ("BEGIN", 0),
    (WHERE, "P"),
    ("DELETE FROM t", 2),
    ("SELECT COUNT(*) FROM t", [("0",)]),
    ("ROLLBACK", 0),
    ("SELECT COUNT(*) FROM t", [("2",)]),
    ("SELEC 1", "E1064"),
    # With backslashes that escape, the next one is one string; without, it locks rows.
    ("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", 0),
    ("SELECT '\\', @@server_id FROM (SELECT 1) AS t FOR UPDATE -- '", [("\\", "1")]),
    ("SET sql_mode = ''", 0),
    ("SELECT '\\', @@server_id FROM (SELECT 1) AS t FOR UPDATE -- '", [("', @@server_id FROM (SELECT 1) AS t "
                                                                        "FOR UPDATE -- ",)]),
    ("SET sql_mode = 'ANSI_QUOTES'", 0),
    ('SELECT "id" FROM t ORDER BY "id"', [("1",), ("2",)]),
    ("SET sql_mode = ''", 0),
    ('SELECT "id" FROM t', [("id",), ("id",)]),
    ("SET autocommit = 0", 0),
    (WHERE, "P"),
    ("DELETE FROM t WHERE id = 2", 1),
    ("ROLLBACK", 0),
    ("SET autocommit = 1", 0),
    ("USE app", 0),
    ("SELECT DATABASE()", [("app",)]),
    ("SELECT COUNT(*) FROM t", "E1146"),
    (f"USE {SCHEMA}", 0),
    ("SELECT DATABASE(), COUNT(*) FROM t", [(SCHEMA, "2")]),
    ("START TRANSACTION READ ONLY", 0),
    ("DELETE FROM t", "E1792"),
    ("COMMIT", 0),
    ("CREATE TEMPORARY TABLE own (v INT)", 0),
    ("INSERT INTO own VALUES (7)", 1),
    ("SELECT v, @@server_id FROM own", [("7", "1")]),
    ("DROP TEMPORARY TABLE own", 0),
    ("SET @v = 'mine'", 0),
    ("SELECT @v, @@server_id", [("mine", "1")]),
    ("DELETE FROM t", 2),
    ("SELECT ROW_COUNT()", [("2",)]),
]


def entered(bed: Bed, capabilities: int) -> Client:
    client = Client.tcp(HOST, bed.weir.port)
    client.login(accounts.APP.name, accounts.APP.password, SCHEMA,
                 capabilities=DEFAULT_CAPABILITIES | CLIENT_CONNECT_WITH_DB | capabilities)
    if capabilities & rawcompression.CLIENT_COMPRESS:
        rawcompression.PackedSocket.put_under(client, rawcompression.Method.zlib)
    return client


def judge_session(answers: list[object]) -> bool:
    """Whether replicas have answered what they may answer."""
    split = True
    for (statement, wanted), found in zip(SESSION, answers, strict=True):
        if wanted == "R":
            must_be(found in ([("1",)], [("2",)], [("3",)]), True, f"{statement} gives {found}")
            split = split and found != [("1",)]
        else:
            must_be(found, [("1",)] if wanted == "P" else wanted, statement)
    return split


def check_session(bed: Bed, capabilities: int = 0) -> None:
    def run() -> bool:
        with entered(bed, capabilities) as client:
            pipeline = Pipeline(client).query(*(statement for statement, _ in SESSION))
            pipeline.add(COM_RESET_CONNECTION, b"", pipeline.rows).query("SELECT @v").add(COM_PING, b"", pipeline.rows)
            answers = pipeline.answers()
            must_be(answers[-3:], [0, [(None,)], 0], "the reset and what follows it")
            return judge_session(answers[:-3])
    until(run, "reads on a replica")


def check_pieces(bed: Bed) -> None:
    """The same bytes, cut at odd places."""
    for size in (1, 3, 5, 1000):
        with entered(bed, 0) as client:
            pipeline = Pipeline(client).query(*(statement for statement, _ in SESSION))
            data = b"".join(pipeline.frames)
            pipeline.frames = []
            for start in range(0, len(data), size):
                client.write_bytes(data[start:start + size])
            judge_session(pipeline.answers())


def check_many(bed: Bed) -> None:
    with entered(bed, 0) as client:
        pipeline = Pipeline(client)
        for number in range(500):
            pipeline.query(f"INSERT INTO t VALUES ({number})", "SELECT MAX(id), COUNT(*) FROM t")
        wanted = [answer for number in range(500) for answer in (1, [(str(number), str(number + 1))])]
        must_be(pipeline.answers() == wanted, True, "five hundred writes and reads")
        must_be(client.run("DELETE FROM t").affected_rows, 500, "rows")


def check_prepared(bed: Bed) -> None:
    lifecycle.catch_up(bed.cluster.folder)  # with what other sessions have written
    with entered(bed, 0) as client:
        prepared = Pipeline(client).prepare("INSERT INTO t VALUES (?)").prepare(
            "SELECT CAST(COUNT(*) AS CHAR), CAST(@@server_id AS CHAR) FROM t").prepare("SELEC ?").prepare(
            "SELECT LENGTH(?), 'x'").answers()
        must_be(prepared[2], "E1064", "a statement that cannot be prepared")
        insert, count, length = (one.number for one in prepared if isinstance(one, Prepared))
        pipeline = Pipeline(client)
        pipeline.execute(count).execute(insert, "1").execute(count).execute(insert, "1").query("BEGIN")
        pipeline.execute(insert, "2").execute(count).query("ROLLBACK").execute(count)
        pipeline.add(COM_STMT_CLOSE, struct.pack("<I", insert), None).execute(insert, "3").query("DELETE FROM t")
        answers = pipeline.answers()
        for place, rows in ((0, "0"), (2, "1"), (8, "1")):
            found = answers[place]
            must_be(isinstance(found, list) and found[0][0], rows, f"the count of answer {place}")
        must_be([answers[place] for place in (1, 3, 4, 5, 6, 7, 9, 10)],
                [1, "E1062", 0, 1, [("2", "1")], 0, "E1243", 1], "the other answers")
        must_be(length in (insert, count), False, "ids that are the same")


def check_prepared_and_executed(bed: Bed) -> None:
    """In one write, by the id that the statement will have: MariaDB has a word for it, MySQL counts from 1."""
    with entered(bed, 0) as client:
        pipeline = Pipeline(client)
        for number in range(1, 20):
            pipeline.prepare(f"INSERT INTO t VALUES ({number})")
            pipeline.execute(LAST_PREPARED if bed.cluster.flavor == "mariadb" else number)
        answers = pipeline.query("SELECT COUNT(*) FROM t", "DELETE FROM t").answers()
        must_be(answers[1:-2:2], [1] * 19, "the executes")
        must_be(answers[-2:], [[("19",)], 19], "what they have inserted")


def check_long(bed: Bed) -> None:
    """A command that is streamed, with others in front and behind, one of which uses what it has written."""
    with entered(bed, 0) as client:
        pipeline = Pipeline(client)
        for number, size in enumerate((MIB - 40, MIB, 3 * MIB, 17 * MIB)):
            pipeline.query(WHERE, f"INSERT INTO texts VALUES ({number}, '{'v' * size}')",
                           f"SELECT LENGTH(v) FROM texts WHERE id = {number}")
            pipeline.query(f"SELECT LENGTH('{'w' * size}')")
        answers = pipeline.query("DELETE FROM texts").answers()
        for number, size in enumerate((MIB - 40, MIB, 3 * MIB, 17 * MIB)):
            must_be(answers[number * 4 + 1:number * 4 + 4], [1, [(str(size),)], [(str(size),)]], f"{size} bytes")
        must_be(answers[-1], 4, "rows")


def check_schemas(bed: Bed) -> None:
    """The schema that the commands before have chosen; one that does not exist changes nothing."""
    where = ("SELECT DATABASE()", "SELECT DATABASE(), @@server_id FROM (SELECT 1) AS t FOR UPDATE")
    with entered(bed, 0) as client:
        pipeline = Pipeline(client).query(where[0])
        for schema in ("app", "no_such_schema", SCHEMA, "app"):
            pipeline.add(COM_INIT_DB, schema.encode(), pipeline.rows).query(*where)
        pipeline.query(f"SELECT COUNT(*) FROM {SCHEMA}.t", "SELECT COUNT(*) FROM t")
        answers = pipeline.answers()

    def chosen(schema: str) -> list[object]:
        return [[(schema,)], [(schema, "1")]]
    must_be(answers, [[(SCHEMA,)], 0, *chosen("app"), "E1049", *chosen("app"), 0, *chosen(SCHEMA), 0, *chosen("app"),
                      [("0",)], "E1146"], "the answers")


def check_quit(bed: Bed) -> None:
    """What is behind a COM_QUIT never runs; what is in front is answered."""
    with entered(bed, 0) as client:
        pipeline = Pipeline(client).query("INSERT INTO t VALUES (1)", "SELECT COUNT(*) FROM t")
        pipeline.add(COM_QUIT, b"", None).add(COM_QUERY, b"INSERT INTO t VALUES (2)", None)
        must_be(pipeline.answers(), [1, [("1",)]], "the answers before it")
        must_be(ended(client), True, "the end")
    must_be(bed.root(f"SELECT id FROM {SCHEMA}.t"), [("1",)], "rows")
    bed.root(f"DELETE FROM {SCHEMA}.t")


def check_wrong_number(bed: Bed) -> None:
    with entered(bed, 0) as client:
        pipeline = Pipeline(client).query("INSERT INTO t VALUES (1)")
        pipeline.frames.append(frame(b"\x03INSERT INTO t VALUES (2)", 1))
        pipeline.add(COM_QUERY, b"INSERT INTO t VALUES (3)", None)
        must_be(pipeline.answers() + [pipeline.rows()], [1, "E1156"], "the answers")
        must_be(ended(client), True, "the end")
    must_be(bed.root(f"SELECT id FROM {SCHEMA}.t"), [("1",)], "rows")
    bed.root(f"DELETE FROM {SCHEMA}.t")


def ended(client: Client) -> bool:
    try:
        client.read_packet()
    except (ConnectionLost, ConnectionResetError):
        return True
    return False


def check_file(bed: Bed) -> None:
    """A file that is sent before it is asked for, in so many packets that their numbers go round. Its bytes are data,
    whatever they look like."""
    lines = [f"{number}" for number in range(600)]
    for capabilities in (0, rawcompression.CLIENT_COMPRESS):
        with entered(bed, CLIENT_LOCAL_FILES | capabilities) as client:
            pipeline = Pipeline(client)
            pipeline.add(COM_QUERY, b"LOAD DATA LOCAL INFILE 'lines' INTO TABLE t", client.read_packet)
            content = [f"{line}\n".encode() for line in lines] + [b"1000\tUSE app\n", b"1001\t\0\0\0\x0e\n", b""]
            file = b"".join(frame(line, 2 + number) for number, line in enumerate(content))
            if capabilities:  # compressed packets count on as well
                pieces = [file[start:start + 100] for start in range(0, len(file), 100)]
                below = client.stream
                assert isinstance(below, rawcompression.PackedSocket)
                below.send_raw(rawcompression.packet(pipeline.frames.pop(), 0))
                must_be(client.read_packet(), b"\xfblines", "the question for the file")
                below.send_raw(b"".join(rawcompression.packet(piece, below.sequence + number)
                                        for number, piece in enumerate(pieces)))
                pipeline.readers.clear()
            else:
                pipeline.frames.append(file)
            pipeline.readers.append(pipeline.rows)
            answers = pipeline.answers()
            must_be(answers[-1], 602, "rows that were loaded")
            must_be(client.one("SELECT DATABASE(), COUNT(*) FROM t"), (SCHEMA, "602"), "what follows")
            must_be(client.run("DELETE FROM t").affected_rows, 602, "rows")


def check_smuggling(bed: Bed) -> None:
    """Values that look like commands, in commands of the lengths where frames and what weir keeps come to an end."""
    bait = frame(b"\x03INSERT INTO t VALUES (13)", 0)
    head, tail = b"/* weir: primary */ SELECT SHA2('", b"', 256)"
    for size in (MIB - 5, MIB - 4, MIB - 3, MIB, MAX_FRAME - 1, MAX_FRAME, MAX_FRAME + 1, 2 * MAX_FRAME):
        for shift in (0, 1) if size <= MIB else (0,):
            room = size - 1 - len(head) - len(tail)
            value = (b"x" * shift + bait * (room // len(bait) + 1))[:room]
            with entered(bed, 0) as client:
                pipeline = Pipeline(client).query(head + value + tail, "/* weir: primary */ SELECT COUNT(*) FROM t")
                must_be(pipeline.answers(), [[(hashlib.sha256(value).hexdigest(),)], [("0",)]],
                        f"a command of {size} bytes")


TESTS = (
    ("pipeline: a session's statements in one write", check_session),
    ("pipeline: the same in compressed packets", lambda bed: check_session(bed, rawcompression.CLIENT_COMPRESS)),
    ("pipeline: the same in small pieces", check_pieces),
    ("pipeline: hundreds of writes and reads", check_many),
    ("pipeline: prepared statements", check_prepared),
    ("pipeline: prepared and executed in one write", check_prepared_and_executed),
    ("pipeline: long commands among short ones", check_long),
    ("pipeline: schemas", check_schemas),
    ("pipeline: behind COM_QUIT", check_quit),
    ("pipeline: behind a wrong sequence number", check_wrong_number),
    ("pipeline: a file that comes early", check_file),
    ("pipeline: commands inside of commands", check_smuggling),
)
