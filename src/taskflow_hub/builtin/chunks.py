"""Reading a big file piece by piece, with progress, until told to stop."""

from collections.abc import Iterator
from typing import Final

from taskflow_hub.builtin.files import Source, SourceChanged
from taskflow_hub.worker.context import AttemptStopped, Context

CHUNK: Final = 1024 * 1024


def chunks(source: Source, ctx: Context) -> Iterator[bytes]:
    """The file's bytes. Progress rises by at least a percent per report and is 1 at the end.

    Raises AttemptStopped soon after the attempt is cancelled, and SourceChanged if the file was written to meanwhile.
    """
    done, reported = 0, 0.0
    while chunk := source.stream.read(CHUNK):
        if ctx.cancelled:
            raise AttemptStopped
        yield chunk
        done += len(chunk)
        if done > source.size:  # were it to grow as fast as it is read, this would never end
            raise SourceChanged(f"{source.path} grew while it was being read")
        fraction = done / source.size
        if fraction - reported >= 0.01 and fraction < 1.0:
            ctx.progress(fraction, f"{done} of {source.size} bytes")
            reported = fraction
    source.check_unchanged()
    ctx.progress(1.0, f"{done} bytes")
