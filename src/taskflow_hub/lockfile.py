"""Proof that a worker of this host is dead: a file that it keeps locked while it lives.

The operating system drops the lock when the process ends, however it ends, so a killed worker can be reaped at once
instead of after 30 s of missing heartbeats. Only a file that exists, carries the worker's id and can be locked proves
anything; a missing file, or a folder that is not ours alone, proves nothing.

The folder must be local to the host (some network file systems keep locks per host).
"""

import contextlib
import fcntl
import os
import stat
import tempfile
from pathlib import Path
from typing import Self

from taskflow_hub.domain.errors import Misconfigured


def lock_dir(setting: Path | None = None) -> Path:
    """The folder of the lock files: the one set, else one per user and host."""
    return setting or Path(tempfile.gettempdir()) / f"taskflow-hub-{os.geteuid()}"


class LockFile:
    """Held from `hold` to `release`, or to the end of the process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def hold(cls, directory: Path, worker: str) -> Self:
        """Lock the file of this worker id; the folder is made (0700) if need be.

        Raises Misconfigured when the folder is not ours alone, OSError when the file cannot be made.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not is_ours(directory):
            raise Misconfigured(
                f"{directory} must be a folder that belongs to this user, with access for nobody else (0700)"
            )
        path = _path(directory, worker)
        making = path.with_suffix(".making")
        descriptor = os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(descriptor, worker.encode())
            making.rename(path)  # it gets its name only now, so nobody can see it unlocked
        except BaseException:
            os.close(descriptor)
            making.unlink(missing_ok=True)
            raise
        return cls(path, descriptor)

    def release(self) -> None:
        """Remove the file and let go: a worker that left in good order proves nothing. Twice is harmless."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            self.path.unlink(missing_ok=True)
            os.close(descriptor)


def proves_death(directory: Path, worker: str) -> bool:
    """Whether the file of this worker id proves that its process has ended. False proves nothing. Never raises OSError."""
    try:
        if not is_ours(directory):
            return False
        descriptor = os.open(_path(directory, worker), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.pread(descriptor, 200, 0) == worker.encode()
    except OSError:
        return False
    finally:
        os.close(descriptor)


def proves_life(directory: Path, worker: str) -> bool:
    """Whether the file of this worker id is locked, so that its process lives. False proves nothing. Never raises OSError."""
    try:
        if not is_ours(directory):
            return False
        descriptor = os.open(_path(directory, worker), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)


def remove(directory: Path, worker: str) -> None:
    """Clear away the file of a worker that is buried. Does nothing unless its death is proved."""
    if proves_death(directory, worker):
        with contextlib.suppress(OSError):
            _path(directory, worker).unlink(missing_ok=True)


def _path(directory: Path, worker: str) -> Path:
    if "/" in worker or "\0" in worker:
        raise ValueError(f"not a worker id: {worker!r}")
    return directory / f"{worker}.lock"


def is_ours(directory: Path) -> bool:
    """Whether it is a folder of this user, with access for nobody else. Raises OSError when there is none."""
    found = directory.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
