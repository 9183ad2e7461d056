"""The command line clients of MySQL and MariaDB, with the programs that come with them.

    command_line.py mysql|mariadb

An observation is everything that one run of the program printed, and its exit code.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

COMPAT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(COMPAT / "python"), str(COMPAT.parent / "support")]

from cluster import debian_unstable, lifecycle, state  # noqa: E402 (the path has to be set first)
from cluster.servers import root_session  # noqa: E402
from scenario import DATABASE, HOST, MYSQL, PASSWORD, PORT, USER, main, observe, pattern, scenario  # noqa: E402

ORACLE = sys.argv[1] == "mysql"
PATIENCE_SECONDS = 40
BIG = 17 << 20
CLUSTER = Path(os.environ.get("COMPAT_CLUSTER", ""))


def program(name: str) -> list[str]:
    """The start of a command line: the program, no option files, the account. TLS where the servers have it: MySQL."""
    account = [f"--host={HOST}", f"--port={PORT}", f"--user={USER}", f"--password={PASSWORD}"]
    if ORACLE:
        release = debian_unstable.installed(debian_unstable.MYSQL)
        assert release is not None, "the MySQL programs are missing: run `test/cluster fetch-mysql`"
        return [str(release.client.parent / name), "--no-defaults", *account, "--ssl-mode=REQUIRED"]
    mariadb_name = {"mysql": "mariadb", "mysqladmin": "mariadb-admin", "mysqldump": "mariadb-dump"}[name]
    return [mariadb_name, "--no-defaults", *account, "--skip-ssl"]


def run(name: str, *options: str, text: str = "", environment: dict[str, str] | None = None) -> str:
    """What a program printed, cleaned of times, and how it ended."""
    lifecycle.catch_up(CLUSTER)  # each run is a session of its own, and may not see yet what the one before wrote
    done = subprocess.run([*program(name), *options], input=text, capture_output=True, text=True, check=False,
                          timeout=PATIENCE_SECONDS, env={**os.environ, **(environment or {})})
    return cleaned(done.stdout + done.stderr) + f"[exit {done.returncode}]"


def client(text: str, *options: str) -> str:
    """One run of the command line client on the test's database."""
    return run("mysql", "--default-character-set=utf8mb4", "--named-commands", *(["--commands"] if ORACLE else []),
               *options, DATABASE, text=text)


def cleaned(text: str) -> str:
    """Without the program's own remarks about passwords, and without times."""
    lines = [line for line in text.splitlines(keepends=True) if "Using a password on the command line" not in line]
    return re.sub(r"\(?\d+(\.\d+)? sec\)?|\d+ min \d+", "(time)", "".join(lines)).replace("\r", "")


@scenario(6)
def batch() -> None:
    observe("tables", client("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50), n DECIMAL(10,2));\n"
                             "INSERT INTO t (name, n) VALUES ('one', 1.5), ('naïve 😀', NULL), ('tab\\there', -7);\n"
                             "SELECT ROW_COUNT(); SELECT LAST_INSERT_ID(); SELECT * FROM t;\n"))
    observe("table format", client("SELECT * FROM t; SHOW CREATE TABLE t\\G".replace("\\G", ";"), "--table"))
    observe("vertical", client("SELECT id, name FROM t WHERE id < 3", "-E"))
    observe("xml", client("SELECT * FROM t", "--xml"))
    observe("raw", client("SELECT name FROM t; SELECT 'a\\nb'", "--raw", "--skip-column-names"))
    observe("html", client("SELECT id, n FROM t", "--html"))


@scenario(3)
def transactions() -> None:
    observe("rollback", client("CREATE TABLE tx (id INT); START TRANSACTION; INSERT INTO tx VALUES (1); SELECT * FROM tx; "
                               "ROLLBACK; SELECT COUNT(*) FROM tx;"))
    observe("commit", client("BEGIN; INSERT INTO tx VALUES (2); COMMIT; SELECT * FROM tx; "
                             "SET autocommit = 0; DELETE FROM tx; ROLLBACK; SELECT COUNT(*) FROM tx;"))
    observe("left open", client("BEGIN; INSERT INTO tx VALUES (3);") + client("SELECT COUNT(*) FROM tx FOR UPDATE"))


@scenario(5)
def verbose() -> None:
    observe("ddl and dml", client("CREATE TABLE v (id INT PRIMARY KEY, n TINYINT);\nINSERT INTO v VALUES (1, 1), (2, 2);\n"
                                  "UPDATE v SET n = 5;\nUPDATE v SET n = 5;\nDELETE FROM v WHERE id = 1;\n", "-vvv"))
    observe("warnings", client("SET sql_mode = '';\nINSERT INTO v VALUES (3, 1000);\nSELECT CAST('12x' AS SIGNED);\n"
                               "SELECT * FROM v ORDER BY id;\nDROP TABLE IF EXISTS absent;\n", "-vvv", "--show-warnings"))
    observe("show warnings", client("SET sql_mode = '';\nINSERT INTO v VALUES (4, 1000);\nSHOW WARNINGS;\n"
                                    "SELECT CAST('y' AS SIGNED);\nSHOW COUNT(*) WARNINGS;\n"
                                    "SHOW WARNINGS;\n"))
    observe("info", client("INSERT INTO v SELECT id + 10, n FROM v;\nINSERT IGNORE INTO v VALUES (11, 1), (2, 2);\n"
                           "ALTER TABLE v ADD COLUMN extra INT;\nREPLACE INTO v VALUES (2, 2, 2);\n", "-vvv"))
    observe("unbuffered", client("SELECT * FROM v ORDER BY id;\nSELECT COUNT(*) FROM v;\n", "--quick", "-vv"))


@scenario(6)
def errors() -> None:
    for label, text in (("syntax", "SELEC 1"), ("no table", "SELECT * FROM absent"),
                        ("duplicate", "CREATE TABLE e (id INT PRIMARY KEY); INSERT INTO e VALUES (1); "
                                      "INSERT INTO e VALUES (1); SELECT 'not reached'"),
                        ("no database", "USE absent_database")):
        observe(label, client(text))
    observe("force", client("SELEC 1;\nSELECT * FROM absent;\nINSERT INTO e VALUES (1);\nSELECT * FROM e;\n", "--force"))
    observe("wrong password", run("mysql", "--password=wrong", "-e", "SELECT 1"))


@scenario(4)
def procedures() -> None:
    observe("delimiter", client("DELIMITER //\nCREATE PROCEDURE p (IN a INT, OUT b INT)\nBEGIN\n  SELECT a AS first;\n"
                                "  SET b = a * 2;\n  SELECT 'second' AS word, b;\nEND//\nDELIMITER ;\n"
                                "CALL p(21, @b);\nSELECT @b;\n", "-vv"))
    observe("function", client("DELIMITER //\nCREATE FUNCTION f (a INT) RETURNS INT DETERMINISTIC\nBEGIN\n  RETURN a + 1;\n"
                               "END//\nDELIMITER ;\nSELECT f(1), f(2);\n"))
    observe("prepared", client("SET @n = 3; PREPARE s FROM 'SELECT ? * 2 AS twice'; EXECUTE s USING @n; "
                               "DEALLOCATE PREPARE s; EXECUTE s USING @n;"))
    observe("signal", client("DELIMITER //\nCREATE PROCEDURE bad ()\nBEGIN\n  SELECT 1;\n"
                             "  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'my own', MYSQL_ERRNO = 5001;\nEND//\n"
                             "DELIMITER ;\nCALL bad();\n"))


@scenario(3)
def diagnostics() -> None:
    """What the statement before left behind, asked for after reads that a proxy may have sent elsewhere."""
    observe("prepare", client("CREATE TABLE dg (id INT PRIMARY KEY AUTO_INCREMENT, n TINYINT)"))
    observe("counts", client("INSERT INTO dg (n) VALUES (1), (2), (3); SELECT id FROM dg; "
                             "SELECT LAST_INSERT_ID(), ROW_COUNT(); SELECT ROW_COUNT(), FOUND_ROWS();"))
    # MariaDB keeps the warnings over a read without a table, MySQL does not.
    observe("warnings", client("SET sql_mode = ''; INSERT INTO dg (n) VALUES (1000); SELECT 1; SHOW WARNINGS;"))


@scenario(4)
def source() -> None:
    path = Path(f"/tmp/weir-compat-{PORT}-{sys.argv[1]}.sql")
    path.write_text("CREATE TABLE src (id INT);\nINSERT INTO src VALUES (1), (2);\nSELECT * FROM src;\nUSE sbtest\n"
                    f"SELECT DATABASE();\nUSE {DATABASE}\n")
    observe("source", client(f"source {path}\nSELECT COUNT(*) FROM src;\n").replace(str(path), "FILE"))
    observe("stdin", client(path.read_text().replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")))
    observe("status", "\n".join(line for line in client("status", "-vv").splitlines() if re.match(
        r"Current (user|database)|Server( version|\s+charact)|Db +charact|Client charact|Conn\. +charact|Protocol|SSL|Conn",
        line) and not line.startswith("Connection id")))
    observe("reconnect", client(f"SELECT 1;\nconnect {DATABASE}\nSELECT DATABASE();\n", "--skip-column-names")
            .replace("\n", " ").split("Connection id")[0] + "...")
    path.unlink()


@scenario(4)
def load_local() -> None:
    path = Path(f"/tmp/weir-compat-{PORT}-{sys.argv[1]}.csv")
    path.write_text("".join(f"{number},liné {number} 😀\n" for number in range(20000)))
    load = f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE l FIELDS TERMINATED BY ','"
    observe("load", client("CREATE TABLE l (id INT PRIMARY KEY, line VARCHAR(40) CHARACTER SET utf8mb4);\n" + load +
                           ";\nSELECT COUNT(*), SUM(id), MAX(HEX(line)) FROM l;\n", "--local-infile=1", "-vv").replace(
                               str(path), "FILE"))
    observe("again", client(load + ";\nSHOW COUNT(*) WARNINGS;\n", "--local-infile=1", "-vv").replace(str(path), "FILE"))
    observe("not allowed", client(load, "--local-infile=0").replace(str(path), "FILE"))
    observe("no file", client("LOAD DATA LOCAL INFILE '/tmp/absent.csv' INTO TABLE l;\nSELECT COUNT(*) FROM l;\n",
                              "--local-infile=1", "--force"))
    path.unlink()


@scenario(3)
def blobs() -> None:
    text = pattern(BIG // 2).hex()
    for size in (4 << 20, len(text)):
        piece = text[:size]
        observe(f"{size} letters", client(f"CREATE TABLE IF NOT EXISTS b (id INT AUTO_INCREMENT PRIMARY KEY, data LONGBLOB);"
                                          f"\nINSERT INTO b (data) VALUES (x'{piece}');\n"
                                          f"SELECT LENGTH(data), SHA2(data, 256) FROM b;\n", "--max-allowed-packet=64M"))
    whole = client("SELECT HEX(data) FROM b ORDER BY id", "--max-allowed-packet=64M", "--skip-column-names")
    observe("read back", whole.lower() == text[:4 << 20] + "\n" + text + "\n[exit 0]")


def compressed(*options: str) -> None:
    """Small and big packets both ways, and whether the client says that it compresses.

    SHOW STATUS would tell of the server's connection, which is weir's: compressed or not as weir's configuration says.
    """
    text = pattern(1 << 20).hex()
    observe("write", client("CREATE TABLE IF NOT EXISTS z (data LONGTEXT); DELETE FROM z; "
                            f"INSERT INTO z VALUES ('{text}'); SELECT LENGTH(data) FROM z;", *options))
    observe("read", client("SELECT data FROM z", *options, "--skip-column-names") == text + "\n[exit 0]")
    observe("error", client("SELECT * FROM absent;", *options))
    observe("in use", re.findall(r"Protocol:\s+(\w+)", client("status", "-vv", *options)))


@scenario(4, feature="compress")
def compression() -> None:
    compressed("--compress")


if ORACLE:
    @scenario(4, feature="compress")
    def compression_zlib() -> None:
        compressed("--compression-algorithms=zlib")

    if MYSQL:
        @scenario(4, feature="zstd")
        def compression_zstd() -> None:
            compressed("--compression-algorithms=zstd", "--zstd-compression-level=7")


@scenario(4)
def administration() -> None:
    observe("ping", run("mysqladmin", "ping"))
    observe("version", next(line for line in run("mysqladmin", "version").splitlines() if "Server version" in line))
    observe("databases", run("mysqladmin", "create", "compat_extra") + run("mysqladmin", "--force", "drop", "compat_extra"))
    observe("variables", bool(re.search(r"max_allowed_packet +\| 67108864", run("mysqladmin", "variables"))))


@scenario(4)
def dump() -> None:
    client("CREATE TABLE d1 (id INT PRIMARY KEY AUTO_INCREMENT, data BLOB, word VARCHAR(20)); "
           "INSERT INTO d1 (data, word) VALUES (x'00ff27', 'naïve 😀'), (NULL, ''); CREATE VIEW d2 AS SELECT id FROM d1; "
           "CREATE TRIGGER d3 BEFORE INSERT ON d1 FOR EACH ROW SET NEW.word = UPPER(NEW.word); "
           "CREATE PROCEDURE d4 () SELECT 1;")
    tables = [DATABASE, "d1", "d2"]
    options = ["--routines", "--hex-blob", "--skip-dump-date"]
    if ORACLE and MYSQL:
        options.append("--set-gtid-purged=OFF")
    observe("consistent", run("mysqldump", *options, "--single-transaction", *tables))
    observe("locked", run("mysqldump", *options, "--lock-tables", *tables))
    observe("rows only", run("mysqldump", *options, "--no-create-info", "--skip-extended-insert", DATABASE, "d1"))
    text = run("mysqldump", *options, "--single-transaction", DATABASE, "d1").split("[exit")[0]
    observe("put back", client("DROP TABLE d1;" + text + "SELECT id, HEX(data), word FROM d1;"))


@scenario(3)
def interrupt() -> None:
    """Ctrl-C on a terminal: the client opens a second connection and kills the statement of the first."""
    child, terminal = pty.fork()
    if child == 0:
        arguments = [*program("mysql"), DATABASE]
        os.execvp(arguments[0], arguments)
    try:
        expect(terminal, "> ")
        os.write(terminal, b"SELECT SLEEP(100) /* to be interrupted */;\n")
        observe("runs", wait_for(lambda: sleeping() == 1))
        os.write(terminal, b"\x03")
        observe("stopped", wait_for(lambda: sleeping() == 0))
        os.write(terminal, b"SELECT 'still ', 40 + 2 AS answer;\n")
        expect(terminal, "42")
        observe("usable", True)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        end_sleepers()


def expect(terminal: int, text: str) -> None:
    """Read the terminal until `text` shows."""
    seen = ""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while text not in seen:
        if not select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
            raise AssertionError(f"the terminal does not show {text!r} but {seen!r}")
        seen += os.read(terminal, 4096).decode(errors="replace")


def wait_for(condition: object) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS / 2
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise AssertionError("the event did not come")
        time.sleep(0.05)
    return True


def sleeping() -> int:
    """How many statements sleep, on all servers."""
    return len(sleepers())


def sleepers() -> list[tuple[state.Node, str]]:
    found = []
    for node in state.load(CLUSTER).nodes:
        with root_session(node) as session:
            for row in session.query("SELECT id FROM information_schema.processlist "
                                     "WHERE info LIKE '%SLEEP(100)%' AND info NOT LIKE '%processlist%'"):
                found.append((node, str(row[0])))
    return found


def end_sleepers() -> None:
    for node, number in sleepers():
        with root_session(node) as session:
            session.query(f"KILL {number}")


main()
