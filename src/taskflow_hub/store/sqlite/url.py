"""`sqlite:///relative.db`, `sqlite:////absolute.db`, and the options after the question mark."""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from taskflow_hub.domain.errors import Misconfigured

_SHAPE = "sqlite:///relative.db or sqlite:////absolute/path.db"


class Location(Struct, frozen=True, kw_only=True):
    """Where the database is and how it is opened.

    `busy_timeout_s`: how long a write waits for other processes on the file before it answers StoreUnavailable.
    `max_page_count`: an upper bound for the file, in pages of 4 096 bytes (None: the disk's end).
    """

    path: Path
    busy_timeout_s: float = 10.0
    max_page_count: int | None = None


def parse_url(url: str) -> Location:
    """Raises Misconfigured for anything it does not understand; nothing is guessed."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise Misconfigured(f"database URL {url!r}: expected {_SHAPE}")
    if parts.netloc or not parts.path.startswith("/") or parts.path == "/" or parts.fragment:
        raise Misconfigured(f"database URL {url!r}: expected {_SHAPE} (three slashes, or four)")
    path = Path(unquote(parts.path[1:]))
    if path.name in {"", ":memory:"} or parts.path.endswith("/") or "\0" in str(path):
        raise Misconfigured(f"database URL {url!r}: this names no file")
    busy_timeout_s, max_page_count = Location(path=path).busy_timeout_s, None
    seen: set[str] = set()
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in seen:
            raise Misconfigured(f"database URL {url!r}: {name} is given twice")
        seen.add(name)
        match name:
            case "max_page_count":
                max_page_count = int(_number(url, name, value, at_least=100, whole=True))
            case "busy_timeout":
                busy_timeout_s = _number(url, name, value, at_least=0)
            case _:
                raise Misconfigured(
                    f"database URL {url!r}: unknown option {name!r}; there are busy_timeout and max_page_count"
                )
    return Location(path=path, busy_timeout_s=busy_timeout_s, max_page_count=max_page_count)


def _number(url: str, name: str, value: str, *, at_least: int, whole: bool = False) -> float:
    try:
        number = int(value) if whole else float(value)
    except ValueError:
        number = -1
    if not at_least <= number <= 2**31:
        kind = "whole number" if whole else "number"
        raise Misconfigured(
            f"database URL {url!r}: {name} must be a {kind} of at least {at_least}, not {value!r}"
        )
    return number
