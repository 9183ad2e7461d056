"""mysqlclient (MySQLdb): a client over MariaDB's Connector/C."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import MySQLdb
import MySQLdb.constants.CLIENT
import MySQLdb.cursors

import dbapi
from dbapi import error_of, rows
from scenario import DATABASE, HOST, PASSWORD, PORT, USER, main, observe, scenario


def connect(**options: Any) -> Any:
    return MySQLdb.connect(**{"host": HOST, "port": PORT, "user": USER, "passwd": PASSWORD, "db": DATABASE,
                              "charset": "utf8mb4", **options})


dbapi.register(MySQLdb, connect)


@scenario(7)
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
        session.set_server_option(1)  # several statements in one text are off
        observe("switched off", error_of(MySQLdb, lambda: rows(session, "SELECT 1; SELECT 2")))
    observe("wrong password", error_of(MySQLdb, lambda: connect(passwd="wrong")))


main()
