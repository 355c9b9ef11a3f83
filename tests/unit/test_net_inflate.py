"""Decompressing within bounds."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.net import BadAnswer
from taskflow_hub.net.inflate import decoder

ROOM = 1_000_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@given(
    st.lists(st.binary(max_size=300), max_size=5),
    st.integers(1, 50),
    st.sampled_from(["gzip", "deflate", "raw", ""]),
)
def test_what_was_compressed_comes_back(parts: list[bytes], step: int, coding: str) -> None:
    whole = b"".join(parts)
    packed = {
        "gzip": b"".join(gzip.compress(part) for part in parts),  # several members
        "deflate": zlib.compress(whole),
        "raw": raw_deflate(whole),
        "": whole,
    }[coding]
    unpacker = decoder("deflate" if coding == "raw" else coding)
    pieces = [packed[start : start + step] for start in range(0, len(packed), step)]
    assert b"".join(unpacker.feed(piece, ROOM) for piece in pieces) == whole
    unpacker.finish()


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", " GZIP ", "deflate", "identity"])
def test_never_more_than_there_is_room(coding: str) -> None:
    zeros = bytes(50_000_000)
    bomb = {"deflate": zlib.compress(zeros), "identity": zeros}.get(coding) or gzip.compress(zeros)
    assert decoder(coding).feed(bomb, 1000) == bytes(1000)


def test_many_empty_members_do_no_harm() -> None:
    unpacker = decoder("gzip")
    assert unpacker.feed(gzip.compress(b"") * 10_000 + gzip.compress(b"x"), ROOM) == b"x"


def test_what_follows_the_end_is_ignored() -> None:
    unpacker = decoder("gzip")
    assert unpacker.feed(gzip.compress(b"x") + b"garbage", ROOM) == b"x"
    assert unpacker.feed(b"more", ROOM) == b""
    unpacker.finish()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_damage_is_told(coding: str) -> None:
    with pytest.raises(BadAnswer, match="damaged"):
        decoder(coding).feed(b"\xff" * 100, ROOM)


def test_an_early_end_is_told() -> None:
    unpacker = decoder("gzip")
    unpacker.feed(gzip.compress(b"x" * 1000)[:-10], ROOM)
    with pytest.raises(BadAnswer, match="too early"):
        unpacker.finish()


def test_no_body_is_no_damage() -> None:
    decoder("gzip").finish()  # the answer to HEAD


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip"])
def test_what_was_not_asked_for_is_refused(coding: str) -> None:
    with pytest.raises(BadAnswer, match="not asked for"):
        decoder(coding)
