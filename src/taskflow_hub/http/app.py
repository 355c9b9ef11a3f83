"""The API, put together around an engine that somebody else starts and stops."""

from collections.abc import Mapping
from typing import Final

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.engine.engine import Engine
from taskflow_hub.http import openapi, wording
from taskflow_hub.http.answers import Plain
from taskflow_hub.http.api import Api, Checks
from taskflow_hub.http.direct import Direct
from taskflow_hub.http.faults import Faults, on_http_exception, on_invalid_parameters
from taskflow_hub.http.gate import Gate
from taskflow_hub.http.identify import Identify
from taskflow_hub.http.lifetime import Lifetime
from taskflow_hub.http.methods import Methods, Resources
from taskflow_hub.http.nudges import Nudges
from taskflow_hub.http.params import KnownQuery
from taskflow_hub.http.routes import (
    audit,
    auth,
    bulk,
    events,
    keys,
    limits,
    meta,
    page,
    queues,
    quotas,
    submit,
    tasks,
    users,
    workers,
)
from taskflow_hub.http.settings import WITHOUT_ACCOUNTS, HttpSettings

_NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
}  # ours is the engine's


async def _nothing_more() -> Mapping[str, str]:
    return {}


def create_app(
    engine: Engine, settings: HttpSettings, *, version: str = "", ready: Checks = _nothing_more
) -> FastAPI:
    """`ready` adds to the checks of /readyz: by name "ok", or what is wrong.

    Raises Misconfigured for an engine without accounts where others can reach it.
    """
    if engine.accounts.identity.open and not settings.is_loopback:
        raise Misconfigured(f"http.host: {settings.host} can be reached by others, and {WITHOUT_ACCOUNTS}")
    lifetime = Lifetime(max_long=settings.max_streams)
    app = FastAPI(
        title="TaskFlow Hub",
        summary=wording.SUMMARY,
        description=wording.DESCRIPTION,
        version=version or engine.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        dependencies=[KnownQuery],
        telemetry=_NO_TELEMETRY,
        exception_handlers={
            HTTPException: on_http_exception,
            RequestValidationError: on_invalid_parameters,
        },
        middleware=[
            *_behind(settings.trusted_proxies),
            Middleware(Faults),
            Middleware(Gate, allowed_hosts=settings.allowed_hosts, lifetime=lifetime),
            Middleware(Identify, accounts=engine.accounts),
            Middleware(Methods),
            Middleware(Direct),
        ],
    )
    app.state.api = Api(engine, settings, lifetime, Nudges(engine.hints), ready)
    for noun in (
        submit,
        tasks,
        events,
        bulk,
        queues,
        limits,
        quotas,
        workers,
        auth,
        keys,
        users,
        audit,
        meta,
    ):
        app.include_router(noun.router)
    _publish(app)
    return app


def _behind(proxies: tuple[str, ...]) -> list[Middleware]:
    return [Middleware(ProxyHeadersMiddleware, trusted_hosts=list(proxies))] if proxies else []


def _publish(app: FastAPI) -> None:
    made = openapi.document(app)
    text = msgspec.json.encode(made)

    async def answer(request: Request) -> Response:
        return Plain(text)

    files = [*page.routes(), Route("/openapi.json", answer)]
    app.router.routes.extend(files)
    app.state.query_names = openapi.query_names(made)
    app.state.resources = Resources(made["paths"] | {file.path: ("GET",) for file in files})
