"""An answer that says no, turned into the error of domain/errors.py that the hub raised."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec
from msgspec import Struct

from taskflow_hub.client.plan import Response
from taskflow_hub.domain import errors
from taskflow_hub.domain.clock import utc_now
from taskflow_hub.domain.errors import FieldError, TaskflowError, all_errors

PROBLEM: Final = "application/problem+json"

# Where the code says nothing to us: of a newer hub, of HTTP itself, of a proxy in between.
_BY_STATUS: Final[Mapping[int, type[TaskflowError]]] = {
    400: errors.Invalid,
    401: errors.Refused,
    403: errors.Refused,
    404: errors.NotFound,
    408: errors.Unavailable,
    409: errors.Conflict,
    410: errors.Gone,
    413: errors.TooLarge,
    414: errors.Invalid,
    422: errors.Invalid,
    429: errors.QueueFull,
    431: errors.Invalid,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
}


# What a proxy may say by itself. Any other status that does not come with a problem is of a program that is no hub.
_OF_PROXIES: Final = frozenset({401, 403, 408, 413, 414, 429, 431, 502, 503, 504})
_PASSING: Final = frozenset({408, 502, 503, 504})


class _Problem(Struct):
    """RFC 9457, with our two members."""

    code: str = ""
    title: str = ""
    detail: str = ""
    errors: tuple[FieldError, ...] = ()


_problem: Final = msgspec.json.Decoder(_Problem)


def error_of(response: Response, server: str) -> TaskflowError:
    """The error that this answer (status 400 and up) stands for."""
    pause_s = retry_after_s(response)
    if _is_problem(response):
        try:
            problem = _problem.decode(response.body)
        except msgspec.DecodeError:
            pass
        else:
            by_code = {kind.code: kind for kind in all_errors()}
            kind = by_code.get(problem.code) or _by_status(response)
            return _make(kind, problem.detail or problem.title, problem.errors, pause_s)
    detail = (
        f"{server} answered {response.status}, but not the way a hub does. "
        "Is this the hub's address, or is something in between?"
    )
    kind = _by_status(response) if response.status in _OF_PROXIES else errors.Unavailable
    return _make(kind, detail, (), pause_s)


def may_pass(response: Response, *, repeatable: bool) -> bool:
    """Whether asking again may get another answer than "unavailable", and do no harm.

    Something that is no hub stays what it is. And where a proxy says it, the hub may have done what was asked.
    """
    return _is_problem(response) or (repeatable and response.status in _PASSING)


def retry_after_s(response: Response) -> float | None:
    """Seconds the hub asks to wait, from Retry-After in either of its forms (RFC 9110, 10.2.3)."""
    given = response.headers.get("retry-after", "").strip()
    if not given:
        return None
    try:
        return max(float(given), 0.0) if given[0].isdigit() else _until(given)
    except ValueError:
        return None


def _is_problem(response: Response) -> bool:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower() == PROBLEM


def _by_status(response: Response) -> type[TaskflowError]:
    return _BY_STATUS.get(response.status, TaskflowError)


def _until(date: str) -> float:
    return max((parsedate_to_datetime(date) - utc_now()).total_seconds(), 0.0)


def _make(
    kind: type[TaskflowError], detail: str, errors: tuple[FieldError, ...], pause_s: float | None
) -> TaskflowError:
    """An error of that class, also where the class's own constructor takes something else."""
    error = kind.__new__(kind)
    TaskflowError.__init__(error, detail, errors=errors, retry_after_s=pause_s)
    return error
