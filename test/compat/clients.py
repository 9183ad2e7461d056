"""The client programs, one row each."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from cluster import debian_unstable

FLAVORS = ("mariadb", "mysql")
# Debian's own Python: its modules for MySQL are not visible to another one.
PYTHON = "/usr/bin/python3"


@dataclass(frozen=True)
class Client:
    """A program in this folder; `short` puts it into the subset for every change."""

    name: str
    command: list[str]
    short: bool = False
    flavors: tuple[str, ...] = FLAVORS
    environment: dict[str, str] = field(default_factory=dict)


def node_folder() -> Path:
    """Where the JavaScript clients are installed: a cache, not the work tree."""
    return debian_unstable.cache_root() / "compat-node"


def all_clients() -> list[Client]:
    return [
        *_command_lines(),
        *[_node(name, short) for name, short in (("mysql2", True), ("mysql", False), ("mariadb", False), ("typeorm", False), ("sequelize", True),
            ("knex", False), ("drizzle", False))],
        _python("pymysql", short=True),
        _python("mysqldb"),
        Client("perl-dbd-mysql", ["perl", "perl/dbd_mysql.pl"]),
        Client("php-pdo", ["php", "php/pdo.php"]),
        Client("php-mysqli", ["php", "php/mysqli.php"]),
        Client("java-mariadb", ["java", "-XX:TieredStopAtLevel=1", "-cp", "/usr/share/java/mariadb-java-client.jar",
                                "java/Jdbc.java"]),
    ]


def _command_lines() -> list[Client]:
    return [Client(f"cli-{name}", [PYTHON, "cli/command_line.py", name], short=True)
            for name in ("mysql", "mariadb")]


def _node(name: str, short: bool = False) -> Client:
    return Client(f"node-{name}", ["node", f"node/{name}.js"], short,
                  environment={"NODE_PATH": os.fspath(node_folder() / "node_modules")})


def _python(name: str, short: bool = False) -> Client:
    return Client(f"python-{name}", [PYTHON, f"python/use_{name}.py"], short,
                  environment={"PYTHONDONTWRITEBYTECODE": "1"})
