"""What happens over time, and what should be looked at."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.trends import Range
from taskflow_hub.engine.overview_views import Overview, QueueTrend
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.described import gives
from taskflow_hub.http.identify import allow
from taskflow_hub.http.params import LookedBack, QueueName

router = APIRouter(tags=["overview"])


@router.get("/overview", responses={200: gives(Overview, "What is now, what was, and what to look at.")})
async def overview(request: Request, within: LookedBack = Range.HOUR) -> Response:
    """What waits and runs now, what ended over time, how long tasks waited and ran, and what an operator should look at, worst
    first: of one's account; of all accounts, for an admin."""
    who = allow(request, Scope.READ)
    return Json(await api_of(request).engine.overviews.overview(who, within))


@router.get("/queues/{name}/trend", responses={200: gives(QueueTrend, "The queue over time.")})
async def queue_trend(request: Request, name: QueueName, within: LookedBack = Range.HOUR) -> Response:
    """How many tasks of a queue waited and ran, and how many ended, over time."""
    who = allow(request, Scope.READ)
    return Json(await api_of(request).engine.overviews.queue(who, name, within))
