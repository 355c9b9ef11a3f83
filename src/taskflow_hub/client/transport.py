"""What both clients' connections have in common: how httpx is set up, and what its errors mean."""

import ipaddress
import os
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from msgspec.structs import replace

from taskflow_hub import tracing
from taskflow_hub.client.bearer import Bearer, KeySource
from taskflow_hub.client.plan import Broken, Request, Response

# httpx looks at every connection of its pool for each of them, at every request: through 10 connections it carries several
# times as many requests per second as through 100. So requests take turns here, and what lasts has connections of its own.
MAX_REQUESTS: Final = 10
MAX_LONG: Final = 20  # streams, and answers that the hub holds back; who waits beyond that polls
CONNECT_TIMEOUT_S: Final = 5.0
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def options(server: str, key: KeySource, read_timeout_s: float) -> dict[str, Any]:
    """Arguments for httpx.Client and httpx.AsyncClient."""
    parts = urlsplit(server)
    # Loading the known authorities takes longer than most requests; without TLS an empty context does, and trusts nobody.
    tls = httpx.create_ssl_context() if parts.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return {
        "base_url": server + "/",
        "auth": Bearer(server, key),
        "timeout": httpx.Timeout(read_timeout_s, connect=CONNECT_TIMEOUT_S),
        "headers": {"accept": "application/json", "user-agent": "taskflow-hub-python"},
        "limits": httpx.Limits(max_connections=MAX_LONG, keepalive_expiry=30.0),
        "follow_redirects": False,
        "trust_env": not _is_loopback(parts.hostname or ""),  # a proxy cannot reach our own machine
        "verify": tls,
    }


def at_once(request: Request) -> Request:
    """The same request without leave for the hub to hold its answer back."""
    headers = {name: value for name, value in request.headers.items() if name != "prefer"}
    return replace(request, headers=headers, held=False, read_timeout_s=None)


def request_options(request: Request, read_timeout_s: float) -> dict[str, Any]:
    """Arguments for build_request."""
    headers = dict(request.headers)
    if request.body is not None:
        headers["content-type"] = "application/json"
    if (traceparent := tracing.carried()) is not None:
        headers["traceparent"] = traceparent
    read_s = request.read_timeout_s or read_timeout_s
    return {
        "method": request.method,
        "url": request.path,
        "params": request.params,
        "headers": headers,
        "content": request.body,
        "timeout": httpx.Timeout(read_timeout_s, connect=CONNECT_TIMEOUT_S, read=read_s),
    }


def answer(response: httpx.Response, body: bytes) -> Response:
    return Response(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, body
    )


def broken(error: httpx.HTTPError) -> Broken:
    """The same in our words; the plan decides what follows from it."""
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, OSError) and cause.errno):
        cause = cause.__cause__ or cause.__context__
    match error:
        case httpx.ConnectTimeout():
            detail = f"no connection within {CONNECT_TIMEOUT_S:g} s"
        case httpx.PoolTimeout():
            detail = "too many requests of this client are waiting for their answers"
        case httpx.TimeoutException():
            detail = "it took too long"
        case _ if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
            detail = os.strerror(cause.errno).lower()
        case _:
            detail = str(error).rstrip(".").lower() or type(error).__name__
    return Broken(detail, sent=not isinstance(error, _NOT_SENT))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
