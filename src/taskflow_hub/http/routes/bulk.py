"""Operations over many tasks."""

from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode
from taskflow_hub.http.described import gives, problems, takes
from taskflow_hub.http.params import BulkId
from taskflow_hub.http.schemas import BulkRequest, BulkView, DryRun

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
    bulk = api_of(request).engine.bulk
    wanted = await decode(_REQUEST, body)
    where = wanted.filter.where()
    if wanted.dry_run:
        return Json(DryRun(wanted.action, await bulk.count(DEFAULT_ACCOUNT, where)))
    begun = await bulk.begin(DEFAULT_ACCOUNT, wanted.action, where)
    return Json(BulkView.of(begun), 202, {"Location": f"/bulk/{begun.id}"})


@router.get("/bulk/{id}", responses={200: gives(BulkView, "How far it is."), **problems(404)})
async def get_bulk(request: Request, id: BulkId) -> Response:
    """How far an operation is."""
    return Json(BulkView.of(await api_of(request).engine.bulk.get(DEFAULT_ACCOUNT, id)))


@router.post("/bulk/{id}/abort", responses={200: gives(BulkView, "It has ended."), **problems(404)})
async def abort_bulk(request: Request, id: BulkId) -> Response:
    """Stop it after the chunk in flight, which is still counted; what is done stays done. One that has ended is answered as it
    is."""
    return Json(BulkView.of(await api_of(request).engine.bulk.abort(DEFAULT_ACCOUNT, id)))
