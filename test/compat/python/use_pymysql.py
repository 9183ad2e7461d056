"""PyMySQL: a client in pure Python."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pymysql
import pymysql.constants.CLIENT

import dbapi
from dbapi import error_of, rows
from scenario import DATABASE, HOST, PASSWORD, PORT, USER, main, observe, scenario


def connect(**options: Any) -> Any:
    return pymysql.connect(**{"host": HOST, "port": PORT, "user": USER, "password": PASSWORD,
                              "database": DATABASE, "charset": "utf8mb4", "ssl_disabled": True,
                              "local_infile": True, "max_allowed_packet": 64 << 20, **options})


dbapi.register(pymysql, connect)


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


@scenario(8)
def connection() -> None:
    with closing(connect(autocommit=True)) as session:
        observe("version", session.get_server_info())
        observe("charset", (session.character_set_name(), session.server_language, session.server_capabilities > 0))
        session.ping(reconnect=False)
        observe("ping", session.open)
        observe("several statements, not asked for", error_of(pymysql, lambda: rows(session, "SELECT 1; SELECT 2")))
        session.select_db("sbtest")
        observe("database", rows(session, "SELECT DATABASE()"))
    observe("closed", session.open)
    observe("wrong database", error_of(pymysql, lambda: connect(database="absent")))
    observe("account", rows(connect(autocommit=True), "SELECT CURRENT_USER()"))


main()
