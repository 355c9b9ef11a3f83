"""What the parents of a workflow's node ended with, for the handler that works for it: `ctx.inputs`."""

from typing import Final

from msgspec import Raw

from taskflow_hub.domain.errors import Gone, TaskflowError
from taskflow_hub.domain.limits import READ_AHEAD
from taskflow_hub.domain.messages import CallFailed, InputItem, Inputs, ReadInputs, Reply
from taskflow_hub.domain.model import NULL, ResultRef
from taskflow_hub.domain.moves import Fence
from taskflow_hub.engine.results import FolderResults
from taskflow_hub.store.base_workflows import WorkflowStore
from taskflow_hub.store.values import InputPage

AT_ONCE: Final = 200  # items that the store is asked for


class NodeInputs:
    def __init__(self, store: WorkflowStore, results: FolderResults) -> None:
        self._store, self._results = store, results

    async def answer(self, request: ReadInputs) -> Reply:
        """As many items as have READ_AHEAD bytes together, at least one. What is refused is answered as CallFailed: LeaseLost;
        NotFound for a node that this one does not come after; Gone for a result that has been removed.
        """
        fence = Fence(request.id, request.attempt)
        page = await self._store.inputs(fence, request.node, after=request.after, limit=AT_ONCE)
        if isinstance(page, TaskflowError):
            return CallFailed(page.code, page.detail)
        try:
            return await self._filled(page)
        except Gone as error:
            return CallFailed(error.code, error.detail)

    async def _filled(self, page: InputPage) -> Inputs:
        """With the results that lie outside the store, until there is enough for one answer."""
        items: list[InputItem] = []
        octets = 0
        for place, item in enumerate(page.items):
            ref = page.refs.get(place)
            size = len(item.result or b"") if ref is None else ref.size
            if items and octets + size > READ_AHEAD:
                return Inputs(items=tuple(items), more=True)
            octets += size
            result = item.result if ref is None else await self._read(ref)
            items.append(
                InputItem(item=item.item, status=item.status, result=result or NULL, error=item.error)
            )
        return Inputs(items=tuple(items), more=page.more)

    async def _read(self, ref: ResultRef) -> Raw:
        chunks = [chunk async for chunk in await self._results.read(ref)]
        return Raw(b"".join(chunks))
