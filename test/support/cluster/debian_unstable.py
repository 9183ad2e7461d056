"""Servers of Debian's unstable suite, never installed on this machine: MySQL, and a newer MariaDB than is installed.

The packages are resolved by an apt of our own: its own package lists, its own cache, an empty status
file (so that the C library and everything else is part of the answer) and the mirror that this machine
already uses. They are then unpacked into a folder of the cache and run through that folder's own
dynamic loader, so that the host's libraries do not matter. Signatures are checked as always.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .errors import ClusterError
from .processes import folder_lock

SUITE = "sid"


@dataclass(frozen=True)
class Product:
    """What is downloaded: packages with all that they need, and those of which only their own files are wanted."""

    name: str
    title: str
    size: str  # of the download
    packages: tuple[str, ...]  # the first one has the server and names the release
    files_of: tuple[str, ...]
    server: str
    programs: tuple[str, ...]  # for people


MYSQL = Product("mysql", "MySQL", "70 MB", ("mysql-server-core", "mysql-client-core"), (), "mysqld",
                ("mysql", "mysqladmin", "mysqlbinlog", "mysqldump", "mysqlslap"))
# The plugins, and the SQL that a data folder is made with, are in the second package.
MARIADB = Product("mariadb", "MariaDB", "30 MB", ("mariadb-server-core",), ("mariadb-server",), "mariadbd", ())
PRODUCTS = (MYSQL, MARIADB)
PARTIAL = ".partial"


def cache_root() -> Path:
    """Where downloads and templates are kept between runs."""
    configured = os.environ.get("WEIR_CACHE")
    return Path(configured) if configured else Path.home() / ".cache" / "weir"


@dataclass(frozen=True)
class Unpacked:
    """A folder that holds the unpacked packages of one release."""

    product: Product
    root: Path

    @property
    def version(self) -> str:
        return self.root.name.removeprefix(f"{self.product.name}-")

    @property
    def share(self) -> Path:
        return self.root / "usr/share" / self.product.name

    @property
    def plugins(self) -> Path:
        return self.root / "usr/lib/mysql/plugin"

    @property
    def client(self) -> Path:
        return self.root / "wrapper" / self.product.name

    def command(self, program: Path) -> list[str]:
        """The start of a command line that runs `program` with the folder's own loader and libraries."""
        loader = self._loader()
        return [str(loader), "--inhibit-cache", "--argv0", str(program),
                "--library-path", str(loader.parent), str(program)]

    def server_command(self) -> list[str]:
        return self.command(self.root / "usr/sbin" / self.product.server)

    def _loader(self) -> Path:
        for path in sorted(self.root.glob("usr/lib/*/ld-linux-*.so.*")):
            return path
        raise ClusterError(f"{self.root} holds no dynamic loader; delete that folder and run "
                           f"`test/cluster fetch-{self.product.name}`")


def installed(product: Product) -> Unpacked | None:
    """The newest release in the cache, if there is one."""
    found = [Unpacked(product, path) for path in cache_root().glob(f"{product.name}-[0-9]*")
             if path.is_dir() and path.suffix != PARTIAL]
    return max(found, key=lambda release: _version_key(release.version), default=None)


def fetch(product: Product, refresh: bool = False) -> Unpacked:
    """The cached release; downloaded first when the cache has none or `refresh` asks for today's."""
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    with folder_lock(root / f"{product.name}-fetch.lock"):
        present = installed(product)
        if present and not refresh:
            return present
        return _download(product, root)


def _download(product: Product, root: Path) -> Unpacked:
    _say(f"fetching {product.title} from Debian's unstable suite into the cache (about {product.size}, once)")
    apt = root / f"apt-{product.name}"
    shutil.rmtree(apt, ignore_errors=True)  # an older release's packages must not be unpacked too
    environment = _private_apt(apt)
    _run(["apt-get", "-qq", "update"], environment)
    _run(["apt-get", "-qq", "-y", "--no-install-recommends", "--download-only",
          "-o", "Debug::NoLocking=1", "install", *product.packages], environment)
    archives = apt / "cache" / "archives"
    if product.files_of:
        _run(["apt-get", "-qq", "download", *product.files_of], environment, archives)
    packages = sorted(archives.glob("*.deb"))
    release = Unpacked(product, root / f"{product.name}-{_release_of(product, packages)}")
    if not release.root.exists():
        _unpack(packages, release)
    shutil.rmtree(apt)
    _say(f"{product.title} {release.version} is ready")
    return release


def _private_apt(folder: Path) -> dict[str, str]:
    """An apt with its own lists, cache and (empty) status; returns the environment that selects it."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    (folder / "sources.list").write_text(f"deb {_mirror()} {SUITE} main\n")
    config = folder / "apt.conf"
    config.write_text(f'''
Dir::State "{folder}";
Dir::State::Lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::State::extended_states "{folder}/extended_states";
Dir::Cache "{folder}/cache";
Dir::Etc::SourceList "{folder}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Acquire::Languages "none";
APT::Install-Recommends "false";
APT::Sandbox::User "";
''')
    return {**os.environ, "APT_CONFIG": str(config), "DEBIAN_FRONTEND": "noninteractive"}


def _mirror() -> str:
    """The Debian mirror that this machine's own apt uses."""
    listing = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], None)
    for uri in dict.fromkeys(listing.split()):
        if "security" not in uri:
            return uri
    raise ClusterError("apt knows no Debian mirror; add one to /etc/apt/sources.list and run again")


def _unpack(packages: list[Path], release: Unpacked) -> None:
    partial = release.root.with_suffix(PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for package in packages:
        _run(["dpkg", "-x", str(package), str(partial)], None)
    _write_wrappers(Unpacked(release.product, partial))
    partial.rename(release.root)


def _write_wrappers(unpacked: Unpacked) -> None:
    """Small scripts that start the client programs as if they were installed."""
    folder = unpacked.root
    scripts = folder / "wrapper"
    scripts.mkdir()
    for name in unpacked.product.programs:
        program = folder / "usr/bin" / name
        if not program.exists():
            continue
        command = " ".join(part.replace(str(folder), "$root") for part in unpacked.command(program))
        script = scripts / name
        script.write_text(
            "#!/bin/sh\n"
            "# Runs the unpacked program; option files of this machine are not read.\n"
            'root=$(cd "$(dirname "$0")/.." && pwd)\n'
            'case "${1-}" in\n'
            "  --no-defaults | --defaults*) first=$1; shift ;;\n"
            "  *) first=--no-defaults ;;\n"
            "esac\n"
            f'exec {_quoted(command)} "$first" "$@"\n')
        script.chmod(0o755)


def _quoted(command: str) -> str:
    return " ".join(f'"{word}"' if "$" in word else word for word in command.split())


def _release_of(product: Product, packages: list[Path]) -> str:
    core = product.packages[0]
    for package in packages:
        match = re.match(rf"{core}_(?:\d+%3a)?([0-9.]+)", package.name)  # behind an epoch
        if match:
            return match.group(1)
    raise ClusterError(f"the download holds no {core} package; run `test/cluster fetch-{product.name}` again")


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _run(command: list[str], environment: dict[str, str] | None, folder: Path | None = None) -> str:
    done = subprocess.run(command, env=environment, cwd=folder, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        detail = (done.stderr or done.stdout).strip()
        raise ClusterError(f"`{' '.join(command[:3])} …` failed with code {done.returncode}:\n{detail}")
    return done.stdout


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
