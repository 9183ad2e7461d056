"""mysqlclient (MySQLdb): a client over MariaDB's Connector/C."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import MySQLdb
import MySQLdb.cursors
from MySQLdb.constants import CLIENT

import dbapi
from dbapi import error_of, rows
from scenario import DATABASE, HOST, PASSWORD, PORT, USER, main, observe, scenario


def connect(**options: Any) -> Any:
    return MySQLdb.connect(**{"host": HOST, "port": PORT, "user": USER, "passwd": PASSWORD, "db": DATABASE,
                              "charset": "utf8mb4", **options})


dbapi.register(MySQLdb, connect)


@scenario(3)
def several_statements() -> None:
    with closing(connect(autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS)) as connection:
        with closing(connection.cursor()) as cursor:
            cursor.execute("CREATE TABLE m (id INT); INSERT INTO m VALUES (1), (2); SELECT * FROM m ORDER BY id")
            seen: list[object] = [cursor.rowcount]
            while cursor.nextset():
                seen.append(cursor.fetchall() if cursor.description else cursor.rowcount)
            observe("results", seen)
            cursor.execute("SELECT 1; SELECT 2")
            observe("reads", [cursor.fetchall(), cursor.nextset(), cursor.fetchall(), cursor.nextset()])
        connection.set_server_option(1)  # multi-statements off
        observe("switched off", error_of(MySQLdb, lambda: rows(connection, "SELECT 1; SELECT 2")))


@scenario(3)
def streaming() -> None:
    with closing(connect(autocommit=True, cursorclass=MySQLdb.cursors.SSCursor)) as connection:
        rows(connection, "CREATE TABLE stream (id INT PRIMARY KEY, filler CHAR(200))")
        with closing(connection.cursor()) as cursor:
            cursor.executemany("INSERT INTO stream VALUES (%s, %s)", [(n, str(n) * 20) for n in range(2000)])
        with closing(connection.cursor()) as cursor:
            cursor.execute("SELECT id, filler FROM stream ORDER BY id")
            observe("first", cursor.fetchone())
            observe("sum", sum(row[0] for row in cursor))
        observe("afterwards", rows(connection, "SELECT COUNT(*) FROM stream"))


@scenario(6)
def connection() -> None:
    with closing(connect(autocommit=True)) as session:
        observe("version", session.get_server_info())
        session.ping()
        observe("statistics", session.stat().startswith("Uptime"))
        rows(session, "SET @left = 1")
        session.change_user("plain", "plain-secret", DATABASE)
        observe("changed user", rows(session, "SELECT CURRENT_USER(), DATABASE(), @left"))
        observe("denied", error_of(MySQLdb, lambda: rows(session, "CREATE DATABASE absent")))
        session.select_db(DATABASE)
        observe("database", rows(session, "SELECT DATABASE()"))
    observe("wrong password", error_of(MySQLdb, lambda: connect(passwd="wrong")))


main()
