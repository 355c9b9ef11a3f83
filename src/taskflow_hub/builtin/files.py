"""Files below the configured root, opened so that no path, symlink or race leads out of it.

A path is resolved first, symlinks and all, and must lie below the root. The resolved path is then walked again folder by
folder, each opened relative to the one before and none through a symlink, so a link that is slipped in between is met
and refused. Everything later (output, rename) goes through the open folder, not through its name.

What remains: a folder that is moved out of the root while it is being walked is still entered, and a hard link to a file
outside cannot be told from any other file. Both need somebody who may already write below the root.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, BinaryIO, Final

from pydantic import Field

from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.worker.context import Context

SETTING: Final = "TASKFLOW_FILES_ROOT"

FilePath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        pattern=r"^[^\x00]+$",
        description=f"A regular file below the folder that {SETTING} names: relative to it, or absolute. "
        "`..` and symlinks that lead outside are refused.",
        examples=["reports/2026.csv"],
    ),
]

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # nonblock: a FIFO must not hang us
_DRAFT: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# What the file system says about the path itself; it would say the same next time.
_HOPELESS: Final = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist",
    errno.ELOOP: "is a symlink that leads in circles, or was replaced by one",
    errno.ENAMETOOLONG: "has too long a name",
    errno.EACCES: "may not be read or written by the hub",
    errno.EPERM: "may not be read or written by the hub",
    errno.EISDIR: "is a folder",
    errno.EROFS: "lies on a read-only file system",
    errno.ENXIO: "is not a regular file",
}


class RefusedFile(ValueError):
    """This file may not be used, now or later. The message names the path as it was given."""


class SourceChanged(Exception):
    """Somebody wrote to the file while it was being read; another attempt may find it at rest."""


@dataclass(frozen=True, slots=True)
class Source:
    """An open file, and the open folder it lies in."""

    stream: BinaryIO
    folder: int
    path: PurePath  # real, below the root; absolute if the path was given so
    about: os.stat_result

    @property
    def size(self) -> int:
        return self.about.st_size

    def check_unchanged(self) -> None:
        """Raises SourceChanged if the file was written to since it was opened."""
        now = os.fstat(self.stream.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.about.st_size, self.about.st_mtime_ns):
            raise SourceChanged(f"{self.path} was changed while it was being read")


@contextmanager
def open_source(files: FilesSettings, path: str) -> Iterator[Source]:
    """Open a file below the root for reading. Raises RefusedFile."""
    with _hopeless(path):
        root, inner = _locate(files, path)
        folder = _walk(root, inner.parts[:-1])
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, folder)
        with _hopeless(path):
            stream = stack.enter_context(os.fdopen(_open_regular(inner.name, folder, path), "rb"))
        shown = root / inner if PurePath(path).is_absolute() else inner
        yield Source(stream, folder, shown, os.fstat(stream.fileno()))


@contextmanager
def write_beside(source: Source, name: str, ctx: Context) -> Iterator[BinaryIO]:
    """Write a file in the source's folder, which appears whole and durable when the block ends, or not at all.

    A file that has this name is replaced. The new one gets the source's permissions. What a killed attempt of the same
    task left behind is removed.
    """
    with _hopeless(str(source.path.with_name(name))):
        _sweep(source.folder, f".taskflow-{ctx.task.id}-")
        draft = f".taskflow-{ctx.task.id}-{ctx.attempt}.part"
        fd = os.open(draft, _DRAFT, 0o600, dir_fd=source.folder)
        try:
            with os.fdopen(fd, "w+b") as out:
                yield out
                out.flush()
                os.fchmod(fd, stat.S_IMODE(source.about.st_mode) & 0o777)
                os.fsync(fd)
            source.check_unchanged()
            os.rename(draft, name, src_dir_fd=source.folder, dst_dir_fd=source.folder)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=source.folder)
            raise
        os.fsync(source.folder)


def _locate(files: FilesSettings, path: str) -> tuple[Path, PurePath]:
    """The real root, and the real place of `path` relative to it."""
    if files.root is None:
        raise RefusedFile(f"file tasks are switched off: {SETTING} names the folder whose files they may use")
    given = PurePath(path)
    if "\0" in path or ".." in given.parts:
        raise RefusedFile(f"{path!r}: a path must not contain '..' or NUL")
    configured = Path(os.path.abspath(files.root.expanduser()))  # noqa: PTH100 - resolve() would follow links
    if not configured.is_dir():
        raise RefusedFile(f"{SETTING} names no folder")
    root = configured.resolve()
    # Said before the file system is asked: whether something outside exists is nobody's business.
    if given.is_absolute() and not (given.is_relative_to(configured) or given.is_relative_to(root)):
        raise RefusedFile(f"{path!r} lies outside {SETTING}")
    real = Path(os.path.realpath(configured / given, strict=True))
    if not real.is_relative_to(root):
        raise RefusedFile(f"{path!r} leads outside {SETTING}")
    if real == root:
        raise RefusedFile(f"{path!r} is a folder")
    return root, real.relative_to(root)


def _walk(root: Path, folders: tuple[str, ...]) -> int:
    """An open descriptor of the last folder; the caller closes it."""
    fd = os.open(root, _FOLDER)
    for name in folders:
        try:
            deeper = os.open(name, _FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        fd = deeper
    return fd


def _open_regular(name: str, folder: int, path: str) -> int:
    """Opening a device can already do something, so what it is is asked before and after."""
    if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise RefusedFile(f"{path!r} is not a regular file")
    fd = os.open(name, _FILE, dir_fd=folder)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise RefusedFile(f"{path!r} is not a regular file")
    return fd


def _sweep(folder: int, prefix: str) -> None:
    for name in os.listdir(folder):
        if name.startswith(prefix):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)


@contextmanager
def _hopeless(path: str) -> Iterator[None]:
    """Turn what will not get better by trying again into RefusedFile."""
    try:
        yield
    except OSError as error:
        if why := _HOPELESS.get(error.errno or 0):
            raise RefusedFile(f"{path!r} {why}") from error
        raise
