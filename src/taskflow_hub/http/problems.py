"""Every error as RFC 9457 `application/problem+json`: the one place where an error meets a status code.

The status is looked up along the exception's class hierarchy, so a new error has one as soon as it has a parent.
`type` is `/problems/<code>`, which this API serves with an explanation (`explain`).
"""

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from taskflow_hub.domain import errors
from taskflow_hub.domain.errors import FieldError, TaskflowError

MEDIA_TYPE: Final = "application/problem+json"
INTERNAL_DETAIL: Final = "The hub met an error it did not expect; its log says more."

STATUS: Final[Mapping[type[TaskflowError], int]] = {
    errors.TaskflowError: 500,
    errors.Invalid: 422,
    errors.Undecodable: 400,
    errors.TooLarge: 413,
    errors.NotFound: 404,
    errors.Gone: 410,
    errors.Conflict: 409,
    errors.QueueFull: 429,
    errors.QuotaExceeded: 429,
    errors.Throttled: 429,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.Refused: 403,
    errors.LeaseLost: 409,
    errors.Unavailable: 503,
    errors.Misconfigured: 500,
}

RETRY_AFTER_S: Final[Mapping[int, int]] = {429: 1, 503: 2}  # where the error does not know better

# What HTTP itself can get wrong, before the hub is asked: code, status, title.
BAD_REQUEST: Final = ("bad_request", 400, "This is not a valid HTTP request.")
METHOD_NOT_ALLOWED: Final = ("method_not_allowed", 405, "This resource does not have that method.")
REQUEST_TIMEOUT: Final = ("request_timeout", 408, "The request did not arrive in time.")
URI_TOO_LONG: Final = ("uri_too_long", 414, "The request's target is too long.")
HEADERS_TOO_LARGE: Final = ("headers_too_large", 431, "The request's headers are too large.")
NOT_IMPLEMENTED: Final = ("not_implemented", 501, "The hub does not know this method.")
OF_HTTP: Final = (
    BAD_REQUEST,
    METHOD_NOT_ALLOWED,
    REQUEST_TIMEOUT,
    URI_TOO_LONG,
    HEADERS_TOO_LARGE,
    NOT_IMPLEMENTED,
)

ADVICE: Final[Mapping[str, str]] = {
    "internal": "A fault of the hub, not of the request. Look at the hub's log; whether the request took effect is unknown.",
    "invalid": "`errors` names each field by a JSON Pointer: into the body, or below /query, /path or /header. "
    "Nothing was changed. Mend the request; sending it again as it is gives the same answer.",
    "undecodable": "The body must be one JSON text in UTF-8, without duplicate names, NaN or Infinity. Nothing was changed.",
    "too_large": "A body may have 1 MiB, that of POST /tasks/batch 16 MiB, unless the hub is set otherwise. "
    "What is over that is not read, and the connection is closed. "
    "Hand big inputs over by reference.",
    "idempotency_mismatch": "A key stands for one body. Use a new key for a new request; to repeat a request, repeat its body.",
    "not_found": "There is no such thing, or it belongs to another account, or it was removed by retention.",
    "gone": "It existed and was removed by retention.",
    "task_gone": "The key's task was removed before the key ran out. It is not run a second time; submit under a new key if "
    "it should.",
    "conflict": "The request is right, but does not fit the present state.",
    "not_allowed": "The task's state has no such move; GET the task to see its state.",
    "unique_conflict": "Another task of this type holds the unique key. Wait until it has ended, or submit with "
    '"on_conflict": "return".',
    "name_taken": "A name stands for one thing in an account. Take another name, or change what has it.",
    "declared_in_code": "A schedule with the origin `code` is declared beside a handler, and put back by the next worker that "
    "starts. Change it there; here it can be paused.",
    "queue_full": "The queue holds `max_size` waiting tasks. Try again after `Retry-After` seconds.",
    "quota_exceeded": "The account has what it may have: submits in this minute or on this day (UTC), or tasks that wait. "
    "`detail` says which; GET /quota tells all. Nothing was changed. Try again after `Retry-After` seconds.",
    "throttled": "Try again after `Retry-After` seconds. Nothing was changed.",
    "rate_limited": "The operator has set how often one key, user or address may ask. Try again after `Retry-After` seconds; "
    "`RateLimit` says how much is left. Nothing was changed. Many tasks go in one request: POST /tasks/batch.",
    "unauthenticated": "Send `Authorization: Bearer` with an API key (`taskflow key create`), or with the access token of "
    "POST /auth/login. An access token is good for minutes; POST /auth/refresh makes the next.",
    "forbidden": "The key, or the user's role, lacks a scope, or is not for this queue. GET /auth/me says what you may do.",
    "registration_closed": "auth.registration is `closed`. An admin can add users: POST /users.",
    "email_taken": "Log in instead, or register with another address.",
    "last_admin": "Give the role to somebody else first.",
    "accounts_off": "This hub was started without auth.secret, so it asks for no login, and listens on loopback only.",
    "no_secret_keys": "The task type has secret fields, and secrets.keys is needed to encrypt them: here, and by the worker "
    "whose task submits another. Nothing was stored. `openssl rand -base64 32` makes a key.",
    "refused": "The API answers programs and pages of its own origin. `Host` must be a loopback name or address, or listed in "
    "http.allowed_hosts; `Origin` and `Sec-Fetch-Site` must not be foreign.",
    "lease_lost": "The attempt that asked does not own its task any more.",
    "unavailable": "Nothing was changed. Try again after `Retry-After` seconds.",
    "store_unavailable": "The database cannot be reached or written. Nothing was changed; it goes on as soon as it can be.",
    "store_full": "The database has no space left. Nothing was changed; it goes on when there is space.",
    "schema_mismatch": "The database belongs to another version. `taskflow db migrate` brings an older one up to date.",
    "shutting_down": "This process is ending. Try again after `Retry-After` seconds, when it has been started anew.",
    "misconfigured": "A setting is wrong; `taskflow config check` names it.",
    "bad_request": "The bytes received are not a valid HTTP/1.1 request, or lack a `Host` header.",
    "method_not_allowed": "`Allow` lists the methods that there are.",
    "request_timeout": "Headers and body must arrive within the times set in http.header_timeout and http.body_timeout.",
    "uri_too_long": "The request's target may have as many bytes as http.max_header says.",
    "not_implemented": "No resource has that method. OPTIONS lists those that a resource has.",
    "headers_too_large": "Request line and headers together may have as many bytes as http.max_header says.",
}


class Problem(Struct, frozen=True, kw_only=True):
    """An error, as RFC 9457 describes it, with a stable `code` and the fields at fault."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[FieldError, ...] = ()


class Explanation(Struct, frozen=True, kw_only=True):
    """What a code means, and what to do about it."""

    type: str
    title: str
    status: int
    code: str
    explanation: str


def status_of(error: type[TaskflowError]) -> int:
    return next(STATUS[ancestor] for ancestor in error.__mro__ if ancestor in STATUS)


def from_error(error: TaskflowError) -> Problem:
    status = status_of(type(error))
    detail = INTERNAL_DETAIL if status == 500 else error.detail
    title = _title(type(error))
    found = error.errors
    if isinstance(error, errors.IdempotencyMismatch) and not found:  # the stores know no headers
        found = (FieldError("/header/Idempotency-Key", "was used before with a different body"),)
    return _problem(error.code, status, title, detail, found)


def from_http(kind: tuple[str, int, str], detail: str = "", errors: Sequence[FieldError] = ()) -> Problem:
    code, status, title = kind
    return _problem(code, status, title, detail or title, errors)


def headers(problem: Problem, retry_after_s: float | None = None) -> dict[str, str]:
    """What goes with a problem, beside its content type."""
    seconds = RETRY_AFTER_S.get(problem.status) if retry_after_s is None else max(math.ceil(retry_after_s), 1)
    told = {} if seconds is None else {"Retry-After": str(seconds)}
    if problem.status == 401:
        told["WWW-Authenticate"] = 'Bearer realm="taskflow"'
    return told | {"Connection": "close"} if problem.code == errors.ShuttingDown.code else told


def encode(problem: Problem) -> bytes:
    return msgspec.json.encode(problem)


def codes() -> dict[str, Explanation]:
    """Every code that an answer may carry."""
    of_domain = [(error.code, status_of(error), _title(error)) for error in errors.all_errors()]
    return {
        code: Explanation(
            type=f"/problems/{code}",
            title=title,
            status=status,
            code=code,
            explanation=ADVICE.get(code, title),
        )
        for code, status, title in (*of_domain, *OF_HTTP)
    }


def explain(code: str) -> Explanation:
    """Raises NotFound for a code that does not exist."""
    known = codes()
    if code not in known:
        raise errors.NotFound(f"There is no problem called {code}.")
    return known[code]


def _problem(code: str, status: int, title: str, detail: str, found: Sequence[FieldError]) -> Problem:
    return Problem(
        type=f"/problems/{code}", title=title, status=status, detail=detail, code=code, errors=tuple(found)
    )


def _title(error: type[TaskflowError]) -> str:
    return (inspect.getdoc(error) or error.__name__).splitlines()[0]
