"""Quotas: what an account may have and uses, and what an admin says about it."""

from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.quota import QuotaUse
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode
from taskflow_hub.http.described import gives, problems, takes
from taskflow_hub.http.identify import allow, by_of
from taskflow_hub.http.params import AccountId, AfterAccount, Limit
from taskflow_hub.http.quota_schemas import QuotaChange, QuotaPage

_CHANGE: Final = msgspec.json.Decoder(QuotaChange)
_USE: Final = gives(QuotaUse, "The quota, and what is used of it now.")

router = APIRouter(tags=["quotas"])


@router.get("/quota", responses={200: _USE})
async def own_quota(request: Request) -> Response:
    """What one's account may have, and what it uses now."""
    who = allow(request, Scope.READ)
    return Json(await api_of(request).engine.quotas.own(who))


@router.get("/quotas", responses={200: gives(QuotaPage, "A page of accounts that have a quota, by id.")})
async def list_quotas(request: Request, after: AfterAccount = None, limit: Limit = 100) -> Response:
    """The accounts to which a quota was given."""
    allow(request, Scope.ADMIN)
    found = await api_of(request).engine.quotas.all(after=after or "", limit=limit)
    return Json(QuotaPage(found, found[-1].account_id if len(found) == limit else None))


@router.get("/accounts/{account}/quota", responses={200: _USE, **problems(404)})
async def get_quota(request: Request, id: AccountId) -> Response:
    """What an account may have, and what it uses now."""
    allow(request, Scope.ADMIN)
    return Json(await api_of(request).engine.quotas.of(id))


@router.patch(
    "/accounts/{account}/quota",
    responses={200: _USE, **problems(404, 413)},
    openapi_extra=takes(QuotaChange),
)
async def set_quota(request: Request, id: AccountId, body: Body) -> Response:
    """Say what an account may have; what is left out stays, null lifts it. What waits and runs is not touched."""
    allow(request, Scope.ADMIN)
    change = (await decode(_CHANGE, body)).given()
    return Json(await api_of(request).engine.quotas.set(id, **change, by=by_of(request)))
