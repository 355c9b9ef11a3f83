"""Results above 64 KiB lie outside the store, in a folder: one file per attempt, synced before the commit that names it."""

import asyncio
import errno
import os
import re
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Final

from taskflow_hub.domain.errors import Gone, Invalid, StoreFull, StoreUnavailable
from taskflow_hub.domain.model import ResultRef

INLINE_MAX: Final = 64 * 1024  # bytes of JSON text that live in the task's row
PREVIEW: Final = 200  # characters
STORAGE: Final = "folder"
_CHUNK: Final = 256 * 1024
_FULL: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_ID: Final = r"[0-9A-Za-z_-]{2,64}"  # a worker says it, and it becomes part of a path
_NAME: Final = re.compile(rf"({_ID})\.[0-9]+\.(json|part)")
_ORPHAN_AFTER_S: Final = 3600.0  # a file younger than this may belong to a commit that is still on its way


class FolderResults:
    """A file nobody names is harmless and swept later, so the order is: write, sync, commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def write(self, task_id: str, attempt: int, result: bytes, ttl_s: float | None) -> ResultRef:
        """Store a result durably; the same (task, attempt) again replaces it.

        Raises StoreUnavailable, StoreFull; Invalid for what cannot be a task's id.
        """
        name = f"{task_id}.{attempt}.json"
        if not _NAME.fullmatch(name):
            raise Invalid.field("/id", "is not the id of a task")
        ref = f"{task_id[-2:]}/{name}"
        try:
            await asyncio.to_thread(_write_synced, self.folder / ref, result)
        except OSError as error:
            kind = StoreFull if error.errno in _FULL else StoreUnavailable
            raise kind(f"Cannot write the result to {self.folder}: {error.strerror}.") from error
        preview = result[: PREVIEW * 4].decode("utf-8", "ignore")[:PREVIEW]
        return ResultRef(storage=STORAGE, ref=ref, preview=preview, size=len(result), ttl=ttl_s)

    async def read(self, ref: ResultRef) -> AsyncIterator[bytes]:
        """The JSON text, in chunks. Raises Gone when the file is not there."""
        try:
            file = await asyncio.to_thread((self.folder / ref.ref).open, "rb")
        except FileNotFoundError:
            raise Gone("The result has been removed.") from None
        return _chunks(file)

    async def remove(self, task_ids: Iterable[str]) -> None:
        """Every file of these tasks, which are gone."""
        await asyncio.to_thread(self._remove, frozenset(task_ids))

    async def remove_files(self, refs: Iterable[str]) -> None:
        """Just these files."""
        await asyncio.to_thread(self._remove_files, tuple(refs))

    async def old_files(self) -> dict[str, str]:
        """{ref: task id} of the files old enough to be judged."""
        return await asyncio.to_thread(lambda: dict(self._old_files()))

    def _remove(self, task_ids: frozenset[str]) -> None:
        if not self.folder.is_dir():
            return
        for task_id in task_ids:
            for path in (self.folder / task_id[-2:]).glob(f"{task_id}.*"):
                if _NAME.fullmatch(path.name):
                    path.unlink(missing_ok=True)

    def _remove_files(self, refs: Iterable[str]) -> None:
        for ref in refs:
            (self.folder / ref).unlink(missing_ok=True)

    def _old_files(self) -> Iterator[tuple[str, str]]:
        """(ref, task id), `.part` files of a writer that was killed included."""
        horizon = time.time() - _ORPHAN_AFTER_S
        for path in self.folder.glob("??/*"):
            if (ours := _NAME.fullmatch(path.name)) and _modified_at(path) < horizon:
                yield f"{path.parent.name}/{path.name}", ours[1]


async def _chunks(file: object) -> AsyncIterator[bytes]:
    with file as opened:  # type: ignore[attr-defined]
        while chunk := await asyncio.to_thread(opened.read, _CHUNK):
            yield chunk


def _modified_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another process removed it first
        return float("inf")


def _write_synced(path: Path, data: bytes) -> None:
    _make_folder(path.parent)
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    _sync_names(path.parent)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_names(folder.parent)


def _sync_names(folder: Path) -> None:
    """What a folder contains is durable only after this, however well the files in it are synced."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
