"""Scenarios for modules that follow Python's DB-API; a program hands over its module and ways to connect."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from contextlib import closing
from typing import Any

from scenario import DATABASE, digest, observe, pattern, scenario

Connect = Callable[..., Any]

WORDS = "na\u00efve \u4f60\u597d \U0001f600 \u0437\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439"


def rows(connection: Any, text: str, values: Any = None) -> Any:
    """Run a statement and return its rows, or the number of rows that it changed."""
    with closing(connection.cursor()) as cursor:
        cursor.execute(text, values)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def error_of(module: Any, action: Callable[[], object]) -> tuple[object, ...]:
    """Class, number and text of the error that `action` must raise."""
    try:
        action()
    except module.Error as error:
        return (type(error).__name__, *error.args)
    raise AssertionError("the server should have refused this")


def register(module: Any, connect: Connect) -> None:
    """The scenarios that both modules can run."""

    @scenario(9)
    def crud() -> None:
        with closing(connect()) as connection:
            observe("create", rows(connection, "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))"))
            with closing(connection.cursor()) as cursor:
                cursor.execute("INSERT INTO t (name) VALUES (%s)", ("one",))
                observe("insert", (cursor.rowcount, cursor.lastrowid))
                cursor.executemany("INSERT INTO t (name) VALUES (%s)", [("two",), ("three",), ("four's",)])
                observe("insert many", (cursor.rowcount, cursor.lastrowid))
            connection.commit()
            observe("read at once", rows(connection, "SELECT * FROM t ORDER BY id"))
            observe("last id", rows(connection, "SELECT LAST_INSERT_ID()"))
            observe("update", rows(connection, "UPDATE t SET name = CONCAT(name, '!') WHERE id > 1"))
            connection.commit()
            observe("read update", rows(connection, "SELECT name FROM t WHERE id = 2"))
            observe("delete", rows(connection, "DELETE FROM t WHERE id = 1"))
            connection.commit()
            observe("count", rows(connection, "SELECT COUNT(*), MIN(id) FROM t"))

    @scenario(21)
    def read_your_writes() -> None:
        with closing(connect(autocommit=True)) as connection:
            rows(connection, "CREATE TABLE w (id INT PRIMARY KEY, v INT)")
            rows(connection, "INSERT INTO w VALUES (1, 0)")
            for number in range(20):
                rows(connection, "UPDATE w SET v = v + 1 WHERE id = 1")
                observe(f"after update {number}", rows(connection, "SELECT v FROM w"))
            observe("session", rows(connection, "SELECT @@autocommit, DATABASE()"))

    @scenario(10)
    def transactions() -> None:
        with closing(connect()) as connection, closing(connect(autocommit=True)) as other:
            rows(connection, "CREATE TABLE tx (id INT PRIMARY KEY, v INT)")
            rows(connection, "INSERT INTO tx VALUES (1, 10)")
            observe("own view", rows(connection, "SELECT * FROM tx"))
            observe("other's view", rows(other, "SELECT COUNT(*) FROM tx"))
            connection.rollback()
            observe("after rollback", rows(connection, "SELECT * FROM tx"))
            rows(connection, "INSERT INTO tx VALUES (2, 20)")
            rows(connection, "SAVEPOINT s")
            rows(connection, "INSERT INTO tx VALUES (3, 30)")
            observe("before savepoint", rows(connection, "SELECT * FROM tx ORDER BY id"))
            rows(connection, "ROLLBACK TO SAVEPOINT s")
            observe("after savepoint", rows(connection, "SELECT * FROM tx"))
            connection.commit()
            observe("committed", rows(connection, "SELECT * FROM tx"))
            connection.commit()
            rows(connection, "START TRANSACTION READ ONLY")
            observe("read only", rows(connection, "SELECT * FROM tx"))
            observe("write refused", error_of(module, lambda: rows(connection, "INSERT INTO tx VALUES (9, 9)")))
            connection.rollback()
            connection.autocommit(True)
            rows(connection, "INSERT INTO tx VALUES (4, 40)")
            connection.rollback()
            observe("autocommit", rows(connection, "SELECT id FROM tx ORDER BY id"))
            observe("mode", rows(connection, "SELECT @@autocommit"))

    @scenario(8)
    def values() -> None:
        with closing(connect(autocommit=True)) as connection:
            rows(connection, "CREATE TABLE v (id INT PRIMARY KEY, big BIGINT, ubig BIGINT UNSIGNED, d DECIMAL(30,10), "
                             "f DOUBLE, day DATE, moment DATETIME(6), t TIME(3), b BLOB, s TEXT, j JSON, y YEAR)")
            insert = "INSERT INTO v VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            observe("full", rows(connection, insert, (
                1, -(2**63), 2**64 - 1, decimal.Decimal("-12345678901234567890.0123456789"), 0.1,
                datetime.date(2024, 2, 29), datetime.datetime(1999, 12, 31, 23, 59, 59, 123456),
                datetime.timedelta(hours=-30, minutes=-5), bytes(range(256)), "it's \\ \"text\"\n\0", '{"a": [1, null]}',
                2024)))
            observe("null", rows(connection, insert, (2,) + (None,) * 11))
            observe("empty", rows(connection, insert, (3, 0, 0, 0, 0.0, "2000-01-01", "2000-01-01", "00:00:00", b"",
                                                       "", "[]", 1970)))
            observe("numbers", rows(connection, "SELECT id, big, ubig, d, f, y FROM v ORDER BY id"))
            observe("times", rows(connection, "SELECT day, moment, t FROM v ORDER BY id"))
            observe("text", rows(connection, "SELECT b, s, j FROM v ORDER BY id"))
            with closing(connection.cursor()) as cursor:
                cursor.execute("SELECT * FROM v WHERE id = 1")
                observe("columns", [column[:2] for column in cursor.description])
                cursor.execute("SELECT COUNT(*) c, SUM(id) AS `sum of ids`, AVG(f), NOW(6) IS NULL, 1/3 FROM v")
                observe("computed", ([column[:2] for column in cursor.description], cursor.fetchall()))

    @scenario(6)
    def blobs() -> None:
        with closing(connect(autocommit=True)) as connection:
            rows(connection, "CREATE TABLE b (id INT PRIMARY KEY, data LONGBLOB)")
            for number, size in enumerate((2 << 20, (1 << 24) - 40, 17 << 20)):
                data = pattern(size)
                observe(f"write {size}", rows(connection, "INSERT INTO b VALUES (%s, %s)", (number, data)))
                (got,), = rows(connection, f"SELECT data FROM b WHERE id = {number}")
                observe(f"read {size}", (digest(got), got == data))

    @scenario(7)
    def unicode() -> None:
        with closing(connect(autocommit=True)) as connection:
            rows(connection, "CREATE TABLE `t\u00e4ble \u8868` (`c\u00f6lumn \u5217` VARCHAR(100), `a``b` INT) "
                             "CHARACTER SET utf8mb4")
            observe("insert", rows(connection, "INSERT INTO `t\u00e4ble \u8868` VALUES (%s, 1), (%s, 2)",
                                   (WORDS, "\U0001f468\u200d\U0001f469\u200d\U0001f467")))
            with closing(connection.cursor()) as cursor:
                cursor.execute("SELECT `c\u00f6lumn \u5217`, `a``b`, HEX(`c\u00f6lumn \u5217`), "
                               "CHAR_LENGTH(`c\u00f6lumn \u5217`) AS `l\u00e4nge` FROM `t\u00e4ble \u8868` ORDER BY 2")
                observe("names", [column[0] for column in cursor.description])
                observe("rows", cursor.fetchall())
            observe("search", rows(connection, "SELECT `a``b` FROM `t\u00e4ble \u8868` WHERE `c\u00f6lumn \u5217` = %s",
                                   (WORDS,)))
            observe("literal", rows(connection, "SELECT '\U0001f600', _utf8mb4 x'F09F9880', 'caf\u00e9' AS `caf\u00e9`"))
            rows(connection, "SET NAMES latin1")
            observe("latin1", rows(connection, "SELECT HEX(CONVERT('x' USING latin1)), @@character_set_results, "
                                               "@@character_set_client"))
            rows(connection, "SET NAMES utf8mb4")
            observe("utf8mb4", rows(connection, "SELECT @@character_set_results, '\U0001f600'"))

    @scenario(11)
    def errors() -> None:
        with closing(connect(autocommit=True)) as connection:
            rows(connection, "CREATE TABLE e (id INT PRIMARY KEY, u INT UNIQUE, c INT CHECK (c > 0))")
            rows(connection, "INSERT INTO e VALUES (1, 1, 1)")
            for label, text in (
                    ("duplicate key", "INSERT INTO e VALUES (1, 2, 1)"),
                    ("duplicate unique", "INSERT INTO e VALUES (2, 1, 1)"),
                    ("check", "INSERT INTO e VALUES (3, 3, 0)"),
                    ("syntax", "SELEC 1"),
                    ("syntax in a read", "SELECT * FORM e"),
                    ("no table", "SELECT * FROM absent"),
                    ("no column", "SELECT absent FROM e"),
                    ("no function", "SELECT absent_function(1)"),
                    ("no database", "SELECT * FROM absent_database.t"),
                    ("empty", "")):
                observe(label, error_of(module, lambda text=text: rows(connection, text)))
            observe("still usable", rows(connection, "SELECT * FROM e"))

    @scenario(7)
    def session_state() -> None:
        with closing(connect(autocommit=True)) as connection:
            rows(connection, "SET @v := 41, sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES', time_zone = '+03:00'")
            observe("variables", rows(connection, "SELECT @v + 1, @@sql_mode, @@time_zone"))
            rows(connection, "CREATE TABLE \"ansi\" (id INT)")
            observe("ansi", rows(connection, "SELECT \"id\" FROM \"ansi\""))
            rows(connection, "CREATE TEMPORARY TABLE tmp AS SELECT 7 AS n")
            observe("temporary", rows(connection, "SELECT n, @v FROM tmp"))
            observe("lock", rows(connection, "SELECT GET_LOCK('compat', 5), IS_USED_LOCK('compat') = CONNECTION_ID(), "
                                             "RELEASE_LOCK('compat')"))
            rows(connection, "USE sbtest")
            observe("use", rows(connection, "SELECT DATABASE()"))
            rows(connection, f"USE {DATABASE}")
            rows(connection, "SELECT SQL_CALC_FOUND_ROWS n FROM tmp LIMIT 0")
            observe("found rows", rows(connection, "SELECT FOUND_ROWS()"))
            observe("drop", rows(connection, "DROP TEMPORARY TABLE tmp"))

    @scenario(5)
    def procedures() -> None:
        with closing(connect(autocommit=True)) as connection:
            rows(connection, "CREATE PROCEDURE p (IN a INT, INOUT b INT) BEGIN SELECT a, b; SET b = a + b; "
                             "SELECT 'second' AS word UNION SELECT 'row'; END")
            with closing(connection.cursor()) as cursor:
                cursor.callproc("p", (1, 2))
                observe("first", cursor.fetchall())
                observe("more", cursor.nextset())
                observe("second", cursor.fetchall())
                while cursor.nextset():
                    pass
                cursor.execute("SELECT @_p_0, @_p_1")
                observe("out", cursor.fetchall())
            observe("error inside", error_of(module, lambda: rows(connection, "CALL absent()")))

    @scenario(4)
    def warnings() -> None:
        with closing(connect(autocommit=True)) as connection:
            rows(connection, "CREATE TABLE n (v TINYINT)")
            rows(connection, "SET sql_mode = ''")
            observe("insert", rows(connection, "INSERT INTO n VALUES (1000)"))
            observe("warning of a write", rows(connection, "SHOW WARNINGS"))
            observe("read", rows(connection, "SELECT 1 / 0, CAST('12x' AS SIGNED)"))
            observe("warning of a read", rows(connection, "SHOW WARNINGS"))

    @scenario(5)
    def several_statements() -> None:
        with closing(connect(autocommit=True, client_flag=module.constants.CLIENT.MULTI_STATEMENTS)) as connection:
            with closing(connection.cursor()) as cursor:
                cursor.execute("CREATE TABLE m (id INT); INSERT INTO m VALUES (1), (2); SELECT * FROM m ORDER BY id; "
                               "SELECT COUNT(*) FROM m")
                seen: list[object] = [cursor.rowcount]
                while cursor.nextset():
                    seen.append(cursor.fetchall() if cursor.description else cursor.rowcount)
                observe("results", seen)
                cursor.execute("SELECT 1; SELECT 2")
                observe("reads", [cursor.fetchall(), cursor.nextset(), cursor.fetchall(), cursor.nextset()])
                cursor.execute("SELECT 1; SELECT * FROM absent; SELECT 3")
                observe("first", cursor.fetchall())
                observe("error in the middle", error_of(module, cursor.nextset))
                observe("afterwards", rows(connection, "SELECT COUNT(*) FROM m"))

    @scenario(4)
    def streaming() -> None:
        with closing(connect(autocommit=True, cursorclass=module.cursors.SSCursor)) as connection:
            rows(connection, "CREATE TABLE stream (id INT PRIMARY KEY, filler CHAR(200))")
            with closing(connection.cursor()) as cursor:
                cursor.executemany("INSERT INTO stream VALUES (%s, %s)", [(n, str(n) * 20) for n in range(5000)])
            with closing(connection.cursor()) as cursor:
                cursor.execute("SELECT id, filler FROM stream ORDER BY id")
                observe("first", cursor.fetchone())
                observe("sum", sum(row[0] for row in cursor))
            with closing(connection.cursor()) as cursor:
                cursor.execute("SELECT id FROM stream ORDER BY id")
                observe("abandoned", cursor.fetchmany(3))
            observe("afterwards", rows(connection, "SELECT COUNT(*) FROM stream"))
