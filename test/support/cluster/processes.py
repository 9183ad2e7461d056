"""Processes known by id and start time, free ports, and locks on folders.

A process id alone is not an identity: ids are used again. Every signal sent from here first compares
the start time that the kernel shows for the id with the one recorded when the process was started.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Below the range from which the kernel takes ports for outgoing connections: a server that is down for
# a moment must find its port free when it comes back.
PORT_RANGE = range(20000, 32000)
POLL_SECONDS = 0.02
KILL_SECONDS = 10


@dataclass(frozen=True)
class ProcessId:
    """A process id together with the kernel's start time of that process, in clock ticks."""

    pid: int
    start_time: int

    def alive(self) -> bool:
        """True while this very process runs; a zombie does not."""
        seen = _stat(self.pid)
        return seen is not None and seen[1] == self.start_time and seen[0] not in "ZX"

    def send(self, number: signal.Signals) -> bool:
        """Signal the process if it is still the one recorded; false when it is gone."""
        if not self.alive():
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)
            return True
        return False


def spawn(command: list[str], log: Path, folder: Path) -> ProcessId:
    """Start a server that outlives us; what it prints goes to the end of `log`."""
    with open(log, "ab") as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                 cwd=folder, start_new_session=True)
    seen = _stat(child.pid)
    return ProcessId(child.pid, seen[1] if seen else 0)


def end(processes: list[ProcessId], grace: float) -> None:
    """Ask all to end, wait up to `grace` seconds for the last, then kill what is left."""
    for process in processes:
        process.send(signal.SIGTERM)
        process.send(signal.SIGCONT)  # a stopped process cannot hear SIGTERM
    if not wait_until(lambda: not any(process.alive() for process in processes), grace):
        kill(processes)


def kill(processes: list[ProcessId]) -> None:
    """End all without asking, and wait until they are gone."""
    for process in processes:
        process.send(signal.SIGKILL)
    wait_until(lambda: not any(process.alive() for process in processes), KILL_SECONDS)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll `condition` until it holds; false when `seconds` passed without."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which nobody listens now, in random order."""
    found: list[int] = []
    for port in random.sample(PORT_RANGE, len(PORT_RANGE)):
        if len(found) == count:
            break
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    return found


@contextlib.contextmanager
def folder_lock(path: Path) -> Iterator[None]:
    """Hold the lock file `path`; a second command waits for the first."""
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _stat(pid: int) -> tuple[str, int] | None:
    """State letter and start time of a process, or None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()  # the name before it may hold spaces and brackets
    return fields[0], int(fields[19])
