"""`file.hash`: the digest of a file."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from taskflow_hub.builtin.chunks import chunks
from taskflow_hub.builtin.files import FilePath, RefusedFile, open_source
from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.domain.outcomes import Fail
from taskflow_hub.worker.context import Context

Algorithm = Literal["sha256", "blake2b"]


class Digest(TypedDict):
    digest: Annotated[str, Field(pattern="^[0-9a-f]+$", description="The digest, in hexadecimal.")]
    size: Annotated[int, Field(ge=0, description="Bytes in the file.")]
    algorithm: Annotated[Algorithm, Field(description="As asked for.")]


def file_hash(
    path: FilePath,
    ctx: Context,
    algorithm: Annotated[Algorithm, Field(description="blake2b is 512 bits long.")] = "sha256",
    *,
    files: FilesSettings,
) -> Digest | Fail:
    """Compute the digest of a file of any size."""
    hasher = hashlib.new(algorithm)
    try:
        with open_source(files, path) as source:
            for chunk in chunks(source, ctx):
                hasher.update(chunk)
            return Digest(digest=hasher.hexdigest(), size=source.size, algorithm=algorithm)
    except RefusedFile as refused:
        return Fail(str(refused))
