"""Commands in processes of their own, which start fast and can be troubled."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

# Sums of MKL depend on where arrays lie in memory otherwise, by one in the last place.
os.environ.setdefault("MKL_CBWR", "COMPATIBLE")

_PRELOAD = ["weakseg.api.train", "weakseg.api.predict", "weakseg.api.label", "weakseg.cli.main"]

LIMIT = 180
"""Seconds after which a command counts as hanging."""


@dataclass(frozen=True)
class Setting:
    """What a command meets."""

    max_file: int | None = None  # bytes that a file may have, as on a full disk
    as_nobody: bool = False


_USUAL = Setting()


class Running:
    """A command that runs in a folder; what it prints comes through a pipe, which no disk bounds.

    Args:
        process: Its process.
        begun: File that it makes before its first instruction.
        pipe: Named pipe of what it prints.
    """

    def __init__(self, process: BaseProcess, begun: Path, pipe: Path) -> None:
        self.process = process
        self.begun = begun
        self.started = time.monotonic()
        self._printed: list[str] = []
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()

    def _read(self, pipe: Path) -> None:
        with pipe.open(errors="replace") as file:
            pipe.unlink()
            self._printed.extend(iter(file.readline, ""))

    def send(self, number: int) -> None:
        """Send a signal; Ctrl-C goes to all processes of the terminal."""
        with suppress(ProcessLookupError):
            if number == signal.SIGINT:
                os.killpg(self.process.pid, number)
            else:
                os.kill(self.process.pid, number)

    def wait_for_begin(self) -> None:
        """Wait until the process has started, with all that it imports."""
        while not self.begun.exists() and self.process.is_alive():
            time.sleep(0.002)
        self.started = time.monotonic()

    def wait(self) -> tuple[int, float]:
        """Wait for the end; return exit code and seconds."""
        self.process.join(LIMIT)
        if self.process.exitcode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise AssertionError(f"hangs: {self.text}")
        return self.process.exitcode, time.monotonic() - self.started

    @property
    def text(self) -> str:
        """What the command has printed."""
        if not self.process.is_alive():
            self._reader.join(5)
        return "".join(self._printed)

    def workers(self) -> list[int]:
        """List the other processes of the command, without those that keep books of resources."""
        return [number for number in _group(self.process.pid) if self._is_worker(number)]

    def _is_worker(self, number: int) -> bool:
        try:
            words = Path(f"/proc/{number}/cmdline").read_bytes()
        except OSError:
            return False
        return number != self.process.pid and b"resource_tracker" not in words

    def survivors(self, within: float = 2.0) -> list[int]:
        """List processes of the command that outlive it for more than some seconds."""
        end = time.monotonic() + within
        while (alive := _group(self.process.pid)) and time.monotonic() < end:
            time.sleep(0.05)
        return alive


def start(
    words: Sequence[object], place: Path, setting: Setting = _USUAL, *, label: str = "only"
) -> Running:
    """Start a command, `weakseg WORDS`, in a folder; `label` tells it from others."""
    context = multiprocessing.get_context("forkserver")
    # Each child would begin with seconds of imports otherwise.
    context.set_forkserver_preload(_PRELOAD)
    begun, pipe = place / f"{label}.begun", place.with_name(f"{place.name}.{label}.pipe")
    begun.unlink(missing_ok=True)
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    arguments = [str(word) for word in words]
    process = context.Process(target=_run, args=(arguments, place, begun, pipe, setting))
    process.start()
    return Running(process, begun, pipe)


def run(words: Sequence[object], place: Path, setting: Setting = _USUAL) -> tuple[int, str]:
    """Run a command to its end; return exit code and what it printed."""
    running = start(words, place, setting)
    code, _ = running.wait()
    return code, running.text


def _run(arguments: list[str], place: Path, begun: Path, pipe: Path, setting: Setting) -> None:
    os.setsid()
    multiprocessing.set_start_method(None, force=True)  # the usual one, not that of this process
    os.chdir(place)
    descriptor = os.open(pipe, os.O_WRONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    tempfile.tempdir = str(place / "tmp")
    begun.touch()
    if setting.max_file is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (setting.max_file, setting.max_file))
    if setting.as_nobody:
        for encoding in ("utf-8-sig", "cp437"):
            "".encode(encoding)  # loads what this user may read and that one perhaps not
        os.setuid(65534)
    from weakseg.cli.main import main

    code = main(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _group(leader: int) -> list[int]:
    """List the living processes of a group."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                state, _, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
                if int(group) == leader and state != "Z":
                    found.append(int(folder.name))
    return found
