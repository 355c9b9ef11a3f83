"""API keys: what programs present."""

from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Key, Scope, Who
from taskflow_hub.engine.accounts.keys import SecretKey
from taskflow_hub.http.access_schemas import KeyList, KeyRequest
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode
from taskflow_hub.http.described import gives, problems, takes
from taskflow_hub.http.identify import allow, by_of
from taskflow_hub.http.params import MAX_PAGE, AnyLimit, Cursor, KeyId

_REQUEST: Final = msgspec.json.Decoder(KeyRequest)

router = APIRouter(tags=["access"])


@router.post(
    "/keys",
    status_code=201,
    responses={201: gives(SecretKey, "The key, with its secret: this once."), **problems(409, 413)},
    openapi_extra=takes(KeyRequest),
)
async def create_key(request: Request, body: Body) -> Response:
    """Make a key for a program. It may at most what its maker may, now and later."""
    who = _allowed(request)
    wanted = await decode(_REQUEST, body)
    made = await api_of(request).engine.accounts.keys.create(
        who, wanted.name, wanted.scopes, wanted.queues, wanted.expires_in, by=by_of(request)
    )
    return Json(made, 201)


@router.get(
    "/keys", responses={200: gives(KeyList, "Every key of the account, without secrets."), **problems(409)}
)
async def list_keys(request: Request, limit: AnyLimit = None, cursor: Cursor = None) -> Response:
    """The account's keys, revoked and expired ones included; for an admin those of all accounts."""
    who = _allowed(request)
    keys = api_of(request).engine.accounts.keys
    if limit is None and cursor is None:
        return Json(KeyList(await keys.all(who), None))
    return Json(KeyList(*await keys.page(who, limit=limit or MAX_PAGE, cursor=cursor)))


@router.post(
    "/keys/{id}/revoke", responses={200: gives(Key, "It opens nothing any more."), **problems(404, 409)}
)
async def revoke_key(request: Request, id: KeyId) -> Response:
    """Revoke a key: at once in this process, within two seconds in every other. Twice is harmless."""
    who = _allowed(request)
    return Json(await api_of(request).engine.accounts.keys.revoke(who, id, by=by_of(request)))


def _allowed(request: Request) -> Who:
    who = allow(request, Scope.MANAGE)
    who.require_every_queue()
    return who
