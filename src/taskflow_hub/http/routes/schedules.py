"""Schedules: what is started by the clock."""

from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.schedule_spec import ScheduleChange, ScheduleSpec
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.engine.schedule_views import (
    BackfillView,
    FirePageView,
    PreviewView,
    SchedulePageView,
    ScheduleView,
)
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode, decode_schedule
from taskflow_hub.http.described import gives, problems, takes
from taskflow_hub.http.identify import allow, by_of
from taskflow_hub.http.params import (
    Cursor,
    IsPaused,
    Limit,
    OfName,
    OfOutcome,
    OfType,
    OtherCron,
    OtherEvery,
    OtherZone,
    ScheduleRef,
    TickCount,
)
from taskflow_hub.http.schedule_schemas import BackfillRequest
from taskflow_hub.http.schemas import Removed
from taskflow_hub.store.base_schedules import ScheduleFilter

_SPEC: Final = msgspec.json.Decoder(ScheduleSpec)
_CHANGE: Final = msgspec.json.Decoder(ScheduleChange)
_BACKFILL: Final = msgspec.json.Decoder(BackfillRequest)

router = APIRouter(tags=["schedules"])


@router.post(
    "/schedules",
    status_code=201,
    responses={
        201: gives(ScheduleView, "Made.", headers={"Location": "Where the schedule is."}),
        **problems(409, 413),
    },
    openapi_extra=takes(ScheduleSpec),
)
async def create_schedule(request: Request, body: Body) -> Response:
    """Make a schedule: `cron` or `every`, and the `task` or the `workflow` that each tick submits."""
    who = allow(request, Scope.SUBMIT)
    spec = await decode_schedule(_SPEC, body)
    made = await api_of(request).engine.schedules.create(who, spec, by=by_of(request))
    return Json(made, 201, {"Location": f"/schedules/{made.id}"})


@router.get("/schedules", responses={200: gives(SchedulePageView, "A page of schedules, newest first.")})
async def list_schedules(
    request: Request,
    name: OfName = None,
    type: OfType = None,
    paused: IsPaused = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List schedules, newest first; all conditions hold together."""
    who = allow(request, Scope.READ)
    where = ScheduleFilter(name=name, type=type, paused=paused)
    return Json(await api_of(request).engine.schedules.all(who, where, limit=limit, cursor=cursor))


@router.get("/schedules/{id}", responses={200: gives(ScheduleView, "The schedule."), **problems(404)})
async def get_schedule(request: Request, id: ScheduleRef) -> Response:
    """A schedule as it is now, by its id or its name."""
    who = allow(request, Scope.READ)
    return Json(await api_of(request).engine.schedules.get(who, id))


@router.patch(
    "/schedules/{id}",
    responses={200: gives(ScheduleView, "The schedule as it is now."), **problems(404, 409, 413)},
    openapi_extra=takes(ScheduleChange),
)
async def update_schedule(request: Request, id: ScheduleRef, body: Body) -> Response:
    """Change a schedule; what is left out stays. With another time it goes on with the first tick after now; `paused` pauses or
    resumes it. 409 for one that is declared in code, unless it is only paused or resumed."""
    who = allow(request, Scope.MANAGE)
    change = await decode_schedule(_CHANGE, body)
    return Json(await api_of(request).engine.schedules.update(who, id, change, by=by_of(request)))


@router.delete(
    "/schedules/{id}", responses={200: gives(Removed, "It is gone; its runs go on."), **problems(404, 409)}
)
async def delete_schedule(request: Request, id: ScheduleRef) -> Response:
    """Remove a schedule and its history. Runs that it has started go on. 409 for one that is declared in code."""
    who = allow(request, Scope.MANAGE)
    return Json(Removed(await api_of(request).engine.schedules.delete(who, id, by=by_of(request))))


@router.post("/schedules/{id}/pause", responses={200: gives(ScheduleView, "It is paused."), **problems(404)})
async def pause_schedule(request: Request, id: ScheduleRef) -> Response:
    """Fire nothing until it is resumed; the ticks of the pause are skipped. Survives restarts. Twice changes nothing."""
    who = allow(request, Scope.MANAGE)
    return Json(await api_of(request).engine.schedules.pause(who, id, by=by_of(request)))


@router.post(
    "/schedules/{id}/resume", responses={200: gives(ScheduleView, "It fires again."), **problems(404)}
)
async def resume_schedule(request: Request, id: ScheduleRef) -> Response:
    """Go on with the next tick. Twice changes nothing."""
    who = allow(request, Scope.MANAGE)
    return Json(await api_of(request).engine.schedules.resume(who, id, by=by_of(request)))


@router.post(
    "/schedules/{id}/trigger",
    status_code=202,
    responses={
        202: gives(
            Task | Workflow, "Submitted.", headers={"Location": "Where the task, or the workflow, is."}
        ),
        **problems(404, 409),
    },
)
async def trigger_schedule(request: Request, id: ScheduleRef) -> Response:
    """Run it once, now: whatever else of it runs, and also while it is paused."""
    who, engine = allow(request, Scope.SUBMIT), api_of(request).engine
    run = await engine.schedules.trigger(who, id, by=by_of(request))
    if isinstance(run, Workflow):
        return Json(run, 202, {"Location": f"/workflows/{run.id}"})
    return Json(await engine.queries.present(run), 202, {"Location": f"/tasks/{run.id}"})


@router.post(
    "/schedules/{id}/backfill",
    responses={
        200: gives(BackfillView, "What became of each tick, in order."),
        **problems(404, 409, 413),
    },
    openapi_extra=takes(BackfillRequest),
)
async def backfill_schedule(request: Request, id: ScheduleRef, body: Body) -> Response:
    """Fire ticks of the past, at most 1 000 at a time: those that were missed or skipped, and those from before the schedule
    was there. What had fired is left. Overlap, catch-up and jitter do not apply."""
    who = allow(request, Scope.SUBMIT)
    asked = await decode(_BACKFILL, body)
    done = await api_of(request).engine.schedules.backfill(
        who, id, asked.from_, asked.to, dry_run=asked.dry_run, by=by_of(request)
    )
    return Json(done)


@router.get(
    "/schedules/{id}/preview", responses={200: gives(PreviewView, "The next ticks."), **problems(404)}
)
async def preview_schedule(
    request: Request,
    id: ScheduleRef,
    n: TickCount = 10,
    cron: OtherCron = None,
    every: OtherEvery = None,
    tz: OtherZone = None,
) -> Response:
    """When it comes next. `cron`, `every` and `tz` try something else, and change nothing."""
    who = allow(request, Scope.READ)
    found = await api_of(request).engine.schedules.preview(who, id, n, cron=cron, every=every, tz=tz)
    return Json(found)


@router.get(
    "/schedules/{id}/fires",
    responses={200: gives(FirePageView, "A page of its history, newest first."), **problems(404)},
)
async def list_fires(
    request: Request,
    id: ScheduleRef,
    outcome: OfOutcome = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """What became of its ticks, newest first; kept for 30 days."""
    who = allow(request, Scope.READ)
    found = await api_of(request).engine.schedules.fires(who, id, outcome=outcome, limit=limit, cursor=cursor)
    return Json(found)
