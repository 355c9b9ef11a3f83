"""Failures by what went wrong."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.failure import FailureOrder, Failures
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.described import gives
from taskflow_hub.http.identify import allow
from taskflow_hub.http.params import FailedSince, FailureCursor, Limit, OfQueue, OfType, Sort

router = APIRouter(tags=["failures"])


@router.get("/failures", responses={200: gives(Failures, "A page of failures.")})
async def list_failures(
    request: Request,
    type: OfType = None,
    queue: OfQueue = None,
    since: FailedSince = None,
    sort: Sort = FailureOrder.LAST_SEEN,
    limit: Limit = 50,
    cursor: FailureCursor = None,
) -> Response:
    """Failed tasks, those that failed alike together: of one type, with one exception that came through the same functions.
    `count` are those that failed within the range and are still failed; a group without any is not listed. `trend` are the
    failures as they happened, whatever became of their tasks."""
    who = allow(request, Scope.READ)
    if queue is not None:
        who.require_queue(queue)
    page = await api_of(request).engine.failures.page(
        who.looks_into,
        since=since,
        type=type,
        queue=queue,
        queues=who.queues,
        by_count=sort is FailureOrder.COUNT,
        limit=limit,
        cursor=cursor,
    )
    return Json(page)
