"""A task's outcome in one shape, wherever its result lies; a large one passes through in chunks."""

from collections.abc import AsyncGenerator, AsyncIterator

import msgspec
from starlette.responses import Response

from taskflow_hub.domain.model import Task
from taskflow_hub.engine.results import FolderResults
from taskflow_hub.http.answers import Chunks, Json
from taskflow_hub.http.schemas import Outcome


async def result_answer(task: Task, results: FolderResults) -> Response:
    """Raises Gone when the result lay outside the store and has been removed."""
    if task.result_ref is None:
        return Json(Outcome(task.status, task.result, task.error))
    head = b'{"status":%b,"result":' % msgspec.json.encode(task.status)
    tail = b',"error":%b}' % msgspec.json.encode(task.error)
    chunks = await results.read(task.result_ref)
    return Chunks(_framed(head, chunks, tail), len(head) + task.result_ref.size + len(tail))


async def _framed(head: bytes, chunks: AsyncIterator[bytes], tail: bytes) -> AsyncGenerator[bytes, None]:
    yield head
    async for chunk in chunks:
        yield chunk
    yield tail
