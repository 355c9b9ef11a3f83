"""Limits: what they do now, and what an operator says about them.

The key is in the body, not in the path: it may have slashes and dots in it, which proxies and browsers decode, join and cut.
"""

from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.model import LimitRow
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode
from taskflow_hub.http.described import gives, problems, takes
from taskflow_hub.http.identify import allow, by_of
from taskflow_hub.http.limit_schemas import LimitChange, LimitPage
from taskflow_hub.http.params import AfterLimit, Limit

_CHANGE: Final = msgspec.json.Decoder(LimitChange)
_BEFORE_ALL: Final = "/"

router = APIRouter(tags=["limits"])


@router.get("/limits", responses={200: gives(LimitPage, "A page of limits, by account and key.")})
async def list_limits(request: Request, after: AfterLimit = None, limit: Limit = 100) -> Response:
    """The account's limits, for an admin those of all accounts: their numbers, how many tasks run under each, and how many it
    holds back."""
    who = allow(request, Scope.READ)
    account, _, key = (after or _BEFORE_ALL).partition("/")
    found = await api_of(request).engine.limits.all(who, after=(account, key), limit=limit)
    more = len(found) == limit
    return Json(LimitPage(found, f"{found[-1].account_id}/{found[-1].key}" if more else None))


@router.post(
    "/limits",
    responses={200: gives(LimitRow, "The limit as it is now."), **problems(413)},
    openapi_extra=takes(LimitChange),
)
async def set_limit(request: Request, body: Body) -> Response:
    """Set the numbers of a key of one's account, and pin them; what is left out stays, null lifts it. What runs is not touched;
    what waits starts if it may now. A key that is neither pinned nor has numbers is forgotten."""
    who = allow(request, Scope.MANAGE)
    change = await decode(_CHANGE, body)
    limits, by = api_of(request).engine.limits, by_of(request)
    row = await limits.set(who, change.key, change.running, change.per_second, pinned=change.pinned, by=by)
    return Json(row)
