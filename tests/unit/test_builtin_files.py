"""Which files tasks may touch, and how output appears."""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from taskflow_hub.builtin import files as files_module
from taskflow_hub.builtin.chunks import CHUNK, chunks
from taskflow_hub.builtin.files import RefusedFile, Source, SourceChanged, open_source, write_beside
from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.testing.handlers import RecordedContext
from taskflow_hub.worker.context import AttemptStopped


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """root/{plain.txt,folder/inner.txt}, and beside the root a file that is none of our business."""
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "plain.txt").write_text("plain")
    (root / "folder" / "inner.txt").write_text("inner")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "root-too").mkdir()
    (tmp_path / "root-too" / "x.txt").write_text("neighbour")
    return root


@pytest.fixture
def files(root: Path) -> FilesSettings:
    return FilesSettings(root=root)


def read(files: FilesSettings, path: str) -> tuple[str, str]:
    with open_source(files, path) as source:
        return source.stream.read().decode(), str(source.path)


def test_relative_and_absolute_paths(root: Path, files: FilesSettings) -> None:
    assert read(files, "plain.txt") == ("plain", "plain.txt")
    assert read(files, "./folder//inner.txt") == ("inner", "folder/inner.txt")
    assert read(files, str(root / "folder/inner.txt")) == ("inner", str(root / "folder/inner.txt"))


def test_the_root_may_be_reached_through_a_symlink(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    through = FilesSettings(root=link)
    assert read(through, "plain.txt") == ("plain", "plain.txt")
    assert read(through, str(link / "plain.txt")) == ("plain", str(root / "plain.txt"))
    assert read(through, str(root / "plain.txt")) == ("plain", str(root / "plain.txt"))


def test_symlinks_inside_the_root_are_followed(root: Path, files: FilesSettings) -> None:
    (root / "file-link").symlink_to("folder/inner.txt")
    (root / "folder-link").symlink_to(root / "folder")
    assert read(files, "file-link") == ("inner", "folder/inner.txt")
    assert read(files, "folder-link/inner.txt") == ("inner", "folder/inner.txt")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../secret.txt", "must not contain '..'"),
        ("folder/../plain.txt", "must not contain '..'"),
        ("{tmp}/root/../secret.txt", "must not contain '..'"),
        ("{tmp}/secret.txt", "lies outside"),
        ("{tmp}/no-such-file", "lies outside"),
        ("{tmp}/root-too/x.txt", "lies outside"),
        ("/etc/passwd", "lies outside"),
        ("/", "lies outside"),
        ("out-link", "leads outside"),
        ("out-folder/secret.txt", "leads outside"),
        ("etc-link/passwd", "leads outside"),
        ("loop", "circles"),
        ("dangling", "does not exist"),
        ("no-such-file", "does not exist"),
        ("plain.txt/x", "does not exist"),
        ("x" * 300, "too long"),
        ("nul\0", "must not contain '..' or NUL"),
        (".", "is a folder"),
        ("{tmp}/root", "is a folder"),
        ("folder", "not a regular file"),
        ("fifo", "not a regular file"),
        ("socket", "not a regular file"),
    ],
)
def test_refused(root: Path, tmp_path: Path, files: FilesSettings, path: str, reason: str) -> None:
    (root / "out-link").symlink_to("../secret.txt")
    (root / "out-folder").symlink_to(tmp_path)
    (root / "etc-link").symlink_to("/etc")
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("nothing")
    os.mkfifo(root / "fifo")
    here = Path.cwd()
    os.chdir(root)  # a socket's path must be short
    try:
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind("socket")
    finally:
        os.chdir(here)
    with pytest.raises(RefusedFile, match=reason):
        read(files, path.format(tmp=tmp_path))


def test_without_a_root_everything_is_refused() -> None:
    with pytest.raises(RefusedFile, match="TASKFLOW_FILES_ROOT names the folder"):
        read(FilesSettings(), "plain.txt")
    with pytest.raises(RefusedFile, match="TASKFLOW_FILES_ROOT names no folder"):
        read(FilesSettings(root=Path("/no/such/folder")), "plain.txt")


def test_a_link_slipped_in_after_the_check_is_not_followed(
    root: Path, tmp_path: Path, files: FilesSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race: between resolving the path and opening it, a folder or the file is swapped for a symlink."""
    locate = files_module._locate

    def swap_folder(*arguments: object) -> object:
        found = locate(*arguments)  # type: ignore[arg-type]
        (root / "folder").rename(root / "aside")
        (root / "folder").symlink_to(tmp_path / "root-too")
        return found

    (tmp_path / "root-too" / "inner.txt").write_text("neighbour")
    monkeypatch.setattr(files_module, "_locate", swap_folder)
    with pytest.raises(RefusedFile):
        read(files, "folder/inner.txt")

    def swap_file(*arguments: object) -> object:
        found = locate(*arguments)  # type: ignore[arg-type]
        (root / "plain.txt").unlink()
        (root / "plain.txt").symlink_to(tmp_path / "secret.txt")
        return found

    monkeypatch.setattr(files_module, "_locate", swap_file)
    with pytest.raises(RefusedFile, match="not a regular file"):
        read(files, "plain.txt")


def test_output_lands_in_the_folder_that_was_opened(root: Path, files: FilesSettings) -> None:
    with (
        open_source(files, "folder/inner.txt") as source,
        write_beside(source, "out", RecordedContext()) as out,
    ):
        (root / "folder").rename(root / "moved")
        out.write(b"here")
    assert (root / "moved" / "out").read_bytes() == b"here"


# --- output ----------------------------------------------------------------------------------------------------------


@contextmanager
def writing(files: FilesSettings, name: str = "out", attempt: int = 1) -> Iterator[tuple[Source, BinaryIO]]:
    with (
        open_source(files, "plain.txt") as source,
        write_beside(source, name, RecordedContext(task_id="task-1", attempt=attempt)) as out,
    ):
        yield source, out


def test_output_appears_whole_at_the_end(root: Path, files: FilesSettings) -> None:
    with writing(files) as (_, out):
        out.write(b"half")
        out.flush()
        assert not (root / "out").exists()
        out.write(b" and half")
    assert (root / "out").read_bytes() == b"half and half"
    assert sorted(each.name for each in root.iterdir()) == ["folder", "out", "plain.txt"]


def test_output_that_fails_leaves_nothing(root: Path, files: FilesSettings) -> None:
    (root / "out").write_text("old")
    with pytest.raises(KeyboardInterrupt), writing(files) as (_, out):
        out.write(b"half")
        raise KeyboardInterrupt
    assert (root / "out").read_text() == "old"
    assert sorted(each.name for each in root.iterdir()) == ["folder", "out", "plain.txt"]


def test_output_replaces_a_file_or_a_link_but_never_what_a_link_names(
    root: Path, tmp_path: Path, files: FilesSettings
) -> None:
    (root / "out").symlink_to(tmp_path / "secret.txt")
    with writing(files) as (_, out):
        out.write(b"new")
    assert (tmp_path / "secret.txt").read_text() == "secret"
    assert (root / "out").read_text() == "new"
    assert not (root / "out").is_symlink()
    with pytest.raises(RefusedFile, match="is a folder"), writing(files, "folder"):
        pass


def test_output_is_as_private_as_its_source(root: Path, files: FilesSettings) -> None:
    for mode in (0o600, 0o640, 0o4755):
        (root / "plain.txt").chmod(mode)
        with writing(files):
            pass
        assert stat.S_IMODE((root / "out").stat().st_mode) == mode & 0o777


def test_what_a_killed_attempt_left_is_removed(root: Path, files: FilesSettings) -> None:
    (root / ".taskflow-task-1-1.part").write_text("left by attempt 1")
    (root / ".taskflow-task-2-1.part").write_text("another task's")
    with writing(files, attempt=2):
        assert not (root / ".taskflow-task-1-1.part").exists()
    assert (root / ".taskflow-task-2-1.part").exists()


def test_a_stale_attempt_whose_draft_was_swept_publishes_nothing(root: Path, files: FilesSettings) -> None:
    with pytest.raises(RefusedFile), writing(files, attempt=1) as (_, stale):
        stale.write(b"stale")
        with writing(files, attempt=2) as (_, fresh):
            fresh.write(b"fresh")
    assert (root / "out").read_bytes() == b"fresh"


def test_a_source_that_changes_meanwhile_gives_no_output(root: Path, files: FilesSettings) -> None:
    with pytest.raises(SourceChanged), writing(files):
        (root / "plain.txt").write_text("changed")
    assert not (root / "out").exists()


def test_a_full_disk_is_worth_another_try(
    root: Path, files: FilesSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"), writing(files):
        pass
    assert sorted(each.name for each in root.iterdir()) == ["folder", "plain.txt"]


def test_a_name_that_gets_too_long_is_refused(root: Path, files: FilesSettings) -> None:
    with pytest.raises(RefusedFile, match="too long"), writing(files, "x" * 256):
        pass


# --- chunks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, CHUNK, 3 * CHUNK + 1, 250 * CHUNK])
def test_progress_only_rises_and_ends_at_one(root: Path, files: FilesSettings, size: int) -> None:
    with (root / "big").open("wb") as big:
        big.truncate(size)
    ctx = RecordedContext()
    with open_source(files, "big") as source:
        assert sum(map(len, chunks(source, ctx))) == size
    assert ctx.fractions == sorted(set(ctx.fractions))
    assert ctx.fractions[-1] == 1.0
    assert len(ctx.fractions) <= 101


def test_reading_stops_when_asked(root: Path, files: FilesSettings) -> None:
    ctx = RecordedContext(stop=True)
    with open_source(files, "plain.txt") as source, pytest.raises(AttemptStopped):
        next(chunks(source, ctx))


def test_a_file_that_grows_while_read_is_told(root: Path, files: FilesSettings) -> None:
    with open_source(files, "plain.txt") as source, pytest.raises(SourceChanged):
        for _ in chunks(source, RecordedContext()):
            with (root / "plain.txt").open("a") as more:
                more.write("more")
