"""Queues: how full they are, who serves them, and what an operator may say about them."""

from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.engine.queries import QueueView
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode
from taskflow_hub.http.described import gives, problems, takes
from taskflow_hub.http.identify import allow, by_of
from taskflow_hub.http.params import QueueName
from taskflow_hub.http.schemas import Purged, QueueChange, Queues

_CHANGE: Final = msgspec.json.Decoder(QueueChange)
_VIEW: Final = gives(QueueView, "The queue as it is now.")

router = APIRouter(tags=["queues"])


@router.get(
    "/queues", responses={200: gives(Queues, "Every queue that has a policy or an unfinished task, by name.")}
)
async def list_queues(request: Request) -> Response:
    """Depth by status and hold, age of the oldest waiting task, rate, and who serves each queue."""
    who = allow(request, Scope.READ)
    return Json(Queues(await api_of(request).engine.queries.queues(who)))


@router.patch("/queues/{name}", responses={200: _VIEW, **problems(413)}, openapi_extra=takes(QueueChange))
async def update_queue(request: Request, name: QueueName, body: Body) -> Response:
    """Say how many tasks may wait (a submit beyond that is answered 429), run at a time and start per second; what is left out
    stays. What waits is kept, what runs is not touched."""
    allow(request, Scope.ADMIN)
    change = (await decode(_CHANGE, body)).given()
    await api_of(request).engine.queues.update(name, **change, by=by_of(request))
    return await _view(request, name)


@router.post("/queues/{name}/pause", responses={200: _VIEW})
async def pause_queue(request: Request, name: QueueName) -> Response:
    """No new attempt starts from this queue, until it is resumed; that survives restarts. What runs goes on."""
    allow(request, Scope.ADMIN)
    await api_of(request).engine.queues.pause(name, by=by_of(request))
    return await _view(request, name)


@router.post("/queues/{name}/resume", responses={200: _VIEW})
async def resume_queue(request: Request, name: QueueName) -> Response:
    """End a pause."""
    allow(request, Scope.ADMIN)
    await api_of(request).engine.queues.resume(name, by=by_of(request))
    return await _view(request, name)


@router.post("/queues/{name}/purge", responses={200: gives(Purged, "How many tasks were cancelled.")})
async def purge_queue(request: Request, name: QueueName) -> Response:
    """Cancel every task of this queue and account that has not started."""
    who = allow(request, Scope.MANAGE)
    who.require_queue(name)
    purged = await api_of(request).engine.queues.purge(who.account_id, name, by=by_of(request))
    return Json(Purged(purged))


async def _view(request: Request, name: str) -> Response:
    return Json(await api_of(request).engine.queries.queue(allow(request, Scope.READ), name))
