"""About the API itself: is it well, what does it measure, what do its errors mean."""

from typing import Final

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.http.answers import Json, Plain
from taskflow_hub.http.api import api_of
from taskflow_hub.http.described import gives, problems, text
from taskflow_hub.http.health import readiness
from taskflow_hub.http.identify import allow, is_admin
from taskflow_hub.http.params import Code, Verbose
from taskflow_hub.http.problems import Explanation, explain
from taskflow_hub.http.schemas import Alive, Readiness

_process: Final = CollectorRegistry()
ProcessCollector(registry=_process)

router = APIRouter(tags=["meta"])


@router.get("/healthz", responses={200: gives(Alive, "The process answers.")})
async def healthz(request: Request) -> Response:
    """Alive. Asks nothing of anybody, so it stays 200 while the database is away."""
    return Json(Alive())


@router.get(
    "/readyz",
    responses={
        200: gives(Readiness, "It can do its work."),
        503: gives(Readiness, "It cannot; `checks` says what is wrong."),
    },
)
async def readyz(request: Request, verbose: Verbose = False) -> Response:
    """Ready: the store can be reached and its schema is current, the engine's loops run, the hub is not shutting down."""
    found = await readiness(api_of(request), verbose=verbose)
    if not await is_admin(request):
        found = found.in_general()
    return Json(found, 200 if found.status == "ready" else 503)


@router.get("/metrics", responses={200: text("Prometheus text format.")})
async def metrics(request: Request) -> Response:
    """Numbers for Prometheus: tasks, attempts, queues, workers, requests, the database, and the process."""
    allow(request, Scope.ADMIN)  # they count the tasks of all accounts
    engine = api_of(request).engine
    await engine.scrape.refresh()
    numbers = generate_latest(engine.metrics.registry) + generate_latest(_process)
    return Plain(numbers, media_type=CONTENT_TYPE_LATEST)


@router.get(
    "/problems/{code}", responses={200: gives(Explanation, "What it means, and what to do."), **problems(404)}
)
async def get_problem(code: Code) -> Response:
    """Explains the `code` of an error; an error's `type` is this address."""
    return Json(explain(code))
