"""MySQL's server and client from Debian's unstable suite, never installed on this machine.

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

PACKAGES = ("mysql-server-core", "mysql-client-core")
PROGRAMS_FOR_PEOPLE = ("mysql", "mysqladmin", "mysqlbinlog", "mysqldump", "mysqlslap")
SUITE = "sid"


def cache_root() -> Path:
    """Where downloads and templates are kept between runs."""
    configured = os.environ.get("WEIR_CACHE")
    return Path(configured) if configured else Path.home() / ".cache" / "weir"


@dataclass(frozen=True)
class UnpackedMysql:
    """A folder that holds the unpacked packages of one MySQL release."""

    root: Path

    @property
    def version(self) -> str:
        return self.root.name.removeprefix("mysql-")

    @property
    def share(self) -> Path:
        return self.root / "usr/share/mysql"

    @property
    def plugins(self) -> Path:
        return self.root / "usr/lib/mysql/plugin"

    @property
    def client(self) -> Path:
        return self.root / "wrapper" / "mysql"

    def command(self, program: Path) -> list[str]:
        """The start of a command line that runs `program` with the folder's own loader and libraries."""
        loader = _only(self.root.glob("usr/lib/*/ld-linux-*.so.*"), "dynamic loader", self.root)
        return [str(loader), "--inhibit-cache", "--argv0", str(program),
                "--library-path", str(loader.parent), str(program)]

    def server_command(self) -> list[str]:
        return self.command(self.root / "usr/sbin/mysqld")


def installed() -> UnpackedMysql | None:
    """The newest release in the cache, if there is one."""
    found = [UnpackedMysql(path) for path in cache_root().glob("mysql-[0-9]*") if path.is_dir()]
    return max(found, key=lambda release: _version_key(release.version), default=None)


def fetch(refresh: bool = False) -> UnpackedMysql:
    """The cached release; downloaded first when the cache has none or `refresh` asks for today's."""
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    with folder_lock(root / "mysql-fetch.lock"):
        present = installed()
        if present and not refresh:
            return present
        return _download(root)


def _download(root: Path) -> UnpackedMysql:
    _say("fetching MySQL from Debian's unstable suite into the cache (about 70 MB, once)")
    apt = root / "apt"
    shutil.rmtree(apt, ignore_errors=True)  # an older release's packages must not be unpacked too
    environment = _private_apt(apt)
    _run(["apt-get", "-qq", "update"], environment)
    _run(["apt-get", "-qq", "-y", "--no-install-recommends", "--download-only",
          "-o", "Debug::NoLocking=1", "install", *PACKAGES], environment)
    packages = sorted((apt / "cache" / "archives").glob("*.deb"))
    release = UnpackedMysql(root / f"mysql-{_release_of(packages)}")
    if not release.root.exists():
        _unpack(packages, release)
    shutil.rmtree(apt)
    _say(f"MySQL {release.version} is ready")
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


def _unpack(packages: list[Path], release: UnpackedMysql) -> None:
    partial = release.root.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for package in packages:
        _run(["dpkg", "-x", str(package), str(partial)], None)
    _write_wrappers(partial)
    partial.rename(release.root)


def _write_wrappers(folder: Path) -> None:
    """Small scripts that start the client programs as if they were installed."""
    unpacked = UnpackedMysql(folder)
    scripts = folder / "wrapper"
    scripts.mkdir()
    for name in PROGRAMS_FOR_PEOPLE:
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


def _release_of(packages: list[Path]) -> str:
    for package in packages:
        match = re.match(r"mysql-server-core_([0-9.]+)", package.name)
        if match:
            return match.group(1)
    raise ClusterError("the download holds no mysql-server-core package; run `test/cluster fetch-mysql` again")


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _only(paths, what: str, root: Path) -> Path:
    for path in sorted(paths):
        return path
    raise ClusterError(f"{root} holds no {what}; delete that folder and run `test/cluster fetch-mysql`")


def _run(command: list[str], environment: dict[str, str] | None) -> str:
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        detail = (done.stderr or done.stdout).strip()
        raise ClusterError(f"`{' '.join(command[:3])} …` failed with code {done.returncode}:\n{detail}")
    return done.stdout


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
