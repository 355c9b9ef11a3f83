"""`postgresql://user:password@host:port/database`, and the options after the question mark that are ours."""

import re
from typing import Final, NoReturn
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from msgspec import Struct

from taskflow_hub.domain.errors import Misconfigured

_SHAPE: Final = "postgresql://user:password@host:5432/database"
# What is left to the driver, by libpq's names; with the values there are, where those are few.
_DRIVERS: Final[dict[str, frozenset[str] | None]] = {
    "sslmode": frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}),
    "target_session_attrs": frozenset(
        {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"}
    ),
    "sslcert": None,
    "sslkey": None,
    "sslrootcert": None,
    "sslcrl": None,
    "sslpassword": None,
    "passfile": None,
    "host": None,
    "port": None,
}
# What is ours: (the target's field, what it is, from, to).
_OURS: Final[dict[str, tuple[str, type[int] | type[float], float, float]]] = {
    "pool_size": ("pool_size", int, 4, 1_000),
    "statement_cache_size": ("statement_cache_size", int, 0, 10_000),
    "patience": ("patience_s", float, 0, 3_600),
    "connect_timeout": ("connect_timeout_s", float, 0.1, 3_600),
}
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+(?:%[^\]]+)?\]|[^\s:\[\]]*)(?::(?P<port>.*))?")
_NO_PORT: Final = "its port is not a number from 1 to 65535"
_ESCAPED: Final = "a / ? # @ : [ ] in a user or a password is written %2F %3F %23 %40 %3A %5B %5D"


class Target(Struct, frozen=True, kw_only=True):
    """Where the database is and how it is used.

    `dsn`: for the driver; several hosts are tried in their order. `shown`: for people, without the password.
    `hosts`: (name, port) of each that is dialled by TCP. `database`: its name.
    `pool_size`: at most so many connections, but for the one that listens.
    `statement_cache_size`: 0 behind a pooler in transaction mode (pgbouncer): nothing is prepared that outlives a transaction.
    `patience_s`: for so long a call tries again after its connection broke, before it answers StoreUnavailable.
    """

    dsn: str
    shown: str
    database: str
    hosts: tuple[tuple[str, int], ...] = ()
    pool_size: int = 10
    statement_cache_size: int = 256
    patience_s: float = 5.0
    connect_timeout_s: float = 5.0


def parse_url(url: str) -> Target:
    """Raises Misconfigured for anything it does not understand, with what to write instead; nothing is guessed.

    No message shows a password, not even a part of one that was written wrongly.
    """
    shown = _without_password(url)
    parts = _split(url, shown)
    database = unquote(parts.path.removeprefix("/"))
    if not database:
        _refuse(shown, f"it names no database; expected {_SHAPE}")
    if "/" in database or "\0" in database:
        _refuse(shown, f"{database!r} cannot be the name of a database; expected {_SHAPE}")
    who, _, where = parts.netloc.rpartition("@")
    hosts = [_host(shown, one) for one in where.split(",")] if where else []
    ours: dict[str, float] = {}
    theirs: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in theirs or name in ours:
            _refuse(shown, f"{name} is given twice")
        if name in _DRIVERS:
            theirs[name] = _word(shown, name, value)
        else:
            ours[name] = _own_option(shown, name, value)
    query = f"?{urlencode(theirs)}" if theirs else ""
    return Target(
        dsn=f"postgresql://{_quoted(who)}{where}/{quote(database, safe='')}{query}",
        shown=shown,
        database=database,
        hosts=tuple(hosts),
        **{_OURS[name][0]: value for name, value in ours.items()},  # type: ignore[arg-type]
    )


def _split(url: str, shown: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:  # its text may hold the password
        _refuse(shown, f"it cannot be read; expected {_SHAPE} ({_ESCAPED})")
    if parts.scheme not in {"postgresql", "postgres"}:
        _refuse(shown, f"expected {_SHAPE}")
    if not url.partition(":")[2].startswith("//"):
        _refuse(shown, f"expected {_SHAPE} (two slashes)")
    whole = "@" in parts.netloc or _is_host(parts.netloc)
    if "@" in parts.path or "#" in url or (not whole and "@" in shown):
        _refuse(shown, f"it cannot be read; {_ESCAPED}")
    if not whole:
        _refuse(shown, f"{_NO_PORT}; expected {_SHAPE}")
    return parts


def _host(shown: str, text: str) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if found is None:
        _refuse(shown, f"expected {_SHAPE}")
    port = found["port"] or "5432"
    if not _is_port(port):
        _refuse(shown, _NO_PORT)
    return unquote(found["name"]).strip("[]"), int(port)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 1 <= int(text) <= 65_535


def _own_option(shown: str, name: str, value: str) -> float:
    if name not in _OURS:
        unknown = f"unknown option {name!r}" if "@" not in name else "unknown option"
        _refuse(shown, f"{unknown}; there are {', '.join([*_OURS, *_DRIVERS])}")
    _, kind, least, most = _OURS[name]
    try:
        number = kind(value)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        wanted = "whole number" if kind is int else "number"
        _refuse(shown, f"{name} must be a {wanted} from {least:g} to {most:g}, not {value!r}")
    return number


def _word(shown: str, name: str, value: str) -> str:
    if name == "port" and not all(_is_port(one) for one in value.split(",")):
        _refuse(shown, _NO_PORT)
    known = _DRIVERS[name]
    if known is not None and value not in known:
        _refuse(shown, f"{name} must be one of {', '.join(sorted(known))}, not {value!r}")
    return value


def _quoted(who: str) -> str:
    """User and password, so that the driver reads them as they are meant, an @ in them included."""
    if not who:
        return ""
    user, colon, password = who.partition(":")
    return f"{quote(unquote(user), safe='')}{colon}{quote(unquote(password), safe='')}@"


def _without_password(url: str) -> str:
    """The URL without its options and without anything that could be a part of a password, however it is written."""
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return "…"
    head, *options = re.split(r"[?#]", rest, maxsplit=1)
    complete = "@" in head or ("/" in head and _is_host(head.partition("/")[0]))
    if complete and options and "@" not in options[0].partition("=")[0]:
        rest = head  # elsewhere the question mark may be a part of the password
    who, at, where = rest.rpartition("@")
    where = re.split(r"[?#]", where, maxsplit=1)[0]
    if at:
        user, colon, _ = who.partition(":")
        return f"{scheme}://{user}{':***' if colon else ''}@{where}"
    hosts, slash, path = where.partition("/")
    if not _is_host(hosts):
        return f"{scheme}://***"  # user:password, and the host forgotten?
    return f"{scheme}://{hosts}{slash}{path}"


def _is_host(text: str) -> bool:
    """Whether this can be hosts with ports, and so cannot be a user with a password."""
    found = [_HOST.fullmatch(one) for one in text.split(",")]
    return all(one is not None and (not one["port"] or one["port"].isdecimal()) for one in found)


def _refuse(shown: str, what: str) -> NoReturn:
    raise Misconfigured(f"database URL {shown!r}: {what}")
