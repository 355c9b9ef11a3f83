"""Registering, logging in and out, and who one is."""

from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.errors import Forbidden
from taskflow_hub.engine.accounts.logins import Login
from taskflow_hub.http.access_schemas import Credentials, Me, PasswordChange, Refresh, Registration, Session
from taskflow_hub.http.answers import Json, Plain
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode
from taskflow_hub.http.cors import admitted
from taskflow_hub.http.described import gives, problems, takes
from taskflow_hub.http.identify import COOKIE, address_of, by_of, who_of

_REGISTRATION: Final = msgspec.json.Decoder(Registration)
_CREDENTIALS: Final = msgspec.json.Decoder(Credentials)
_REFRESH: Final = msgspec.json.Decoder(Refresh)
_PASSWORDS: Final = msgspec.json.Decoder(PasswordChange)
_FLAGS: Final = "HttpOnly; SameSite=Strict; Path=/"

router = APIRouter(tags=["access"])


@router.post(
    "/auth/register",
    status_code=201,
    responses={201: gives(Login, "Registered, and logged in."), **problems(409, 413, 429)},
    openapi_extra=takes(Registration),
)
async def register(request: Request, body: Body) -> Response:
    """Add a user with an account of their own. The very first becomes admin of the hub."""
    wanted = await decode(_REGISTRATION, body)
    logins = api_of(request).engine.accounts.logins
    address, by = address_of(request), by_of(request)
    return Json(await logins.register(wanted.email, wanted.password, address, by=by), 201)


@router.post(
    "/auth/login",
    responses={
        200: {
            "description": "Logged in: with tokens, or with a cookie.",
            "content": {
                "application/json": {
                    "schema": {
                        "anyOf": [{"$ref": f"#/components/schemas/{one}"} for one in ("Login", "Session")]
                    }
                }
            },
            "headers": {
                "Set-Cookie": {"description": "If `cookie` was asked for.", "schema": {"type": "string"}}
            },
        },
        **problems(409, 413, 429),
    },
    openapi_extra=takes(Credentials),
)
async def login(request: Request, body: Body) -> Response:
    """Begin a login. 401 says the same of an unknown address and of a wrong password."""
    said = await decode(_CREDENTIALS, body)
    accounts = api_of(request).engine.accounts
    by = by_of(request)
    if said.cookie and admitted(request.scope) is not None:
        raise Forbidden("A page of another origin is given no cookie; log in without `cookie`, for tokens.")
    login = await accounts.logins.login(said.email, said.password, address_of(request), by=by)
    if not said.cookie:
        return Json(login)
    cookie = accounts.logins.cookie(login)
    session = Session(user=login.user, csrf_token=accounts.csrf_token(cookie.who))
    # A proxy speaks TLS for us; what the page's own origin was, the browser says.
    secure = "https" in (request.url.scheme, request.headers.get("origin", "").partition("://")[0])
    flags = f"{_FLAGS}; Max-Age={cookie.max_age_s}" + ("; Secure" if secure else "")
    return Json(session, headers={"Set-Cookie": f"{COOKIE}={cookie.value}; {flags}"})


@router.post(
    "/auth/refresh",
    responses={200: gives(Login, "The next pair of tokens."), **problems(409, 413)},
    openapi_extra=takes(Refresh),
)
async def refresh(request: Request, body: Body) -> Response:
    """Trade a refresh token for the next pair. One that comes a second time ends the login: one of the two was stolen."""
    said = await decode(_REFRESH, body)
    logins = api_of(request).engine.accounts.logins
    return Json(await logins.refresh(said.refresh_token, by=by_of(request)))


@router.post("/auth/logout", status_code=204, responses={204: {"description": "Ended."}, **problems(409)})
async def logout(request: Request) -> Response:
    """End this login: its access and refresh tokens and its cookie."""
    await api_of(request).engine.accounts.logins.logout(who_of(request), by=by_of(request))
    return Plain(b"", 204, {"Set-Cookie": f"{COOKIE}=; {_FLAGS}; Max-Age=0"})


@router.post(
    "/auth/password",
    responses={200: gives(Login, "Changed; all other logins have ended."), **problems(409, 413, 429)},
    openapi_extra=takes(PasswordChange),
)
async def change_password(request: Request, body: Body) -> Response:
    """Change one's password."""
    said = await decode(_PASSWORDS, body)
    logins, who, by = api_of(request).engine.accounts.logins, who_of(request), by_of(request)
    address = address_of(request)
    return Json(await logins.change_password(who, said.old_password, said.new_password, address, by=by))


@router.get("/auth/me", responses={200: gives(Me, "Who asks.")})
async def get_me(request: Request) -> Response:
    """Who one is to this hub, and what one may do."""
    accounts, who = api_of(request).engine.accounts, who_of(request)
    return Json(
        Me(
            accounts=not accounts.identity.open,
            account_id=who.account_id,
            user=who.user,
            key=who.key,
            scopes=tuple(scope for scope in Scope if scope in who.scopes),
            queues=who.queues,
            csrf_token=accounts.csrf_token(who),
        )
    )
