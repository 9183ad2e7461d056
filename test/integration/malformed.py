#!/usr/bin/env python3
"""Sends broken packets to a real server and to weir, and compares what they say.

Compared are the error number, the SQLSTATE, the packet's sequence number, and whether the connection lives. Where weir
answers otherwise on purpose, its answer is listed with the reason, and must be that one.
WEIR_TEST_CLUSTER names a running cluster's folder, WEIR_BINARY the program. The last line is
`N passed, N failed`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import rawmysql as raw  # noqa: E402
from cluster import accounts, state  # noqa: E402
from cluster.servers import root_session  # noqa: E402
from cluster.state import Cluster  # noqa: E402
from compression_cases import COMPRESSION_CASES, COMPRESSION_DIFFERENCES  # noqa: E402
from limit_cases import LIMIT_CASES, TABLE  # noqa: E402
from malformed_cases import ATTRIBUTE_CASES, BULK_CASES, COMMAND_CASES, LOGIN_CASES, SILENCE, Case  # noqa: E402
from rawcompression import Method, PackedSocket  # noqa: E402
from rawmysql import Connection, ConnectionLost  # noqa: E402
from weir import Settings, Weir, running  # noqa: E402

PATIENCE = 30.0  # for an answer that must come
CLOSING = 5.0    # for the end behind an error, which comes with it
OTHER_SESSIONS = 8
PING = raw.frame(bytes([raw.COM_PING]), 0)

BAD_HANDSHAKE = "1043 (08S01) sequence 2, closed"
TOO_LONG = "1153 (08S01) sequence 2, closed"
REFUSED = "1045 (28000) sequence 2, closed"
NO_STATEMENT = "1243 (HY000) sequence 1, lives"
NO_LOGIN = "1047 (08S01) sequence 1, closed"
# What weir answers otherwise on purpose, with the reason, by flavour ("" is both) and case.
DIFFERENCES: dict[tuple[str, str], tuple[str, str]] = {
    ("", "response: a header of 16 MiB"):
        (TOO_LONG, "a stranger gets 64 KiB: weir refuses at the header, a server waits for more"),
    ("", "response: more attributes than a stranger may send"):
        (TOO_LONG, "a stranger gets 64 KiB: weir refuses at the header"),
    ("", "response: schema without its end"):
        (BAD_HANDSHAKE, "a server reads to the packet's end, weir takes no text without its end"),
    ("mysql", "response: a user of 300 bytes"): (REFUSED, "the same refusal, one step earlier"),
    ("mysql", "response: SSL asked for"):
        ("silence, closed", "weir ends without a word what is no TLS; a server says in clear that it is none"),
    ("mysql", "response: SSL asked for, and a login behind it"): ("closed", "the same"),
    ("mariadb", "response: SSL asked for"): ("silence, closed", "weir offers TLS, this server does not"),
    ("mariadb", "response: SSL asked for, and a login behind it"): ("closed", "weir offers TLS, this server does not"),
    ("mariadb", "response: the password in clear, under another method"):
        (REFUSED, "weir knows that method, which MariaDB does not, and sees that this is no proof of it"),
    ("mariadb", "response: the oldest method"):
        ("switch or end sequence 2, lives", "weir asks for another method, as a MySQL does"),
    ("mysql", "response: a proof of 255 bytes"): (BAD_HANDSHAKE, "weir says what a MariaDB says"),
    ("mariadb", "bulk: unknown statement"): (NO_STATEMENT, "weir looks for the statement first"),
    ("mariadb", "execute: no parameters"):
        ("1835 (HY000) sequence 1, lives", "weir looks first, and says what a MySQL says"),
    ("mysql", "reset: half an id"): (NO_STATEMENT, "weir says what a MariaDB says"),
    ("mysql", "fetch: half an id"): (NO_STATEMENT, "weir says what a MariaDB says"),
    ("mysql", "close: half an id"): ("lives", "a command without an answer has none, as with a MariaDB"),
    ("mysql", "long data: half an id"): ("lives", "a command without an answer has none, as with a MariaDB"),
    ("mariadb", "change user: empty"): (NO_LOGIN, "weir closes after a login that it cannot read, as a MySQL does"),
    ("mariadb", "change user: no end"): (NO_LOGIN, "weir closes after a login that it cannot read, as a MySQL does"),
    ("mariadb", "change user: proof too long"):
        (NO_LOGIN, "weir closes after a login that it cannot read, as a MySQL does"),
    ("", "file: a wrong number"):
        ("lives", "weir counts the packets of a file itself, as those of compressing clients need"),
    ("", "file: a wrong number at the end"): ("lives", "the same"),
} | COMPRESSION_DIFFERENCES | {
    ("mysql", f"response: {name}"):
        (REFUSED, "MySQL from 9.0 does not know mysql_native_password, and asks for another method")
    for name in ("a schema with a path in it", "a schema of 300 bytes", "a user of control characters",
                 "no user's name at all", "the character set 0", "a character set that nobody has",
                 "an attribute longer than all of them", "ten thousand attributes")
}


def observe(connection: Connection, case: Case) -> str:
    """What the other side makes of a case, in one line."""
    try:
        case.send(connection)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it closed while we wrote: the answer is still to be read
    seen = []
    if case.answers:
        # In compressed packets a server gives those inside the numbers of those around them, now and then.
        answer = _answer(connection, SILENCE if case.waits else PATIENCE)
        seen.append(answer.split(" sequence")[0] if case.compression else answer)
    seen.append(_life(connection, case) if seen != ["closed"] else "")
    return ", ".join(part for part in seen if part)


def _answer(connection: Connection, patience: float) -> str:
    connection.stream.settimeout(patience)
    try:
        packet = connection.read_packet()
    except TimeoutError:
        return "silence"
    except (ConnectionLost, ConnectionResetError):
        return "closed"
    sequence = (connection.sequence - 1) % 256
    if packet[:1] == b"\xff":
        error = raw.ServerError(packet)
        return f"{error.code} ({error.sqlstate}) sequence {sequence}"
    if packet[:1] == b"\x00":
        return f"OK sequence {sequence}"
    if packet[:1] == b"\xfe":
        return f"switch or end sequence {sequence}"
    return f"result sequence {sequence}"


def _life(connection: Connection, case: Case) -> str:
    """Is the connection still there? A ping asks a session; a login is sent a proof that is none."""
    connection.stream.settimeout(SILENCE if case.waits else PATIENCE)
    said = []
    try:
        connection.write_bytes(PING if case.logged_in else raw.frame(b"no proof", connection.sequence))
        while True:
            packet = connection.read_packet()
            if not case.logged_in:
                return "lives"
            if packet[:1] == b"\x00" and len(packet) >= 7:
                return ", ".join([*said, "lives"])
            if packet[:1] == b"\xff":
                error = raw.ServerError(packet)
                said.append(f"then {error.code} ({error.sqlstate})")
                connection.stream.settimeout(CLOSING)
    except TimeoutError:
        return ", ".join([*said, "silent"]) if case.logged_in else "lives"
    except (ConnectionLost, OSError):
        return ", ".join([*said, "closed"])


@contextlib.contextmanager
def session(opener: Callable[[], Connection], case: Case) -> Iterator[Connection]:
    with contextlib.closing(opener()) as connection:
        connection.read_greeting()
        if case.logged_in:
            compression = case.compression.value if case.compression else 0
            connection.login(accounts.APP.name, accounts.APP.password,
                             capabilities=raw.DEFAULT_CAPABILITIES | case.capabilities | compression)
        if case.compression:
            PackedSocket.put_under(connection, case.compression)
        yield connection


def outcome(opener: Callable[[], Connection], case: Case) -> str:
    if case.others is not None:
        # More than one of each, so that what others left on a pooled connection is met again.
        for _ in range(OTHER_SESSIONS):
            outcome(opener, case.others)
        alone = replace(case, others=None)
        return " or ".join(sorted({outcome(opener, alone) for _ in range(OTHER_SESSIONS)}))
    try:
        with session(opener, case) as connection:
            return observe(connection, case)
    except AssertionError as error:
        return str(error)


def judge(flavor: str, case: Case, server: str, weir: str) -> str:
    """Empty when all is well, else what is wrong."""
    listed = DIFFERENCES.get((flavor, case.name)) or DIFFERENCES.get(("", case.name))
    if listed is None:
        return "" if weir == server else f"the server: {server}; weir: {weir}"
    wanted, reason = listed
    if weir != wanted:
        return f"weir: {weir}; instead of: {wanted} ({reason})"
    return f"no difference any more, but one is listed: {reason}" if weir == server else ""


def cases(cluster: Cluster) -> Iterator[tuple[int, list[Case]]]:
    """All of them, by the longest command that server and weir take; 0 is the usual."""
    own = ATTRIBUTE_CASES if cluster.flavor == "mysql" else BULK_CASES
    packed = [case for case in COMPRESSION_CASES if cluster.flavor == "mysql" or case.compression is Method.zlib]
    yield 0, LOGIN_CASES + COMMAND_CASES + own + packed
    yield from LIMIT_CASES.items()


@contextlib.contextmanager
def limited(cluster: Cluster, limit: int) -> Iterator[Settings]:
    """What makes weir take as long commands as the server does, which takes what is shorter than its limit; and
    wrong passwords without end, so that each of them is looked at."""
    keys = {"login_failures": "0"}
    if not limit:
        yield {"limits": keys}
        return
    with root_session(cluster.node(cluster.primary)) as root:
        usual = root.query("SELECT @@GLOBAL.max_allowed_packet")[0][0]
        root.query(f"SET GLOBAL max_allowed_packet = {limit}")
        try:
            yield {"limits": keys | {"max_packet": f'"{limit - 1}B"'}}
        finally:
            root.query(f"SET GLOBAL max_allowed_packet = {usual}")


def compare(weir: Weir, cluster: Cluster, some: list[Case], counts: dict[bool, int]) -> None:
    node = cluster.node(cluster.primary)
    for case in some:
        # Over its socket a server takes the password without TLS; what follows is the same.
        server = outcome(lambda: Connection.unix(str(node.socket), PATIENCE), case)
        ours = outcome(lambda: Connection.tcp(state.HOST, weir.port, PATIENCE), case)
        wrong = judge(cluster.flavor, case, server, ours)
        counts[not wrong] += 1
        print(f"{'FAILED' if wrong else 'ok'}  {case.name}: {wrong or ours}", flush=True)
        if not weir.running():
            print(f"FAILED  weir has ended:\n{weir.log_tail()}")
            counts[False] += 1
            return
    # After all that, it serves as before.
    with contextlib.closing(weir.connect()) as connection:
        alive = connection.query("SELECT 'well'") == [("well",)]
    counts[alive] += 1
    print(f"{'ok' if alive else 'FAILED'}  it still serves")


def main() -> int:
    cluster = state.load(Path(os.environ["WEIR_TEST_CLUSTER"]))
    with root_session(cluster.node(cluster.primary)) as root:
        root.query(f"CREATE TABLE IF NOT EXISTS {TABLE} (id INT)")
    counts = {True: 0, False: 0}
    for limit, some in cases(cluster):
        with limited(cluster, limit) as settings, tempfile.TemporaryDirectory(prefix="weir-malformed.") as folder, \
                running(Path(os.environ["WEIR_BINARY"]), cluster, Path(folder), 1, settings) as weir:
            compare(weir, cluster, some, counts)
            weir.stop()
            assert weir.process is not None
            if weir.process.returncode != 0:  # a sanitizer speaks up at the end
                print(f"FAILED  weir ended with code {weir.process.returncode}:\n{weir.log_tail()}")
                counts[False] += 1
    print(f"{counts[True]} passed, {counts[False]} failed")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    socket.setdefaulttimeout(PATIENCE)
    sys.exit(main())
