"""PyMySQL: a client in pure Python."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pymysql
from pymysql.constants import CLIENT

import dbapi
from dbapi import error_of, rows
from scenario import DATABASE, HOST, PASSWORD, PORT, USER, main, observe, scenario


def connect(**options: Any) -> Any:
    return pymysql.connect(**{"host": HOST, "port": PORT, "user": USER, "password": PASSWORD,
                              "database": DATABASE, "charset": "utf8mb4", "ssl_disabled": True,
                              "local_infile": True, "max_allowed_packet": 64 << 20, **options})


dbapi.register(pymysql, connect)


@scenario(6)
def several_statements() -> None:
    with closing(connect(autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS)) as connection:
        with closing(connection.cursor()) as cursor:
            cursor.execute("CREATE TABLE m (id INT); INSERT INTO m VALUES (1), (2); SELECT * FROM m ORDER BY id; "
                           "SELECT COUNT(*) FROM m")
            seen = [cursor.rowcount]
            while cursor.nextset():
                seen.append(cursor.fetchall() if cursor.description else cursor.rowcount)
            observe("results", seen)
            cursor.execute("SELECT 1; SELECT 2")
            observe("reads", [cursor.fetchall(), cursor.nextset(), cursor.fetchall(), cursor.nextset()])
            cursor.execute("SELECT 1; SELECT * FROM absent; SELECT 3")
            observe("first", cursor.fetchall())
            observe("error in the middle", error_of(pymysql, cursor.nextset))
            observe("afterwards", rows(connection, "SELECT COUNT(*) FROM m"))
    with closing(connect(client_flag=0)) as connection:
        observe("not asked for", error_of(pymysql, lambda: rows(connection, "SELECT 1; SELECT 2")))


@scenario(4)
def streaming() -> None:
    with closing(connect(autocommit=True, cursorclass=pymysql.cursors.SSCursor)) as connection:
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


@scenario(4)
def load_local() -> None:
    path = f"/tmp/weir-compat-{PORT}.csv"
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{number},lin\u00e9 {number} \U0001f600\n" for number in range(3000))
    with closing(connect(autocommit=True)) as connection:
        rows(connection, "CREATE TABLE l (id INT PRIMARY KEY, line VARCHAR(40) CHARACTER SET utf8mb4)")
        observe("load", rows(connection, f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE l FIELDS TERMINATED BY ','"))
        observe("rows", rows(connection, "SELECT COUNT(*), SUM(id), MAX(HEX(line)) FROM l"))
        observe("no file", error_of(pymysql, lambda: rows(
            connection, "LOAD DATA LOCAL INFILE '/tmp/absent.csv' INTO TABLE l")))
        observe("afterwards", rows(connection, "SELECT COUNT(*) FROM l"))


@scenario(7)
def connection() -> None:
    with closing(connect(autocommit=True)) as session:
        observe("version", session.get_server_info())
        observe("charset", (session.character_set_name(), session.server_language, session.server_capabilities > 0))
        session.ping(reconnect=False)
        observe("ping", session.open)
        session.select_db("sbtest")
        observe("database", rows(session, "SELECT DATABASE()"))
    observe("closed", session.open)
    observe("wrong database", error_of(pymysql, lambda: connect(database="absent")))
    observe("account", rows(connect(autocommit=True), "SELECT CURRENT_USER()"))


main()
