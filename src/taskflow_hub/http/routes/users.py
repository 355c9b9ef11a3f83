"""Users, for admins."""

from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope, User
from taskflow_hub.http.access_schemas import UserChange, UserList, UserRequest
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode
from taskflow_hub.http.described import gives, problems, takes
from taskflow_hub.http.identify import allow, by_of
from taskflow_hub.http.params import MAX_PAGE, AnyLimit, Cursor, UserId

_REQUEST: Final = msgspec.json.Decoder(UserRequest)
_CHANGE: Final = msgspec.json.Decoder(UserChange)

router = APIRouter(tags=["access"])


@router.get("/users", responses={200: gives(UserList, "Users, oldest first."), **problems(409)})
async def list_users(request: Request, limit: AnyLimit = None, cursor: Cursor = None) -> Response:
    """The users of one's account; for an admin those of all accounts."""
    who = allow(request, Scope.READ)
    who.require_every_queue()
    users = api_of(request).engine.accounts.users
    if limit is None and cursor is None:
        return Json(UserList(await users.all(who), None))
    return Json(UserList(*await users.page(who, limit=limit or MAX_PAGE, cursor=cursor)))


@router.post(
    "/users",
    status_code=201,
    responses={201: gives(User, "Added."), **problems(409, 413, 429)},
    openapi_extra=takes(UserRequest),
)
async def add_user(request: Request, body: Body) -> Response:
    """Add a user to an account."""
    who = allow(request, Scope.ADMIN)
    wanted = await decode(_REQUEST, body)
    users, by = api_of(request).engine.accounts.users, by_of(request)
    user = await users.add(who, wanted.email, wanted.password, wanted.role, wanted.account, by=by)
    return Json(user, 201)


@router.patch(
    "/users/{id}",
    responses={200: gives(User, "The user as they are now."), **problems(404, 409, 413)},
    openapi_extra=takes(UserChange),
)
async def update_user(request: Request, id: UserId, body: Body) -> Response:
    """Change a user's role: with the next request here, within two seconds in every other process."""
    who = allow(request, Scope.ADMIN)
    change = await decode(_CHANGE, body)
    users = api_of(request).engine.accounts.users
    return Json(await users.set_role(who, id, change.role, by=by_of(request)))
