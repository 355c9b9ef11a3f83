"""What `image.compress` does to pixels. Imports Pillow: import this file late, and in a process of its own."""

import warnings
from typing import Any, BinaryIO, Final, Literal

from PIL import Image, ImageOps, UnidentifiedImageError

Format = Literal["jpeg", "png", "webp"]

_FOUND: Final[dict[str | None, Format]] = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "png", "WEBP": "webp"}
_MAX_SIDE: Final = {"jpeg": 65_500, "png": 2**31 - 1, "webp": 16_383}

# The ways of storing colour that each format takes as they are.
_MODES: Final = {
    "jpeg": {"L", "RGB", "CMYK"},
    "png": {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"},
    "webp": {"RGB", "RGBA"},
}
_ALPHA: Final = {"LA", "PA", "La", "RGBA", "RGBa"}


class RefusedPicture(ValueError):
    """This picture cannot be compressed, now or later."""


def load(stream: BinaryIO) -> tuple[Image.Image, Format]:
    """The picture, decoded and upright, and its format. Raises RefusedPicture."""
    with warnings.catch_warnings():
        # Pillow warns above 89 million pixels and raises above twice that; a bomb is a bomb.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            picture = Image.open(stream, formats=("JPEG", "PNG", "WEBP"))
            found = _FOUND[picture.format]
            if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
                raise RefusedPicture("the picture is an animation")
            return ImageOps.exif_transpose(picture), found
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise RefusedPicture(f"the picture has too many pixels: {error}") from error
        except UnidentifiedImageError as error:
            raise RefusedPicture("the file is not a JPEG, PNG or WebP picture") from error
        except RefusedPicture:
            raise
        except OSError as error:
            if error.errno is not None:  # the disk, not the picture
                raise
            raise RefusedPicture(f"the picture is damaged: {error}") from error
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders let anything escape from damaged data
            raise RefusedPicture(f"the picture is damaged: {error}") from error


def shrink(picture: Image.Image, max_width: int | None) -> Image.Image:
    """Scaled down to `max_width` pixels across, in proportion; never up."""
    if max_width is None or picture.width <= max_width:
        return picture
    height = max(1, round(picture.height * max_width / picture.width))
    if picture.mode in {"P", "1"}:  # between the colours of a palette nothing can be interpolated
        picture = picture.convert("RGBA" if _has_alpha(picture) else "RGB")
    return picture.resize((max_width, height), Image.Resampling.LANCZOS)


def fit_for(picture: Image.Image, format: Format) -> Image.Image:
    """With its colours stored in a way the format takes; transparency becomes white where there is none."""
    if max(picture.size) > _MAX_SIDE[format]:
        raise RefusedPicture(f"{format} holds at most {_MAX_SIDE[format]} pixels a side; give a max_width")
    # PNG alone can call one colour transparent; elsewhere it takes an alpha channel.
    if picture.mode in _MODES[format] and (
        format == "png" or picture.mode == "RGBA" or not _has_alpha(picture)
    ):
        return picture
    ready = _in_rgb(picture, flat=format == "jpeg")
    if _colours(ready.mode) != _colours(picture.mode):
        ready.info.pop("icc_profile", None)  # it speaks of colours that are no longer there
    return ready


def _in_rgb(picture: Image.Image, *, flat: bool) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel, which Pillow would cut off and not scale
        picture = picture.point(lambda value: value / 256).convert("L")
    if not _has_alpha(picture):
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    return _on_white(picture) if flat else picture


def _colours(mode: str) -> str:
    """What a colour profile for this mode describes: grey, red-green-blue, or ink."""
    return mode if mode == "CMYK" else Image.getmodebase(mode)


def _has_alpha(picture: Image.Image) -> bool:
    return picture.mode in _ALPHA or "transparency" in picture.info


def _on_white(picture: Image.Image) -> Image.Image:
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    white.info = dict(picture.info)
    return white


def save(picture: Image.Image, out: BinaryIO, format: Format, quality: int) -> None:
    options: dict[Format, dict[str, Any]] = {
        "jpeg": {"quality": quality, "optimize": True, "progressive": True},
        "png": {"optimize": True},
        "webp": {"quality": quality, "method": 4},
    }
    profile = picture.info.get("icc_profile")
    picture.save(out, format, icc_profile=profile, exif=b"", **options[format])
