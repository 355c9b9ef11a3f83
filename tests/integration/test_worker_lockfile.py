"""Lock files: only the death of the process that held one proves anything."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.lockfile import LockFile, lock_dir, proves_death, remove

HOLD = """
import sys, time
from pathlib import Path
from taskflow_hub.lockfile import LockFile
lock = LockFile.hold(Path(sys.argv[1]), sys.argv[2])
print("held", flush=True)
time.sleep(3600)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "locks"


@pytest.fixture
def other(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock of worker "w1"."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), "w1"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_living_process_proves_nothing(folder: Path, other: "subprocess.Popen[str]") -> None:
    assert not proves_death(folder, "w1")
    remove(folder, "w1")
    assert [file.name for file in folder.iterdir()] == ["w1.lock"]
    other.send_signal(signal.SIGSTOP)
    assert not proves_death(folder, "w1")
    other.send_signal(signal.SIGCONT)


def test_a_killed_process_is_proved_dead_as_often_as_asked(
    folder: Path, other: "subprocess.Popen[str]"
) -> None:
    other.kill()
    other.wait()
    assert proves_death(folder, "w1")
    assert proves_death(folder, "w1")
    assert not proves_death(folder, "w2")
    remove(folder, "w1")
    assert not proves_death(folder, "w1")
    assert list(folder.iterdir()) == []
    remove(folder, "w1")


def test_our_own_lock_proves_nothing_to_ourselves(folder: Path) -> None:
    lock = LockFile.hold(folder, "w1")
    assert not proves_death(folder, "w1")
    lock.release()
    lock.release()
    assert not proves_death(folder, "w1")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", ["", "w2", "w1 and more"])
def test_a_file_with_other_words_proves_nothing(folder: Path, content: str) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (folder / "w1.lock").write_text(content)
    assert not proves_death(folder, "w1")


def test_a_link_proves_nothing(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (tmp_path / "elsewhere").write_text("w1")
    (folder / "w1.lock").symlink_to(tmp_path / "elsewhere")
    assert not proves_death(folder, "w1")


def test_no_folder_proves_nothing(tmp_path: Path) -> None:
    assert not proves_death(tmp_path / "none", "w1")


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o777, 0o1777])
def test_a_folder_that_others_can_reach_is_not_used(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    (folder / "w1.lock").write_text("w1")
    folder.chmod(0o700)
    assert proves_death(folder, "w1")
    folder.chmod(mode)
    assert not proves_death(folder, "w1")
    with pytest.raises(Misconfigured, match="0700"):
        LockFile.hold(folder, "w2")


def test_a_folder_of_somebody_else_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    LockFile.hold(folder, "w1").path.with_suffix(".x").touch()
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert not proves_death(folder, "w1")
    with pytest.raises(Misconfigured, match="belongs to this user"):
        LockFile.hold(folder, "w2")


def test_a_link_to_a_folder_is_not_used(folder: Path, tmp_path: Path) -> None:
    folder.mkdir(parents=True, mode=0o700)
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(Misconfigured):
        LockFile.hold(tmp_path / "link", "w1")


@pytest.mark.parametrize("name", ["../w1", "a/b", "a\0b"])
def test_an_id_is_no_path(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="worker id"):
        LockFile.hold(folder, name)
    with pytest.raises(ValueError, match="worker id"):
        proves_death(folder, name)


def test_the_usual_folder_is_one_per_user() -> None:
    assert lock_dir().name == f"taskflow-hub-{os.geteuid()}"
    assert lock_dir(Path("/x")) == Path("/x")
