"""bash in a pseudo-terminal, as a person has it open: for the documentation's examples and its pictures."""

import contextlib
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyte

_PROMPT: Final = re.compile(rb"\x1b\]777;(\d+)\x07")
_SETUP: Final = "PS1= PS2= PROMPT_COMMAND='printf \"\\033]777;%s\\007\" $?'; set +H"
# A session of its own, with the pseudo-terminal as its controlling terminal: that is what Ctrl-C and jobs need.
_BASH: Final = (
    "import fcntl, os, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp('bash', ['bash', '--norc', '--noprofile', '--noediting', '-i'])"
)


@dataclass(frozen=True)
class Ran:
    """What a command wrote, and its exit status."""

    output: str
    status: int


class Terminal:
    def __init__(
        self, folder: Path, environ: Mapping[str, str], *, columns: int = 100, rows: int = 40
    ) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        self._bash = subprocess.Popen(
            [sys.executable, "-c", _BASH], cwd=folder, env=environ, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        self.heard: list[tuple[float, bytes]] = []  # every piece of output, and when it came
        self._all = bytearray()
        self._news = threading.Condition()
        self._ended = False
        self._listener = threading.Thread(target=self._listen, name="terminal", daemon=True)
        self._listener.start()
        self._begun = 0
        self.write(_SETUP + "\n")
        self.prompt()

    def run(self, command: str, timeout_s: float = 40.0) -> Ran:
        """Type a command, and wait for the next prompt."""
        self.write(command + "\n")
        return self.prompt(timeout_s)

    def write(self, text: str) -> None:
        with self._news:
            self._begun = len(self._all)
        os.write(self._master, text.encode())

    def prompt(self, timeout_s: float = 40.0) -> Ran:
        """Wait for the next prompt; what came since something was typed."""
        found = self._wait_for(_PROMPT, timeout_s)
        return Ran(_text(bytes(self._all[self._begun : found.start()])), int(found[1]))

    def until(self, words: str, timeout_s: float = 40.0) -> str:
        """Wait until these words have come since something was typed; everything since then, up to the end of their line."""
        found = self._wait_for(re.compile(re.escape(words.encode()) + rb"[^\n]*\n"), timeout_s)
        return _text(bytes(self._all[self._begun : found.end()]))

    def _wait_for(self, pattern: re.Pattern[bytes], timeout_s: float) -> re.Match[bytes]:
        deadline = time.monotonic() + timeout_s
        with self._news:
            while (found := pattern.search(self._all, self._begun)) is None:
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self._ended:
                    raise TimeoutError(
                        f"no {pattern.pattern!r} in:\n{_text(bytes(self._all[self._begun :]))}"
                    )
                self._news.wait(left_s)
        return found

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # EIO: everybody has let go of the other end
            while piece := os.read(self._master, 65_536):
                with self._news:
                    self.heard.append((time.monotonic(), piece))
                    self._all += piece
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End bash and every job that was started from it."""
        groups = [os.tcgetpgrp(self._master), *self._jobs()]
        for group in groups:
            if group != self._bash.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
        self._bash.kill()
        self._bash.wait()
        self._listener.join(10)
        os.close(self._master)

    def _jobs(self) -> list[int]:
        if os.tcgetpgrp(self._master) != self._bash.pid:  # a command runs, and bash does not listen
            return []
        return [int(line) for line in self.run("jobs -p").output.split() if line.isdigit()]


def _text(output: bytes) -> str:
    """What stands on the screen in the end: what was erased is gone. The screen is so wide that no line is broken."""
    screen = pyte.Screen(100_000, max(output.count(b"\n"), 1) + 1)
    pyte.ByteStream(screen).feed(_PROMPT.sub(b"", output))
    return "".join(f"{_line(screen, row)}\n" for row in range(screen.cursor.y + 1)).rstrip("\n")


def _line(screen: pyte.Screen, row: int) -> str:
    cells = screen.buffer[row]
    return "".join(cells[column].data for column in range(max(cells, default=-1) + 1)).rstrip()
