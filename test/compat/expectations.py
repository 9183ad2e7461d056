"""What does not run, and what is known to fail, with the reasons.

Keys are (flavour, client, scenario); "*" stands for any.
"""

from __future__ import annotations

Key = tuple[str, str, str]

# What a client cannot do at all on a flavour, with or without weir.
SKIPPED: dict[Key, str] = {
    ("mariadb", "cli-mysql", "*"): "MySQL 9 has no mysql_native_password, MariaDB 10.11 no caching_sha2_password: "
                                   "no direct login to compare with",
    ("mysql", "node-mysql", "*"): "the driver knows no caching_sha2_password: no direct login to compare with",
    ("mysql", "java-mariadb", "values-server"): "MySQL 9 refuses the driver's binary parameters (1835), also without weir",
}

# What weir cannot do yet. Such a scenario runs; when it passes, the run fails until its row here is gone.
PENDING: dict[Key, str] = {}


def skipped(flavor: str, client: str, scenario: str) -> str:
    return _find(SKIPPED, flavor, client, scenario)


def pending(flavor: str, client: str, scenario: str) -> str:
    return _find(PENDING, flavor, client, scenario)


def _find(table: dict[Key, str], *wanted: str) -> str:
    for key, reason in table.items():
        if all(part in ("*", whole) for part, whole in zip(key, wanted, strict=True)):
            return reason
    return ""
