"""A data folder with the test accounts in it, made once per server release and copied for each server."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from . import accounts
from .debian_unstable import cache_root
from .errors import ClusterError
from .flavors import Flavor
from .processes import end, folder_lock, spawn
from .servers import session_when_ready


def prepare(flavor: Flavor) -> Path:
    """The template's folder for this release and these accounts; made now if it is not there."""
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    recipe = "\n".join(flavor.setup_statements() + flavor.initialize(Path("data")))
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    template = root / f"template-{flavor.name}-{flavor.version}-{digest}"
    with folder_lock(root / f"template-{flavor.name}.lock"):
        if not template.exists():
            _build(flavor, template)
    return template


def copy(template: Path, data: Path) -> None:
    """Give a server its own data folder; blocks are shared where the file system can do that."""
    subprocess.run(["cp", "--archive", "--reflink=auto", "--sparse=always", f"{template}/.", str(data)],
                   check=True)


def _build(flavor: Flavor, template: Path) -> None:
    print(f"initialising a template for {flavor.name} {flavor.version} (once)", file=sys.stderr, flush=True)
    work = template.with_name(template.name + ".partial")
    shutil.rmtree(work, ignore_errors=True)
    data = work / "data"
    data.mkdir(parents=True)
    log = work / "log"
    with open(log, "wb") as output:
        done = subprocess.run(flavor.initialize(data), stdin=subprocess.DEVNULL, stdout=output,
                              stderr=output, check=False)
    if done.returncode != 0:
        raise ClusterError(f"initialising a {flavor.name} data folder failed; its log is {log}")
    _create_accounts(flavor, data, work / "sock", log)
    (data / "auto.cnf").unlink(missing_ok=True)  # holds the server's identity: every copy gets its own
    data.rename(template)
    shutil.rmtree(work)


def _create_accounts(flavor: Flavor, data: Path, socket: Path, log: Path) -> None:
    process = spawn(flavor.serve_template(data, socket), log, data)
    try:
        with session_when_ready(socket, process, log, accounts.ROOT.name, "") as connection:
            for statement in flavor.setup_statements():
                connection.query(statement)
    finally:
        end([process], grace=60)
