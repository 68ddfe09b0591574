"""Commands in processes of their own, which start fast and can be troubled."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

_PRELOAD = ["weakseg.api.train", "weakseg.api.predict", "weakseg.api.label", "weakseg.cli.main"]

LIMIT = 180
"""Seconds after which a command counts as hanging."""


@dataclass(frozen=True)
class Setting:
    """What a command meets."""

    max_file: int | None = None  # bytes that a file may have, as on a full disk
    as_nobody: bool = False


@dataclass
class Running:
    """A command that runs."""

    process: BaseProcess
    log: Path
    started: float = field(default_factory=time.monotonic)

    def send(self, number: int) -> None:
        """Send a signal; Ctrl-C goes to all processes of the terminal."""
        with suppress(ProcessLookupError):
            if number == signal.SIGINT:
                os.killpg(self.process.pid, number)
            else:
                os.kill(self.process.pid, number)

    def wait_for_begin(self) -> None:
        """Wait until the process has started, with all that it imports."""
        while not (self.log.parent / "begun").exists() and self.process.is_alive():
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
        """What the command printed."""
        return self.log.read_text() if self.log.exists() else ""

    def survivors(self, within: float = 2.0) -> list[int]:
        """List processes of the command that outlive it for more than some seconds."""
        end = time.monotonic() + within
        while (alive := _group(self.process.pid)) and time.monotonic() < end:
            time.sleep(0.05)
        return alive


def start(words: Sequence[object], place: Path, setting: Setting = Setting()) -> Running:
    """Start a command, `weakseg WORDS`, in a folder."""
    context = multiprocessing.get_context("forkserver")
    # Each child would begin with seconds of imports otherwise.
    context.set_forkserver_preload(_PRELOAD)
    log = place / "log.txt"
    log.unlink(missing_ok=True)
    (place / "begun").unlink(missing_ok=True)
    arguments = [str(word) for word in words]
    process = context.Process(target=_run, args=(arguments, place, log, setting))
    process.start()
    return Running(process, log)


def run(words: Sequence[object], place: Path, setting: Setting = Setting()) -> tuple[int, str]:
    """Run a command to its end; return exit code and what it printed."""
    running = start(words, place, setting)
    code, _ = running.wait()
    return code, running.text


def _run(arguments: list[str], place: Path, log: Path, setting: Setting) -> None:
    os.setsid()
    os.chdir(place)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    tempfile.tempdir = str(place / "tmp")
    if setting.max_file is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (setting.max_file, setting.max_file))
    if setting.as_nobody:
        os.setuid(65534)
    from weakseg.cli.main import main

    (place / "begun").touch()
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
