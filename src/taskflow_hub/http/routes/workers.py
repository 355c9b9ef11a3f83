"""Who is alive, with what, and which kinds of work there are."""

from fastapi import APIRouter
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.model import Worker
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.described import gives, problems
from taskflow_hub.http.identify import allow, by_of
from taskflow_hub.http.params import WorkerId
from taskflow_hub.http.schemas import TaskTypes, Workers

router = APIRouter(tags=["workers"])


@router.get("/workers", responses={200: gives(Workers, "Workers that are alive or draining, oldest first.")})
async def list_workers(request: Request) -> Response:
    """Each process that runs a worker: its slots, what it serves, and what it runs."""
    who = allow(request, Scope.READ)
    found = await api_of(request).engine.queries.workers()
    if Scope.ADMIN not in who.scopes:  # the ids of tasks, whoever owns them
        found = [replace(worker, stuck=()) for worker in found]
    return Json(Workers(found))


@router.post(
    "/workers/{id}/drain", responses={200: gives(Worker, "It is given nothing new."), **problems(404)}
)
async def drain_worker(request: Request, id: WorkerId) -> Response:
    """Give a worker nothing new; what it has, it finishes. Twice is harmless."""
    allow(request, Scope.ADMIN)
    return Json(await api_of(request).engine.workers.drain(id, by=by_of(request)))


@router.get(
    "/task-types", responses={200: gives(TaskTypes, "Every type a worker has ever registered, by name.")}
)
async def list_task_types(request: Request) -> Response:
    """The kinds of work: home queue, defaults, and the JSON Schemas of payload and result."""
    allow(request, Scope.READ)
    return Json(TaskTypes(await api_of(request).engine.types.all()))
