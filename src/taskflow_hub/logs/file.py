"""The log in a file of bounded size: `hub.log`, and before it `hub.log.1`, `hub.log.2` …

One process writes it. Two would rename it under each other's hands, so a file beside it, `hub.log.lock`, is locked while the
process lives, and a second process does not start.

Not `RotatingFileHandler`: its buffer keeps what a full disk refused and writes halves of lines later, and it prints a traceback
for each line that is lost.
"""

import contextlib
import fcntl
import logging
import os
import sys
from pathlib import Path

from taskflow_hub.domain.errors import Misconfigured


class LogFile(logging.Handler):
    """Each line is one write, and is there whole or not at all. What cannot be written is counted, and ends nothing.

    Making it raises Misconfigured when the file cannot be written or another process has it.
    """

    def __init__(self, path: Path, *, max_bytes: int, keep: int) -> None:
        super().__init__()
        self._path, self._max_bytes, self._keep = path.absolute(), max_bytes, keep
        self._lost = 0
        self._file = self._lock_file = -1
        try:
            self._lock_file = _opened(self._numbered(".lock"))
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._file = _opened(self._path)
        except OSError as error:
            self.close()
            if isinstance(error, BlockingIOError):
                words = f"another process writes {self._path}; give each process a file of its own"
            else:
                words = f"cannot write {self._path}: {error.strerror}"
            raise Misconfigured(f"log.file: {words}") from None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
        except Exception:
            self.handleError(record)
            return
        try:
            self._write(line)
        except OSError as error:
            self._lost += 1
            if self._lost == 1:
                self._tell(f"log.file: cannot write {self._path}: {error.strerror}; the hub goes on\n")
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            self.handle(_recovered(lost))

    def close(self) -> None:
        """Lets the file go. Twice is harmless."""
        super().close()
        for descriptor in (self._file, self._lock_file):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._lock_file = -1

    def _write(self, line: bytes) -> None:
        if (
            self._file < 0
        ):  # it was renamed, and there was no room for a new one; or a late line after the end
            self._file = _opened(self._path)
        size = os.fstat(self._file).st_size
        if size and size + len(line) > self._max_bytes:
            self._rotate()
            size = 0
        written = 0
        try:
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError:
            if written:
                os.ftruncate(self._file, size)  # half a line is none
            raise

    def _rotate(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                self._numbered(f".{number}").replace(self._numbered(f".{number + 1}"))
        with contextlib.suppress(FileNotFoundError):  # somebody has moved it away
            self._path.replace(self._numbered(".1"))
        file, self._file = self._file, -1
        os.close(file)
        self._file = _opened(self._path)

    def _numbered(self, ending: str) -> Path:
        return Path(f"{self._path}{ending}")

    def _tell(self, words: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # nobody is left to be told
            sys.stderr.write(words)


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _recovered(lost: int) -> logging.LogRecord:
    words = "the log is written again; %d lines were lost"
    return logging.LogRecord("taskflow.logs", logging.WARNING, __file__, 0, words, (lost,), None)
