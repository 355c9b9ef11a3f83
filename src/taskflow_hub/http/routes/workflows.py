"""Workflows: submit, look, watch, end, go on."""

from functools import partial
from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope, Who
from taskflow_hub.domain.errors import Forbidden, NotFound
from taskflow_hub.domain.workflow import WorkflowSubmission
from taskflow_hub.domain.workflow_view import Workflow, WorkflowState
from taskflow_hub.engine.idempotency import fingerprint
from taskflow_hub.http import headers
from taskflow_hub.http.answers import Json, Plain
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, canonical, decode_workflow
from taskflow_hub.http.described import REPLAYED, gives, header, problems, streams, takes
from taskflow_hub.http.identify import allow, asker_of, by_of, may_still
from taskflow_hub.http.params import (
    CreatedAfter,
    CreatedBefore,
    Cursor,
    ItemCursor,
    LastMark,
    Limit,
    NodeName,
    OfUser,
    OfWorkflowName,
    Statuses,
    WithTag,
    WorkflowId,
    WorkflowStatuses,
)
from taskflow_hub.http.schemas import Removed
from taskflow_hub.http.sse import EventStream, workflow_events, workflow_mark
from taskflow_hub.http.waiting import workflow_within
from taskflow_hub.http.workflow_schemas import ItemPage
from taskflow_hub.store.values import WorkflowFilter, WorkflowPage

_ROUTE: Final = "POST /workflows"

router = APIRouter(tags=["workflows"])


@router.post(
    "/workflows",
    status_code=202,
    responses={
        202: gives(Workflow, "Committed, and begun.", headers={"Location": "Where the workflow is."}),
        200: gives(
            Workflow,
            "The workflow as it is: it has ended in time (`Prefer`), or it was there before (`Idempotency-Key`).",
            headers={
                "Location": "Where the workflow is.",
                "Idempotency-Replayed": REPLAYED,
                "Preference-Applied": "`wait`, when the workflow has ended in time.",
            },
        ),
        **problems(409, 410, 413, 429),
    },
    openapi_extra=takes(
        WorkflowSubmission,
        parameters=[
            header(
                "Idempotency-Key",
                "The same key and body again, within 24 hours, answers the first request's workflow and submits nothing.",
                pattern=headers.IDEMPOTENCY_KEY,
            ),
            header("Prefer", "`wait=N`: answer when the workflow has ended, or after N seconds, at most 60."),
            header("traceparent", "W3C trace context, kept with every task. Ignored unless well-formed."),
        ],
    ),
)
async def submit_workflow(request: Request, body: Body) -> Response:
    """Submit a graph of tasks. A 2xx answer means that all of it is committed, and that what waits for nothing is queued. What
    is wrong is named by its node, `/nodes/store/after`."""
    engine, who = api_of(request).engine, allow(request, Scope.SUBMIT)
    key = headers.idempotency_key(request)
    wanted = await decode_workflow(body)
    idempotency = None
    if key is not None:
        read = msgspec.Raw(await canonical(body))
        idempotency = fingerprint(_ROUTE, key, read, account=who.account_id)
    workflow, created = await engine.workflows.submit(
        wanted, who=who, idempotency=idempotency, traceparent=headers.traceparent(request), by=by_of(request)
    )
    if not created:
        await _require_seen(request, who, workflow)
    asked_s = headers.wait_s(request)
    if asked_s and workflow.status is WorkflowState.RUNNING:
        workflow = await workflow_within(request, who.account_id, workflow, asked_s)
    ended = workflow.status is not WorkflowState.RUNNING
    told = {"Location": f"/workflows/{workflow.id}"}
    told |= {} if created else {"Idempotency-Replayed": "true"}
    told |= {"Preference-Applied": "wait"} if asked_s and ended else {}
    pending = not ended if asked_s else created
    return Json(workflow, 202 if pending else 200, told)


@router.get(
    "/workflows",
    responses={200: gives(WorkflowPage, "A page of workflows without their nodes, newest first.")},
)
async def list_workflows(
    request: Request,
    status: WorkflowStatuses = (),
    name: OfWorkflowName = None,
    user: OfUser = None,
    tag: WithTag = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List workflows, newest first; all conditions hold together. Sub-workflows are not listed: the node that they are the work
    of names them."""
    who = allow(request, Scope.READ)
    who.require_every_queue()
    where = WorkflowFilter(
        status=status,
        name=name,
        user=user,
        tag=tag,
        created_after=created_after,
        created_before=created_before,
    )
    page = await api_of(request).engine.workflows.all(who.looks_into, where, limit=limit, cursor=cursor)
    return Json(page)


@router.get("/workflows/{id}", responses={200: gives(Workflow, "The workflow."), **problems(404)})
async def get_workflow(request: Request, id: WorkflowId) -> Response:
    """A workflow as it is now, with all its nodes."""
    account = await _account_of(request, Scope.READ, id)
    return Json(await api_of(request).engine.workflows.get(account, id))


@router.get(
    "/workflows/{id}/nodes/{node}/items",
    responses={200: gives(ItemPage, "A page of items, in order."), **problems(404)},
)
async def list_items(
    request: Request,
    id: WorkflowId,
    node: NodeName,
    status: Statuses = (),
    limit: Limit = 100,
    cursor: ItemCursor = None,
) -> Response:
    """What became of each item of a fan-out. One that has not begun has none."""
    account = await _account_of(request, Scope.READ, id)
    after = -1 if cursor is None else int(cursor)
    page = await api_of(request).engine.workflows.items(
        account, id, node, status=status, after=after, limit=limit
    )
    return Json(ItemPage(page.items, str(page.items[-1].item) if page.more else None))


@router.post(
    "/workflows/{id}/cancel",
    responses={
        200: gives(Workflow, "It has ended, now or already before."),
        202: gives(
            Workflow, "Nothing more begins; what runs has been asked to end. See `cancel_requested_at`."
        ),
        **problems(404, 409),
    },
)
async def cancel_workflow(request: Request, id: WorkflowId) -> Response:
    """Cancel what waits, and ask what runs to end. Then `finally` runs, if there is one, and the workflow ends `cancelled`."""
    account = await _account_of(request, Scope.MANAGE, id)
    workflow = await api_of(request).engine.workflows.cancel(account, id, by=by_of(request))
    return Json(workflow, 202 if workflow.status is WorkflowState.RUNNING else 200)


@router.post(
    "/workflows/{id}/redrive", responses={200: gives(Workflow, "It goes on."), **problems(404, 409, 410)}
)
async def redrive_workflow(request: Request, id: WorkflowId) -> Response:
    """Go on from where a workflow failed or was cancelled. What succeeded is kept; what failed runs again, and so does what was
    skipped because of that, if its turn comes now."""
    account = await _account_of(request, Scope.MANAGE, id)
    return Json(await api_of(request).engine.workflows.redrive(account, id, by=by_of(request)))


@router.delete("/workflows/{id}", responses={200: gives(Removed, "It is gone."), **problems(404, 409)})
async def delete_workflow(request: Request, id: WorkflowId) -> Response:
    """Remove a workflow that has ended, with its sub-workflows and all their tasks."""
    account = await _account_of(request, Scope.MANAGE, id)
    await api_of(request).engine.workflows.delete(account, id, by=by_of(request))
    return Json(Removed(id))


@router.get(
    "/workflows/{id}/events",
    responses={
        200: streams(
            "`id`: a mark of what it tells; `event`: workflow.STATUS; `data`: the workflow. Ends after it has ended."
        ),
        204: {"description": "The workflow has ended, and its last event was seen: do not connect again."},
        **problems(404),
    },
)
async def follow_workflow(request: Request, id: WorkflowId, last_mark: LastMark = None) -> Response:
    """A workflow with its nodes as it is, and then the whole again whenever it has changed, at most five times a second. With
    `Last-Event-ID` what that event told is not told again."""
    api, account = api_of(request), await _account_of(request, Scope.READ, id)
    workflow = await api.engine.workflows.get(account, id)
    if workflow.status is not WorkflowState.RUNNING and workflow_mark(workflow) == last_mark:
        return Plain(b"", 204)

    async def look() -> None:
        if await _account_of(request, Scope.READ, id) != account:
            raise NotFound

    events = workflow_events(api.engine, account, id, last_mark)
    return EventStream(events, api.lifetime, asker_of(request), partial(may_still, request, look))


async def _account_of(request: Request, scope: Scope, id: str) -> str:
    """The account in which to look for it: one's own; the workflow's, for who may look into all.

    Raises Forbidden; NotFound for one that is not there, or not for whoever asks: a key that is for some queues only sees the
    workflows whose every node says that it goes to one of these.
    """
    who = allow(request, scope)
    owner = await api_of(request).engine.workflows.owner(id)
    if owner is None or who.looks_into not in {None, owner.account_id} or not _within(who, owner.queues):
        raise NotFound(f"There is no workflow {id}.")
    return owner.account_id


def _within(who: Who, queues: tuple[str, ...]) -> bool:
    return not who.queues or set(queues) <= set(who.queues)


async def _require_seen(request: Request, who: Who, workflow: Workflow) -> None:
    """A replay answers what was submitted before, by whatever key."""
    if who.queues:
        owner = await api_of(request).engine.workflows.owner(workflow.id)
        if owner is None or not _within(who, owner.queues):
            raise Forbidden(
                "This Idempotency-Key belongs to a workflow with queues that this key is not for."
            )
