"""The log in a file: its size, who may write it, and what happens when nobody can."""

import logging
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.logs.file import LogFile


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LogFile]:
    handler = LogFile(tmp_path / "hub.log", max_bytes=100, keep=2)
    yield handler
    handler.close()


def say(handler: LogFile, words: str) -> None:
    handler.handle(logging.LogRecord("x", logging.INFO, "", 0, words, None, None))


def test_it_is_renamed_before_it_grows_too_large_and_the_oldest_goes(file: LogFile, tmp_path: Path) -> None:
    for number in range(40):
        say(file, f"line {number:03}")
    kept = [(tmp_path / name).read_text().splitlines() for name in ("hub.log.2", "hub.log.1", "hub.log")]
    assert not (tmp_path / "hub.log.3").exists()
    assert all(sum(len(line) + 1 for line in lines) <= 100 for lines in kept)
    said = [line for lines in kept for line in lines]
    assert said == [f"line {number:03}" for number in range(40 - len(said), 40)]


def test_a_line_larger_than_a_file_has_one_for_itself(file: LogFile, tmp_path: Path) -> None:
    say(file, "before")
    say(file, "x" * 300)
    say(file, "after")
    assert (tmp_path / "hub.log.1").read_text() == "x" * 300 + "\n"
    assert (tmp_path / "hub.log").read_text() == "after\n"


def test_what_is_there_is_written_on(tmp_path: Path) -> None:
    for words in ("first", "second"):
        handler = LogFile(tmp_path / "hub.log", max_bytes=100, keep=2)
        say(handler, words)
        handler.close()
    assert (tmp_path / "hub.log").read_text() == "first\nsecond\n"
    assert (tmp_path / "hub.log").stat().st_mode & 0o777 == 0o600


def test_a_second_process_is_refused_and_may_have_it_when_the_first_has_ended(
    file: LogFile, tmp_path: Path
) -> None:
    program = (
        "import sys; from pathlib import Path; from taskflow_hub.logs.file import LogFile\n"
        "LogFile(Path(sys.argv[1]), max_bytes=100, keep=1)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "hub.log")]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "another process writes" in refused.stderr
    file.close()
    assert subprocess.run(command, check=False).returncode == 0


@pytest.mark.parametrize("where", ["missing/hub.log", "folder"])
def test_what_cannot_be_written_is_said_at_the_start(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Misconfigured, match=r"log\.file: cannot write"):
        LogFile(tmp_path / where, max_bytes=100, keep=1)


def test_a_full_disk_costs_lines_and_says_how_many(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit of the process on file sizes answers as a full disk does: a short write, then an error."""
    handler = LogFile(tmp_path / "hub.log", max_bytes=10_000, keep=1)
    before, heard = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        say(handler, "fits")
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
        say(handler, "does not fit")
        say(handler, "nor does this")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)
    assert (tmp_path / "hub.log").read_text() == "fits\n", "half a line is none"
    say(handler, "again")
    handler.close()
    assert (tmp_path / "hub.log").read_text() == "fits\nagain\nthe log is written again; 2 lines were lost\n"
    assert capsys.readouterr().err.count("the hub goes on") == 1


def test_a_file_that_was_moved_away_is_begun_anew_at_the_next_rotation(file: LogFile, tmp_path: Path) -> None:
    say(file, "x" * 90)
    (tmp_path / "hub.log").rename(tmp_path / "elsewhere")
    say(file, "y" * 90)
    say(file, "after")
    assert "after" in (tmp_path / "hub.log").read_text()
