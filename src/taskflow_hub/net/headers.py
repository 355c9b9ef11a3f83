"""Rules for headers that go out on a user's behalf, and one that comes back."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

NAME_FORMAT: Final = "header-name"
VALUE_FORMAT: Final = "header-value"

# Those that frame the message or speak to the next hop belong to the client; a user's own would desynchronise them.
_OURS: Final = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")

# What may follow a redirect to another origin. Anything else could be a secret, whatever its name.
_HARMLESS: Final = frozenset({"accept", "accept-language", "content-type", "idempotency-key", "user-agent"})

MAX_RETRY_AFTER_S: Final = 3600.0


def header_problem(headers: Mapping[str, str]) -> str | None:
    """Why these headers cannot be sent, naming the first bad one; None if they can."""
    for name, value in headers.items():
        if problem := name_problem(name):
            return f"header {name[:60]!r} {problem}"
        if problem := value_problem(value):
            return f"the value of header {name!r} {problem}"
    return None


def name_problem(name: str) -> str | None:
    """What is wrong with a header's name, in words that go on from it."""
    if not _NAME.fullmatch(name):
        return "is not valid as a header's name"
    if name.lower() in _OURS or name.lower().startswith("proxy-"):
        return "is set by the client and cannot be given"
    return None


def value_problem(value: str) -> str | None:
    """What is wrong with a header's value, in words that go on from its name."""
    return None if _VALUE.fullmatch(value) else "may hold only visible ASCII characters, spaces and tabs"


def harmless(headers: Mapping[str, str]) -> dict[str, str]:
    """What remains of a caller's headers when a redirect leads to another origin."""
    return {name: value for name, value in headers.items() if name.lower() in _HARMLESS}


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """The pause that a Retry-After header asks for, between 1 s and 1 h; None without a readable one."""
    if not value or len(value) > 64:
        return None
    try:
        pause_s = float(value) if value.strip().isdecimal() else (_http_date(value) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(pause_s, 1.0), MAX_RETRY_AFTER_S)


def _http_date(value: str) -> datetime:
    moment = parsedate_to_datetime(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
