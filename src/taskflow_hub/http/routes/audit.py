"""The audit: who did what to what, from where."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.described import gives
from taskflow_hub.http.identify import allow
from taskflow_hub.http.params import (
    ByActor,
    Cursor,
    Limit,
    OfAccount,
    OfAction,
    OfEntity,
    OfEntityId,
    Since,
    Until,
)
from taskflow_hub.store.values import AuditFilter, AuditPage

router = APIRouter(tags=["audit"])


@router.get("/audit", responses={200: gives(AuditPage, "A page of entries, newest first.")})
async def list_audit(
    request: Request,
    account: OfAccount = None,
    entity: OfEntity = None,
    entity_id: OfEntityId = None,
    action: OfAction = (),
    actor: ByActor = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Who did what to what, from where, newest first; all conditions hold together. Everything for an admin; for others what
    was done to what is their account's, without who of another account did it. A cursor stays good while entries come."""
    who = allow(request, Scope.MANAGE)
    where = AuditFilter(
        account=account,
        entity=entity,
        entity_id=entity_id,
        actions=action,
        actor=actor,
        since=since,
        until=until,
    )
    return Json(await api_of(request).engine.audit.entries(who, where, limit=limit, cursor=cursor))
