"""The API, put together around an engine that somebody else starts and stops."""

import asyncio
import functools
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from taskflow_hub import tracing
from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.engine.engine import Engine
from taskflow_hub.http import openapi, wording
from taskflow_hub.http.answers import Plain
from taskflow_hub.http.api import Api, Checks
from taskflow_hub.http.direct import Direct
from taskflow_hub.http.envelope import Envelope
from taskflow_hub.http.faults import Faults, on_http_exception, on_invalid_parameters
from taskflow_hub.http.gate import Gate
from taskflow_hub.http.identify import Identify
from taskflow_hub.http.lifetime import Lifetime
from taskflow_hub.http.limiting import LimitAddresses, LimitKeys
from taskflow_hub.http.measuring import Measuring
from taskflow_hub.http.methods import Methods, Resources
from taskflow_hub.http.nudges import Nudges
from taskflow_hub.http.params import KnownQuery
from taskflow_hub.http.rates import Buckets, Rate, Rates, rate_of
from taskflow_hub.http.routes import (
    audit,
    auth,
    bulk,
    events,
    failures,
    keys,
    limits,
    meta,
    overview,
    page,
    queues,
    quotas,
    schedules,
    steps,
    submit,
    tasks,
    users,
    workers,
    workflows,
)
from taskflow_hub.http.routes import (
    settings as settings_route,
)
from taskflow_hub.http.settings import WITHOUT_ACCOUNTS, HttpSettings
from taskflow_hub.http.tracing import Traced
from taskflow_hub.redaction import SettingsSection

_NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
}  # ours is the engine's

NOUNS: Final = (
    submit,
    tasks,
    steps,
    events,
    workflows,
    bulk,
    queues,
    failures,
    limits,
    quotas,
    schedules,
    workers,
    overview,
    auth,
    keys,
    users,
    audit,
    settings_route,
    meta,
)


async def _nothing_more() -> Mapping[str, str]:
    return {}


def create_app(
    engine: Engine,
    settings: HttpSettings,
    *,
    version: str = "",
    ready: Checks = _nothing_more,
    buckets: Buckets | None = None,
    shown: Sequence[SettingsSection] = (),
) -> FastAPI:
    """`ready` adds to the checks of /readyz: by name "ok", or what is wrong. `buckets` None: those of the store are shared.
    `shown`: every setting of the process, as GET /settings may show it.

    Raises Misconfigured for an engine without accounts where others can reach it.
    """
    if engine.accounts.identity.open and not settings.is_loopback:
        raise Misconfigured(f"http.host: {settings.host} can be reached by others, and {WITHOUT_ACCOUNTS}")
    lifetime = Lifetime(max_long=settings.max_streams)
    rates = Rates(buckets or engine.store)
    of_address = rate_of("address", settings.rate_per_address, settings.burst_per_address)
    of_key = rate_of("key", settings.rate_per_key, settings.burst_per_key)
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
            *_in_envelopes(settings),
            *([] if tracing.tracer is None else [Middleware(Traced)]),
            Middleware(Measuring, metrics=engine.metrics),
            Middleware(Faults),
            Middleware(
                Gate,
                allowed_hosts=settings.allowed_hosts,
                lifetime=lifetime,
                origins=settings.cors_origins,
            ),
            *_limiting(LimitAddresses, rates, of_address, engine),
            Middleware(Identify, accounts=engine.accounts),
            *_limiting(LimitKeys, rates, of_key, engine),
            Middleware(Methods),
            Middleware(Direct),
        ],
    )
    app.state.api = Api(engine, settings, lifetime, Nudges(engine.hints), ready, shown)
    app.state.rates = rates if of_address or of_key else None
    for noun in NOUNS:
        app.include_router(noun.router)
    _publish(app)
    return app


def _behind(proxies: tuple[str, ...]) -> list[Middleware]:
    return [Middleware(ProxyHeadersMiddleware, trusted_hosts=list(proxies))] if proxies else []


def _in_envelopes(settings: HttpSettings) -> list[Middleware]:
    """Nothing is paid for what is not set."""
    wanted = (
        settings.trusted_proxies,
        settings.cors_origins,
        settings.rate_per_key,
        settings.rate_per_address,
    )
    if not any(wanted):
        return []
    return [Middleware(Envelope, hsts_s=settings.hsts, cors=bool(settings.cors_origins))]


def _limiting(
    limit: type[LimitAddresses] | type[LimitKeys], rates: Rates, rate: Rate | None, engine: Engine
) -> list[Middleware]:
    return [] if rate is None else [Middleware(limit, rates=rates, rate=rate, metrics=engine.metrics)]


def _publish(app: FastAPI) -> None:
    """The description is made when somebody first reads it: that takes as long as all else of a start."""
    made = functools.cache(lambda: msgspec.json.encode(openapi.document(app)))

    async def answer(request: Request) -> Response:
        return Plain(await asyncio.to_thread(made))

    files = [*page.routes(), Route("/openapi.json", answer)]
    app.router.routes.extend(files)
    methods: dict[str, set[str]] = {}
    for route in (route for noun in NOUNS for route in noun.router.routes):
        assert isinstance(route, APIRoute)
        methods.setdefault(route.path_format, set()).update(route.methods or ())
    app.state.resources = Resources(methods | {file.path: ("GET",) for file in files})
