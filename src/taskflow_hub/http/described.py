"""Words for the OpenAPI document, said where a route is declared: what it takes, gives and refuses.

Schemas are referred to by name; openapi.py makes them from the msgspec classes that are named here.
"""

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Final, get_args

from taskflow_hub.http import problems as _problems

Responses = dict[int | str, dict[str, Any]]

REPLAYED: Final = "`true`, when the Idempotency-Key was used before."
REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("BadRequest", "Not HTTP, or not JSON."),
    401: ("Unauthenticated", "No credential, or one that is wrong or has run out."),
    403: ("Refused", "Not allowed to who asks; or a foreign `Host`, or a page of another origin."),
    404: ("NotFound", "There is no such thing."),
    408: ("RequestTimeout", "The request did not arrive in time."),
    409: ("Conflict", "The present state does not allow it."),
    410: ("Gone", "It existed, and has been removed."),
    413: ("TooLarge", "The body is larger than allowed."),
    414: ("UriTooLong", "The request's target is too long."),
    422: ("Invalid", "A field or parameter is wrong; `errors` names it."),
    429: ("TooMany", "More requests than one may send, or the queue is full; `code` says which."),
    431: ("HeadersTooLarge", "The request's headers are too large."),
    500: ("Internal", "The hub met an error it did not expect."),
    503: ("Unavailable", "Not now: the database is away, or the hub is shutting down. Nothing was changed."),
}
EVERYWHERE: Final = (400, 401, 403, 408, 414, 422, 429, 431, 500, 503)
# Those of draft-ietf-httpapi-ratelimit-headers.
LIMIT_HEADERS: Final = {
    name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit", "RateLimit-Policy")
}


def gives(
    schema: type | UnionType, description: str, *, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A JSON answer; a union is one of several."""
    one_of = [ref(one) for one in get_args(schema)]
    return {
        "description": description,
        "content": {"application/json": {"schema": {"anyOf": one_of} if one_of else ref(schema)}},
        **_headers(headers),
    }


def streams(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/event-stream": {"schema": {"type": "string"}}}}


def text(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


def problems(*statuses: int) -> Responses:
    """Refusals beyond those that any request may meet (EVERYWHERE)."""
    return {status: {"$ref": f"#/components/responses/{REFUSALS[status][0]}"} for status in statuses}


def takes(schema: type, *, parameters: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """A JSON body, for `openapi_extra`."""
    body = {"required": True, "content": {"application/json": {"schema": ref(schema)}}}
    return {"requestBody": body, "parameters": list(parameters)} if parameters else {"requestBody": body}


def header(name: str, description: str, *, pattern: str | None = None) -> dict[str, Any]:
    """A header that a route reads by itself."""
    schema = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def ref(schema: Any) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema.__name__}"}


def refusals() -> dict[str, dict[str, Any]]:
    """The document's components/responses."""
    content = {_problems.MEDIA_TYPE: {"schema": ref(_problems.Problem)}}
    return {
        name: {"description": description, "content": content, **_retry(status)}
        for status, (name, description) in REFUSALS.items()
    }


def limit_headers() -> dict[str, dict[str, Any]]:
    """The document's components/headers."""
    words = {
        "RateLimit": "Where requests are limited: how many are left, and in how many seconds all are: "
        '`"key";r=50;t=30`.',
        "RateLimit-Policy": "Where requests are limited: how many there are, in how many seconds: "
        '`"key";q=100;w=60`.',
    }
    return {name: {"description": said, "schema": {"type": "string"}} for name, said in words.items()}


def _retry(status: int) -> dict[str, Any]:
    if status not in {429, 503}:
        return {}
    found = _headers({"Retry-After": "Seconds until another try is worth it."})
    return {"headers": found["headers"] | LIMIT_HEADERS} if status == 429 else found


def _headers(headers: Mapping[str, str] | None) -> dict[str, Any]:
    if not headers:
        return {}
    return {
        "headers": {
            name: {"description": words, "schema": {"type": "string"}} for name, words in headers.items()
        }
    }
