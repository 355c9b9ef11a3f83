"""`image.compress`."""

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from taskflow_hub.builtin.image_compress import image_compress
from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.domain.outcomes import Fail
from taskflow_hub.testing.handlers import RecordedContext

ORIENTATION = 0x0112
ROTATE_90 = 6
GPS = 0x8825
Format = Literal["jpeg", "png", "webp"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def noise(width: int = 400, height: int = 200, mode: str = "RGB") -> Image.Image:
    raw = Image.frombytes("L", (width, height), os.urandom(width * height))
    return raw.resize((width // 4, height // 4)).resize((width, height)).convert(mode)


def compress(root: Path, path: str, **options: Any) -> Any:
    return image_compress(path, RecordedContext(), files=FilesSettings(root=root), **options)


@pytest.mark.parametrize("found", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("wanted", [None, "jpeg", "png", "webp"])
def test_every_format_to_every_format(root: Path, found: Format, wanted: Format | None) -> None:
    noise().save(root / f"photo.{found}")
    target = wanted or found
    name = f"photo-compressed.{'jpg' if target == 'jpeg' else target}"
    ctx = RecordedContext()
    done = image_compress(f"photo.{found}", ctx, format=wanted, files=FilesSettings(root=root))
    assert done == {
        "path": name,
        "size": (root / name).stat().st_size,
        "original_size": (root / f"photo.{found}").stat().st_size,
        "width": 400,
        "height": 200,
    }
    with Image.open(root / name) as copy:
        assert (copy.format, copy.size) == (target.upper(), (400, 200))
    assert ctx.fractions == sorted(set(ctx.fractions))
    assert ctx.fractions[-1] == 1.0


def test_the_format_is_told_by_the_bytes_not_by_the_name(root: Path) -> None:
    noise().save(root / "photo.txt", "PNG")
    assert compress(root, "photo.txt")["path"] == "photo-compressed.png"


def test_quality_matters(root: Path) -> None:
    noise().save(root / "photo.jpg", quality=95)
    sizes = [compress(root, "photo.jpg", quality=quality)["size"] for quality in (5, 50, 95)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]


@pytest.mark.parametrize(
    ("max_width", "size"),
    [(100, (100, 50)), (399, (399, 200)), (400, (400, 200)), (4000, (400, 200)), (1, (1, 1))],
)
def test_a_wide_picture_is_scaled_in_proportion(root: Path, max_width: int, size: tuple[int, int]) -> None:
    noise().save(root / "photo.png")
    done = compress(root, "photo.png", max_width=max_width)
    assert (done["width"], done["height"]) == size


def test_the_picture_is_turned_the_way_the_camera_was_held_and_forgets_where(root: Path) -> None:
    picture = Image.new("RGB", (40, 20), "blue")
    picture.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[ORIENTATION] = ROTATE_90
    exif[GPS] = {1: "N"}
    picture.save(root / "photo.jpg", exif=exif)
    done = compress(root, "photo.jpg", max_width=20)
    assert (done["width"], done["height"]) == (20, 40)
    with Image.open(root / done["path"]) as copy:
        assert not copy.getexif()
        top, bottom = copy.getpixel((10, 5)), copy.getpixel((10, 35))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200 > bottom[0]


def test_metadata_stays_behind_and_the_colour_profile_does_not(root: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[GPS] = {1: "N"}
    for found in ("jpeg", "png", "webp"):
        noise().save(root / f"photo.{found}", exif=exif, icc_profile=profile)
        for target in ("jpeg", "png", "webp"):
            done = compress(root, f"photo.{found}", format=target)
            with Image.open(root / done["path"]) as copy:
                assert not copy.getexif(), (found, target)
                assert copy.info.get("icc_profile") == profile, (found, target)


def test_a_profile_goes_when_the_kind_of_colour_changes(root: Path) -> None:
    profile = ImageCms.ImageCmsProfile(
        ImageCms.createProfile("sRGB")
    ).tobytes()  # of what kind is not looked at
    for name, mode, target in (
        ("grey.png", "L", "webp"),
        ("ink.jpg", "CMYK", "png"),
        ("wide.png", "RGBA", "jpeg"),
    ):
        noise(mode=mode).save(root / name, icc_profile=profile)
        done = compress(root, name, format=target)
        with Image.open(root / done["path"]) as copy:
            assert copy.info.get("icc_profile") == (profile if mode == "RGBA" else None), name


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
@pytest.mark.parametrize("target", ["jpeg", "png", "webp"])
@pytest.mark.parametrize("max_width", [None, 50])
def test_colours_of_every_kind(root: Path, mode: str, target: Format, max_width: int | None) -> None:
    """A grey of half brightness stays one, however it was stored."""
    grey = Image.new("L", (80, 40), 128)
    if mode == "I;16":
        picture = Image.frombytes("I;16", (80, 40), struct.pack("<H", 128 * 257) * 3200)
    else:
        picture = (grey if mode != "1" else Image.new("L", (80, 40), 255)).convert(mode)
    name = "picture.jpg" if mode == "CMYK" else "picture.png"
    picture.save(root / name)
    done = compress(root, name, format=target, max_width=max_width)
    with Image.open(root / done["path"]) as copy:
        if copy.mode == "I;16":
            value = copy.getpixel((5, 5))
            assert isinstance(value, int | float)
            assert abs(value / 257 - 128) < 3
            return
        pixel = copy.convert("RGB").getpixel((5, 5))
    assert isinstance(pixel, tuple)
    assert all(abs(channel - (255 if mode == "1" else 128)) < 6 for channel in pixel)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_what_was_transparent_is_white_in_a_jpeg_and_transparent_elsewhere(root: Path, mode: str) -> None:
    clear = Image.new("RGBA", (40, 20), (200, 0, 0, 0))
    options: dict[str, Any] = {}
    picture = clear.convert(mode)
    if mode == "P":
        picture = Image.new("P", (40, 20), 0)
        picture.putpalette([200, 0, 0] * 256)
        options = {"transparency": 0}
    if mode == "RGB":
        options = {"transparency": (200, 0, 0)}
    picture.save(root / "clear.png", **options)
    for target, max_width in (("jpeg", None), ("png", None), ("png", 20), ("webp", None)):
        done = compress(root, "clear.png", format=target, max_width=max_width)
        with Image.open(root / done["path"]) as copy:
            pixel = copy.convert("RGBA").getpixel((5, 5))
        assert isinstance(pixel, tuple)
        assert pixel == (255, 255, 255, 255) if target == "jpeg" else pixel[3] == 0


def png_of_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def animation(format: str) -> bytes:
    out = io.BytesIO()
    noise().save(out, format, save_all=True, append_images=[noise()])
    return out.getvalue()


def encoded(format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    noise().save(out, format, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a JPEG, PNG or WebP"),
        (b"just text", "not a JPEG, PNG or WebP"),
        (encoded("GIF"), "not a JPEG, PNG or WebP"),
        (encoded("TIFF"), "not a JPEG, PNG or WebP"),
        (png_of_size(10_000, 10_000), "too many pixels"),
        (png_of_size(60_000, 60_000), "too many pixels"),
        (encoded("PNG")[:-5000], "damaged"),
        (encoded("JPEG")[:2000], "damaged"),
        (encoded("WEBP")[:500], "damaged"),
        (encoded("PNG").replace(b"IDAT", b"IDAX"), "not a JPEG, PNG or WebP"),
        (animation("WEBP"), "animation"),
        (animation("PNG"), "animation"),
    ],
)
def test_what_is_no_decent_picture_fails_for_good(root: Path, data: bytes, reason: str) -> None:
    (root / "picture").write_bytes(data)
    outcome = compress(root, "picture")
    assert isinstance(outcome, Fail)
    assert reason in outcome.reason
    assert [each.name for each in root.iterdir()] == ["picture"]


INTACT = {name: encoded(name) for name in ("JPEG", "PNG", "WEBP")}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(INTACT)),
    damage=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=4)), min_size=1, max_size=5
    ),
)
def test_damage_of_any_kind_is_survived(root: Path, name: str, damage: list[tuple[float, bytes]]) -> None:
    data = bytearray(INTACT[name])
    for where, what in damage:
        at = int(where**4 * len(data))  # mostly in the headers
        data[at : at + len(what)] = what
    (root / "picture").write_bytes(data)
    outcome = compress(root, "picture")
    assert isinstance(outcome, Fail) or outcome["size"] > 0


def test_too_wide_for_the_format(root: Path) -> None:
    Image.new("1", (20_000, 2)).save(root / "wide.png")
    outcome = compress(root, "wide.png", format="webp")
    assert isinstance(outcome, Fail)
    assert "give a max_width" in outcome.reason
    assert compress(root, "wide.png", format="webp", max_width=16_383)["width"] == 16_383


def test_the_first_picture_of_a_camera_that_stores_two(root: Path) -> None:
    out = io.BytesIO()
    noise().save(out, "MPO", save_all=True, append_images=[noise(200, 100)])
    (root / "phone.jpg").write_bytes(out.getvalue())
    done = compress(root, "phone.jpg")
    assert (done["path"], done["width"]) == ("phone-compressed.jpg", 400)


def test_no_file_no_picture(root: Path) -> None:
    assert compress(root, "nothing.jpg") == Fail("'nothing.jpg' does not exist")
