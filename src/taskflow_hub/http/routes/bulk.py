"""Operations over many tasks."""

from typing import Final

import msgspec
from fastapi import APIRouter
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.errors import Invalid, NotFound
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode
from taskflow_hub.http.described import gives, problems, takes
from taskflow_hub.http.identify import allow, by_of, who_of
from taskflow_hub.http.params import BulkId
from taskflow_hub.http.schemas import BulkRequest, BulkView, DryRun
from taskflow_hub.store.values import Bulk

_REQUEST: Final = msgspec.json.Decoder(BulkRequest)

router = APIRouter(tags=["bulk"])


@router.post(
    "/bulk",
    status_code=202,
    responses={
        202: gives(BulkView, "It has begun.", headers={"Location": "Where its progress is."}),
        200: gives(DryRun, "A dry run: how many tasks match now. Nothing was changed."),
        **problems(413),
    },
    openapi_extra=takes(BulkRequest),
)
async def begin_bulk(request: Request, body: Body) -> Response:
    """Cancel, redrive or delete every task that matches. It survives restarts and can be aborted."""
    bulk, who = api_of(request).engine.bulk, who_of(request)
    wanted = await decode(_REQUEST, body)
    who.require(Scope.READ if wanted.dry_run else Scope.MANAGE)
    if wanted.filter.queue is not None:
        who.require_queue(wanted.filter.queue)
    where = replace(wanted.filter.where(), queues=who.queues)
    try:
        if wanted.dry_run:
            return Json(DryRun(wanted.action, await bulk.count(who.account_id, where)))
        begun = await bulk.begin(who.account_id, wanted.action, where, by=by_of(request))
    except Invalid as refusal:  # more errors to look through than a count reads
        raise refusal.below("/filter") from None
    return Json(BulkView.of(begun), 202, {"Location": f"/bulk/{begun.id}"})


@router.get("/bulk/{id}", responses={200: gives(BulkView, "How far it is."), **problems(404)})
async def get_bulk(request: Request, id: BulkId) -> Response:
    """How far an operation is."""
    return Json(BulkView.of(await _seen(request, Scope.READ, id)))


@router.post("/bulk/{id}/abort", responses={200: gives(BulkView, "It has ended."), **problems(404)})
async def abort_bulk(request: Request, id: BulkId) -> Response:
    """Stop it after the chunk in flight, which is still counted; what is done stays done. One that has ended is answered as it
    is."""
    found = await _seen(request, Scope.MANAGE, id)
    bulk = api_of(request).engine.bulk
    return Json(BulkView.of(await bulk.abort(found.account_id, id, by=by_of(request))))


async def _seen(request: Request, scope: Scope, id: str) -> Bulk:
    """Raises Forbidden; NotFound for one that is not there, or touches queues that the asker's key is not for."""
    who = allow(request, scope)
    bulk = await api_of(request).engine.bulk.get(who.looks_into, id)
    if who.queues and not (bulk.where.queues and set(bulk.where.queues) <= set(who.queues)):
        raise NotFound(f"There is no bulk operation {id}.")
    return bulk
