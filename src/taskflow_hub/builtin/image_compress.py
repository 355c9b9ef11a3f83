"""`image.compress`: a smaller copy of a picture, beside it."""

from typing import Annotated, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from taskflow_hub.builtin.files import FilePath, RefusedFile, open_source, write_beside
from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.domain.outcomes import Fail
from taskflow_hub.worker.context import Context

Format = Literal["jpeg", "png", "webp"]

_SUFFIX: Final = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}


class Picture(TypedDict):
    path: Annotated[str, Field(description="The new picture; relative or absolute, as the source was given.")]
    size: Annotated[int, Field(ge=0, description="Bytes in the new picture.")]
    original_size: Annotated[int, Field(ge=0, description="Bytes in the source.")]
    width: Annotated[int, Field(ge=1, description="Pixels across the new picture.")]
    height: Annotated[int, Field(ge=1, description="Pixels down the new picture.")]


def image_compress(
    path: FilePath,
    ctx: Context,
    quality: Annotated[
        int,
        Field(ge=1, le=95, description="For JPEG and WebP. PNG has no loss, so it is only packed tighter."),
    ] = 80,
    max_width: Annotated[
        int | None,
        Field(ge=1, le=16_383, description="Scale a wider picture down to this many pixels across."),
    ] = None,
    format: Annotated[Format | None, Field(description="Null: the source's own.")] = None,
    *,
    files: FilesSettings,
) -> Picture | Fail:
    """Write a smaller copy of a JPEG, PNG or WebP picture, named like photo-compressed.jpg, beside it.

    The source stays; a file with the output's name is replaced. The picture is turned the way its camera was held. The
    colour profile is kept; all other metadata, such as where it was taken, is not. Animations and pictures of more than
    89 million pixels are refused.
    """
    from taskflow_hub.builtin import pictures

    try:
        with open_source(files, path) as source:
            picture, found = pictures.load(source.stream)
            ctx.progress(0.4, f"read {picture.width} × {picture.height}")
            picture = pictures.shrink(picture, max_width)
            target: Format = format or found
            ready = pictures.fit_for(picture, target)
            ctx.progress(0.6, f"writing {ready.width} × {ready.height}")
            output = f"{source.path.stem}-compressed{_SUFFIX[target]}"
            with write_beside(source, output, ctx) as out:
                pictures.save(ready, out, target, quality)
                size = out.seek(0, 2)
            ctx.progress(1.0, f"{size} of {source.size} bytes")
            return Picture(
                path=str(source.path.with_name(output)),
                size=size,
                original_size=source.size,
                width=ready.width,
                height=ready.height,
            )
    except (RefusedFile, pictures.RefusedPicture) as refused:
        return Fail(str(refused))
