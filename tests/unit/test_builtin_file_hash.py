"""`file.hash`."""

import hashlib
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.builtin.file_hash import file_hash
from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.domain.outcomes import Fail
from taskflow_hub.testing.handlers import RecordedContext


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@given(data=st.binary(max_size=1000), algorithm=st.sampled_from(["sha256", "blake2b"]))
def test_the_digest_is_the_usual_one(
    root: Path, data: bytes, algorithm: Literal["sha256", "blake2b"]
) -> None:
    (root / "file").write_bytes(data)
    assert file_hash("file", RecordedContext(), algorithm, files=FilesSettings(root=root)) == {
        "digest": hashlib.new(algorithm, data).hexdigest(),
        "size": len(data),
        "algorithm": algorithm,
    }


def test_a_known_digest(root: Path) -> None:
    (root / "abc").write_bytes(b"abc")
    digest = file_hash("abc", RecordedContext(), files=FilesSettings(root=root))
    assert isinstance(digest, dict)
    assert digest["digest"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_what_cannot_be_read_fails_for_good(root: Path) -> None:
    assert file_hash("nothing", RecordedContext(), files=FilesSettings(root=root)) == Fail(
        "'nothing' does not exist"
    )
    unset = file_hash("nothing", RecordedContext(), files=FilesSettings())
    assert isinstance(unset, Fail)
    assert "TASKFLOW_FILES_ROOT" in unset.reason
