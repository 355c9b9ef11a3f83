"""Big results lie in a folder: durable before they are named, replaced whole, swept when nobody names them."""

import asyncio
import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Gone, Invalid, StoreFull, StoreUnavailable
from taskflow_hub.domain.model import ResultRef
from taskflow_hub.engine.results import PREVIEW, FolderResults

TASK = "01890a5d-ac96-774b-bcce-b302099a8057"
TEXT = b'{"pages": ' + b"7" * 70_000 + b"}"
LONG_AGO = time.time() - 7200


@pytest.fixture
def results(tmp_path: Path) -> FolderResults:
    return FolderResults(tmp_path / "results")


def files(results: FolderResults) -> list[str]:
    return sorted(str(path.relative_to(results.folder)) for path in results.folder.rglob("*.*"))


async def read(results: FolderResults, ref: ResultRef) -> bytes:
    return b"".join([chunk async for chunk in await results.read(ref)])


def age(results: FolderResults, ref: str) -> None:
    os.utime(results.folder / ref, (LONG_AGO, LONG_AGO))


async def test_what_is_written_can_be_read(results: FolderResults) -> None:
    ref = await results.write(TASK, 3, TEXT, 60.0)
    assert (ref.storage, ref.ref, ref.size, ref.ttl) == ("folder", f"57/{TASK}.3.json", len(TEXT), 60.0)
    assert await read(results, ref) == TEXT
    assert files(results) == [f"57/{TASK}.3.json"]


async def test_a_long_result_is_read_in_pieces(results: FolderResults) -> None:
    text = b'"' + os.urandom(700_000).hex().encode() + b'"'
    ref = await results.write(TASK, 1, text, None)
    pieces = [chunk async for chunk in await results.read(ref)]
    assert len(pieces) > 3
    assert b"".join(pieces) == text


async def test_the_preview_is_the_first_characters_and_never_half_of_one(results: FolderResults) -> None:
    text = "é漢😀" * 300
    ref = await results.write(TASK, 1, text.encode(), None)
    assert ref.preview == text[:PREVIEW]


async def test_the_same_attempt_again_replaces_the_file_and_another_attempt_has_its_own(
    results: FolderResults,
) -> None:
    await results.write(TASK, 1, b"old", None)
    again = await results.write(TASK, 1, b"new", None)
    other = await results.write(TASK, 2, b"two", None)
    assert (await read(results, again), await read(results, other)) == (b"new", b"two")
    assert len(files(results)) == 2


async def test_content_is_synced_before_it_has_its_name_and_the_name_before_anyone_hears_of_it(
    results: FolderResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def spy_fsync(descriptor: int) -> None:
        steps.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def spy_replace(self: Path, target: Path) -> Path:
        steps.append(f"name {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(Path, "replace", spy_replace)
    await results.write(TASK, 1, TEXT, None)
    assert steps == [
        f"sync {results.folder.parent.name}",  # the folder is new, and so is the one in it
        "sync results",
        f"sync {TASK}.1.part",
        f"name {TASK}.1.json",
        "sync 57",
    ]
    steps.clear()
    await results.write(TASK, 1, TEXT, None)
    assert steps == [f"sync {TASK}.1.part", f"name {TASK}.1.json", "sync 57"]


async def test_a_reader_sees_the_old_result_or_the_new_one_and_never_a_mixture(
    results: FolderResults,
) -> None:
    old, new = b"a" * 2_000_000, b"b" * 2_000_000
    ref = await results.write(TASK, 1, old, None)

    async def write() -> None:
        for text in (new, old, new):
            await results.write(TASK, 1, text, None)

    writing = asyncio.create_task(write())
    while not writing.done():
        assert await read(results, ref) in {old, new}
    await writing


async def test_what_has_been_removed_is_gone(results: FolderResults) -> None:
    ref = await results.write(TASK, 1, TEXT, None)
    await results.write(TASK, 2, TEXT, None)
    await results.remove(frozenset({TASK}))
    assert files(results) == []
    with pytest.raises(Gone):
        await results.read(ref)
    await results.remove(frozenset({TASK, new_id()}))


async def test_removing_one_task_leaves_its_neighbours(results: FolderResults) -> None:
    neighbour = "x" + TASK[1:]
    await results.write(TASK, 1, TEXT, None)
    await results.write(neighbour, 1, TEXT, None)
    await results.remove(frozenset({TASK}))
    assert files(results) == [f"57/{neighbour}.1.json"]


# --- the sweep ---------------------------------------------------------------------------------------------------


async def test_only_old_files_are_candidates_for_the_sweep(results: FolderResults) -> None:
    young, old = new_id(), new_id()
    await results.write(young, 1, TEXT, None)
    ref = await results.write(old, 1, TEXT, None)
    age(results, ref.ref)
    assert await results.old_files() == {ref.ref: old}


async def test_what_a_killed_writer_left_half_written_is_swept_too(results: FolderResults) -> None:
    ref = await results.write(TASK, 1, TEXT, None)
    half = Path(ref.ref).with_suffix(".part")
    (results.folder / ref.ref).rename(results.folder / half)
    age(results, str(half))
    assert await results.old_files() == {str(half): TASK}
    await results.remove_files([str(half)])
    assert files(results) == []


async def test_files_that_are_not_ours_are_left_alone(results: FolderResults) -> None:
    await results.write(TASK, 1, TEXT, None)
    foreign = ["57/notes.txt", "57/package.json", f"57/{TASK}.md", f"57/{TASK}.1.json.bak", "57/57.x.json"]
    for name in foreign:
        (results.folder / name).write_text("mine")
        age(results, name)
    assert await results.old_files() == {}
    await results.remove(frozenset({TASK, "notes", "package", "57"}))
    assert files(results) == sorted(foreign)


async def test_a_folder_that_does_not_exist_yet_has_nothing_to_sweep(results: FolderResults) -> None:
    assert await results.old_files() == {}
    await results.remove(frozenset({TASK}))


# --- what goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "task_id", ["../../etc/passwd", "/etc/x", "a/b", "..", ".", "", "x", "a\0b", "*", "é" * 8]
)
async def test_an_id_that_would_leave_the_folder_is_refused(results: FolderResults, task_id: str) -> None:
    with pytest.raises(Invalid):
        await results.write(task_id, 1, TEXT, None)
    assert not results.folder.exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
async def test_no_space_left_says_so_and_leaves_nothing_half_written(
    results: FolderResults, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def no_space(_: int) -> None:
        raise OSError(code, os.strerror(code))

    (results.folder / "57").mkdir(parents=True)
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StoreFull, match=re.escape(str(results.folder))):
        await results.write(TASK, 1, TEXT, None)
    assert files(results) == []


async def test_a_folder_that_cannot_be_made_is_unavailable(results: FolderResults) -> None:
    results.folder.write_text("a file stands in the way")
    with pytest.raises(StoreUnavailable) as caught:
        await results.write(TASK, 1, TEXT, None)
    assert not isinstance(caught.value, StoreFull)


FULL = """
import asyncio, resource, sys
from pathlib import Path
from taskflow_hub.domain.errors import StoreFull
from taskflow_hub.engine.results import FolderResults

folder, task = Path(sys.argv[1]), sys.argv[2]

async def main():
    results = FolderResults(folder)
    kept = await results.write(task, 1, b"1" * 10_000, None)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        await results.write(task, 1, b"2" * 90_000, None)
    except StoreFull as error:
        print("full:", error.detail)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    print("kept:", b"".join([chunk async for chunk in await results.read(kept)])[:3])
    print("files:", [path.name for path in folder.rglob("*.*")])
    await results.write(task, 1, b"3" * 90_000, None)
    print("again:", b"".join([chunk async for chunk in await results.read(kept)])[:3])

asyncio.run(main())
"""


def test_a_real_limit_keeps_the_old_result_whole_and_lifted_it_goes_on(results: FolderResults) -> None:
    said = subprocess.run(
        [sys.executable, "-c", FULL, str(results.folder), TASK], capture_output=True, text=True, check=False
    )
    assert said.stdout.splitlines() == [
        f"full: Cannot write the result to {results.folder}: File too large.",
        "kept: b'111'",
        f"files: ['{TASK}.1.json']",
        "again: b'333'",
    ], said.stderr
