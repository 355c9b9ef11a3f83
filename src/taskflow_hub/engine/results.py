"""Results above 64 KiB lie outside the store, in a folder: one file per attempt, synced before the commit that names it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from taskflow_hub.domain.errors import Gone, StoreFull, StoreUnavailable
from taskflow_hub.domain.model import ResultRef

INLINE_MAX: Final = 64 * 1024  # bytes of JSON text that live in the task's row
RESULT_MAX: Final = 16 * 1024 * 1024
PREVIEW: Final = 200  # characters
STORAGE: Final = "folder"
_CHUNK: Final = 256 * 1024
_ORPHAN_AFTER_S: Final = 3600.0  # a file younger than this may belong to a commit that is still on its way


class FolderResults:
    """A file nobody names is harmless and swept later, so the order is: write, sync, commit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def write(self, task_id: str, attempt: int, result: bytes, ttl_s: float | None) -> ResultRef:
        """Store a result durably; the same (task, attempt) again replaces it. Raises StoreUnavailable or StoreFull."""
        ref = f"{task_id[-2:]}/{task_id}.{attempt}.json"
        try:
            await asyncio.to_thread(_write_synced, self.folder / ref, result)
        except OSError as error:
            kind = StoreFull if error.errno in {28, 27, 122} else StoreUnavailable  # ENOSPC, EFBIG, EDQUOT
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

    async def remove(self, task_ids: frozenset[str]) -> None:
        await asyncio.to_thread(self._remove, task_ids)

    async def orphan_candidates(self) -> list[str]:
        """Ids of the tasks whose files are old enough to be judged."""
        return await asyncio.to_thread(lambda: sorted({_task_id(path) for path in self._old_files()}))

    def _remove(self, task_ids: frozenset[str]) -> None:
        for task_id in task_ids:
            for path in (self.folder / task_id[-2:]).glob(f"{task_id}.*.json"):
                path.unlink(missing_ok=True)

    def _old_files(self) -> Iterator[Path]:
        horizon = time.time() - _ORPHAN_AFTER_S
        return (path for path in self.folder.glob("??/*.json") if path.stat().st_mtime < horizon)


async def _chunks(file: object) -> AsyncIterator[bytes]:
    with file as opened:  # type: ignore[attr-defined]
        while chunk := await asyncio.to_thread(opened.read, _CHUNK):
            yield chunk


def _task_id(path: Path) -> str:
    return path.name.split(".", 1)[0]


def _write_synced(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
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
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name is durable too
    finally:
        os.close(folder)
