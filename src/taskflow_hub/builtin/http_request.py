"""`http.request`: make an HTTP request and keep the answer."""

import re
from collections.abc import Mapping
from json import dumps
from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue
from typing_extensions import TypedDict

from taskflow_hub.builtin.answers import unanswered, unexpected
from taskflow_hub.domain.outcomes import Fail, Retry
from taskflow_hub.net import NAME_FORMAT, VALUE_FORMAT, NetError, OutboundUrl
from taskflow_hub.worker.context import Context
from taskflow_hub.worker.signature import NotWith

MAX_BODY: Final = 20 * 1024
STATUSES_FORMAT: Final = "expected-statuses"
_STATUSES: Final = r"^(any|([1-5][0-9][0-9]|[1-5]xx)(,([1-5][0-9][0-9]|[1-5]xx))*)$"
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
HeaderName = Annotated[
    str,
    Field(
        max_length=200,
        pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        json_schema_extra={"format": NAME_FORMAT},
    ),
]
HeaderValue = Annotated[
    str,
    Field(max_length=8192, pattern=r"^[\t\x20-\x7e]*$", json_schema_extra={"format": VALUE_FORMAT}),
]


class Response(TypedDict):
    status: Annotated[int, Field(ge=100, le=999, description="The HTTP status.")]
    headers: Annotated[
        dict[str, str],
        Field(description="The answer's headers: names in lower case, repeated ones joined by a comma."),
    ]
    body: Annotated[str, Field(description="The first 20 KB of the body, as text.")]
    truncated: Annotated[bool, Field(description="Whether the body went on.")]


async def http_request(
    url: OutboundUrl,
    ctx: Context,
    method: Annotated[Method, Field(description="The HTTP method.")] = "GET",
    headers: Annotated[
        dict[HeaderName, HeaderValue],
        Field(
            max_length=100,
            description="Headers to send. Those that frame the message (Host, Content-Length, Connection …) cannot be "
            "given. Idempotency-Key is added to POST and PATCH: the same for every attempt of the task.",
            json_schema_extra={"additionalProperties": False},
        ),
    ] = {},  # noqa: B006 (never changed)
    body: Annotated[
        str | None,
        Field(max_length=1_048_576, description="The body to send, as UTF-8. Not together with json."),
    ] = None,
    json: Annotated[
        JsonValue,
        NotWith("body"),
        Field(description="The body to send, as JSON; null sends none. Not together with body."),
    ] = None,
    expect: Annotated[
        str,
        Field(
            max_length=100,
            pattern=_STATUSES,
            description="The statuses that mean success, separated by commas: 200, 2xx or any. A redirect that is "
            "expected is not followed.",
            examples=["2xx", "200,201,404", "any"],
            json_schema_extra={"format": STATUSES_FORMAT},
        ),
    ] = "2xx",
) -> Response | Fail | Retry:
    """Make an HTTP request; the task succeeds if the status is the expected one.

    Another status fails the task, except 408, 425, 429 and 5xx, which are tried again, as is a request without an answer.
    So the same request may be made more than once: let the receiver use the Idempotency-Key. Redirects are followed, but a
    301 or 302 ends a request that carries something: repeating it as a GET, as browsers do, would lose what it carries.
    """
    if body is not None and json is not None:
        return Fail("give body or json, not both")
    content, content_type = _content(body, json)
    try:
        answer = await ctx.http.fetch(
            url,
            method=method,
            headers=_headers(headers, content_type, method, ctx),
            content=content,
            max_body=MAX_BODY,
            follow=lambda status: not _names(expect, status),
        )
    except NetError as error:
        return unanswered(error)
    ctx.log.info("answered", status=answer.status, url=answer.place)
    if expect != "any" and not _names(expect, answer.status):
        return unexpected(answer)
    return Response(
        status=answer.status,
        headers=dict(answer.headers),
        body=_text(answer.body, answer.headers.get("content-type"), cut=answer.truncated),
        truncated=answer.truncated,
    )


def statuses_problem(expect: str) -> str | None:
    if re.fullmatch(_STATUSES, expect):
        return None
    return "must be any, or statuses from 100 to 599 with commas between them, such as 200,2xx"


def _content(body: str | None, json: JsonValue) -> tuple[bytes | None, str | None]:
    if json is not None:
        return dumps(json, ensure_ascii=False).encode(), "application/json"
    if body is not None:
        return body.encode(), "text/plain; charset=utf-8"
    return None, None


def _headers(
    given: Mapping[str, str], content_type: str | None, method: Method, ctx: Context
) -> dict[str, str]:
    ours = {}
    if content_type:
        ours["content-type"] = content_type
    if method not in _IDEMPOTENT:
        ours["idempotency-key"] = ctx.idempotency_key
    names = {name.lower() for name in given}
    return {**{name: value for name, value in ours.items() if name not in names}, **given}


def _names(expect: str, status: int) -> bool:
    """Whether `expect` lists this status. "any" welcomes all and names none: redirects are followed to the end."""
    return bool({str(status), f"{status // 100}xx"} & set(expect.split(",")))


def _text(body: bytes, content_type: str | None, *, cut: bool) -> str:
    from taskflow_hub.builtin.charset import decode_text

    # NUL is valid JSON, but databases and terminals downstream choke on it.
    return decode_text(body, content_type, cut=cut).replace("\0", "\ufffd")
