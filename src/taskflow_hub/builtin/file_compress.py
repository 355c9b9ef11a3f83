"""`file.compress`: a compressed copy of a file, beside it."""

from contextlib import AbstractContextManager
from typing import Annotated, BinaryIO, Final, Literal, Protocol

from pydantic import Field
from typing_extensions import TypedDict

from taskflow_hub.builtin.chunks import chunks
from taskflow_hub.builtin.files import FilePath, RefusedFile, open_source, write_beside
from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.domain.outcomes import Fail
from taskflow_hub.worker.context import Context

Format = Literal["gzip", "zstd"]

_SUFFIX: Final = {"gzip": ".gz", "zstd": ".zst"}
_DEFAULT_LEVEL: Final = {"gzip": 6, "zstd": 3}
_MAX_LEVEL: Final = {"gzip": 9, "zstd": 19}  # zstd goes on to 22, for a gigabyte of memory


class Compressed(TypedDict):
    path: Annotated[
        str, Field(description="The compressed file; relative or absolute, as the source was given.")
    ]
    size: Annotated[int, Field(ge=0, description="Bytes in the compressed file.")]
    original_size: Annotated[int, Field(ge=0, description="Bytes in the source.")]


class _Sink(Protocol):
    def write(self, data: bytes, /) -> int: ...


def file_compress(
    path: FilePath,
    ctx: Context,
    format: Annotated[
        Format, Field(description="The output is named after the source, with .gz or .zst added.")
    ] = "gzip",
    level: Annotated[
        int | None,
        Field(
            ge=1, le=19, description="1 (fast) to 9 (small), for zstd to 19; null: 6 for gzip, 3 for zstd."
        ),
    ] = None,
    *,
    files: FilesSettings,
) -> Compressed | Fail:
    """Compress a file of any size. The source stays; a file with the output's name is replaced.

    The same file compressed again with the same version gives the same bytes.
    """
    level = level or _DEFAULT_LEVEL[format]
    if level > _MAX_LEVEL[format]:
        return Fail(f"level {level} is too high: {format} has levels 1 to {_MAX_LEVEL[format]}")
    try:
        with open_source(files, path) as source:
            output = source.path.name + _SUFFIX[format]
            with write_beside(source, output, ctx) as out:
                with _compressor(out, format, level) as sink:
                    for chunk in chunks(source, ctx):
                        sink.write(chunk)
                size = out.tell()
            return Compressed(path=str(source.path.with_name(output)), size=size, original_size=source.size)
    except RefusedFile as refused:
        return Fail(str(refused))


def _compressor(out: BinaryIO, format: Format, level: int) -> AbstractContextManager[_Sink]:
    """Closing it ends the compressed stream and leaves `out` open."""
    if format == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(level=level, write_checksum=True).stream_writer(out, closefd=False)
    import gzip

    # Without name and time, so that equal files make equal archives.
    return gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=out, mtime=0)
