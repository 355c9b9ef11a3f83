"""`file.compress`."""

import gzip
from pathlib import Path
from typing import Literal

import pytest
import zstandard

from taskflow_hub.builtin.file_compress import file_compress
from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.domain.outcomes import Fail
from taskflow_hub.testing.handlers import RecordedContext

TEXT = b"the quick brown fox\n" * 200_000


@pytest.fixture
def files(tmp_path: Path) -> FilesSettings:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "log.txt").write_bytes(TEXT)
    return FilesSettings(root=tmp_path)


def unpack(path: Path) -> bytes:
    packed = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(packed)
    return zstandard.ZstdDecompressor().stream_reader(packed).read()


@pytest.mark.parametrize(("format", "suffix"), [("gzip", ".gz"), ("zstd", ".zst")])
@pytest.mark.parametrize("level", [None, 1, 9])
def test_the_copy_unpacks_to_the_source(
    tmp_path: Path, files: FilesSettings, format: Literal["gzip", "zstd"], suffix: str, level: int | None
) -> None:
    ctx = RecordedContext()
    done = file_compress("data/log.txt", ctx, format, level, files=files)
    output = tmp_path / f"data/log.txt{suffix}"
    assert done == {
        "path": f"data/log.txt{suffix}",
        "size": output.stat().st_size,
        "original_size": len(TEXT),
    }
    assert unpack(output) == TEXT
    assert (tmp_path / "data/log.txt").read_bytes() == TEXT
    assert ctx.fractions == sorted(set(ctx.fractions))
    assert ctx.fractions[-1] == 1.0


@pytest.mark.parametrize("format", ["gzip", "zstd"])
def test_a_second_run_replaces_its_output_with_the_same(
    tmp_path: Path, files: FilesSettings, format: Literal["gzip", "zstd"]
) -> None:
    path = str(tmp_path / "data/log.txt")
    first = file_compress(path, RecordedContext(), format, files=files)
    assert isinstance(first, dict)
    before = Path(first["path"]).read_bytes()
    assert file_compress(path, RecordedContext(attempt=2), format, files=files) == first
    assert Path(first["path"]).read_bytes() == before
    assert len(list((tmp_path / "data").iterdir())) == 2


def test_an_empty_file(tmp_path: Path, files: FilesSettings) -> None:
    (tmp_path / "empty").touch()
    done = file_compress("empty", RecordedContext(), files=files)
    assert isinstance(done, dict)
    assert done["original_size"] == 0
    assert unpack(tmp_path / "empty.gz") == b""


def test_what_makes_no_sense_fails_for_good(files: FilesSettings) -> None:
    assert file_compress("data/log.txt", RecordedContext(), "gzip", 10, files=files) == Fail(
        "level 10 is too high: gzip has levels 1 to 9"
    )
    assert isinstance(file_compress("data", RecordedContext(), files=files), Fail)
