"""Options that many commands share, and how their text is read."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

if TYPE_CHECKING:
    from taskflow_hub.domain.access import Role, Scope

_LIMIT: Final = re.compile(r"(?P<key>.*?)(?P<numbers>(?:,(?:running|per_second)=[^,=]*)*)", re.DOTALL)
_NONE: Final = frozenset({"none", "null", "never"})


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True)
class Globals:
    """What was said before the noun; a command's own option beats it."""

    server: str | None = None
    profile: str | None = None
    output: Output = Output.TABLE
    debug: bool = False


@dataclass(frozen=True)
class Given:
    """A value that was given, even if it is None: without end, without limit."""

    value: float | None


@dataclass(frozen=True)
class Moment:
    """A time that was given, even if it is None: never."""

    value: datetime | None


def output_format(text: str) -> Output:
    try:
        return Output(text)
    except ValueError:
        raise ValueError(f"{text!r} is not one of table, json") from None


def seconds(text: str) -> float:
    """`90`, `1.5`, `90s`, `1h30m`, `2d`."""
    from taskflow_hub.domain.durations import seconds_of  # late: help needs nothing of it

    return seconds_of(text.strip().lower())


def seconds_or_none(text: str) -> Given:
    return Given(None if text.lower() in _NONE else seconds(text))


def count_or_none(text: str) -> Given:
    if text.lower() in _NONE:
        return Given(None)
    try:
        return Given(int(text))
    except ValueError:
        raise ValueError(f"{text!r} is neither a whole number nor none") from None


def number_or_none(text: str) -> Given:
    if text.lower() in _NONE:
        return Given(None)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is neither a number nor none")
    return Given(number)


def moment(text: str) -> datetime:
    """ISO 8601; without a zone it is this machine's local time."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is not a time; write like 2030-01-31T18:00 or 2030-01-31T18:00:00Z"
        ) from None


def moment_or_none(text: str) -> Moment:
    return Moment(None if text.lower() in _NONE else moment(text))


def limit(text: str) -> dict[str, str | float]:
    """`host:example.com,running=3,per_second=0.5`: a key, which may have commas in it, and its numbers."""
    match = _LIMIT.fullmatch(text)
    if match is None or match["key"] == "":
        raise ValueError(f"{text!r} is not a limit; write like KEY,running=3 or KEY,per_second=10")
    found: dict[str, str | float] = {"key": match["key"]}
    for part in match["numbers"].split(",")[1:]:
        name, _, number = part.partition("=")
        try:
            value: float = int(number) if name == "running" else float(number)
        except ValueError:
            raise ValueError(f"{number!r} is not a number, in {text!r}") from None
        if name in found or not math.isfinite(value):
            raise ValueError(f"{part!r} cannot be, in {text!r}")
        found[name] = value
    return found


def role(text: str) -> "Role":
    from taskflow_hub.domain.access import Role

    try:
        return Role(text)
    except ValueError:
        raise ValueError(f"{text!r} is not one of {', '.join(Role)}") from None


def scope(text: str) -> "Scope":
    from taskflow_hub.domain.access import Scope

    try:
        return Scope(text)
    except ValueError:
        raise ValueError(f"{text!r} is not one of {', '.join(Scope)}") from None


ServerOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="Where the hub is; default TASKFLOW_SERVER, else http://127.0.0.1:8080.",
    ),
]
ProfileOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="The server and login that `taskflow login --profile NAME` has kept; default TASKFLOW_PROFILE.",
    ),
]
OutputOption: TypeAlias = Annotated[
    Output | None,
    typer.Option(
        "--output", "-o", metavar="table|json", parser=output_format, help="How to print what was asked for."
    ),
]
# --- of processes: each is a setting, and beats it

AppOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="MODULE:HUB",
        help="Serve the handlers of this Hub too; the working directory is on the import path.",
    ),
]
HostOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--host", metavar="ADDRESS", help="Listen here; beyond loopback only with accounts (auth.secret)."
    ),
]
PortOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--port", metavar="PORT", help="Listen here; 0 takes any free port; default 8080."),
]
DatabaseOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--database",
        "--database-url",
        metavar="URL",
        help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE; default sqlite:///taskflow.db.",
    ),
]
BrokerOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--broker",
        metavar="URL",
        help="redis://HOST:PORT/0, or local: engine and worker share one process; default local.",
    ),
]
SlotsOption: TypeAlias = Annotated[
    int | None, typer.Option("--slots", metavar="N", help="How many attempts run at once; default 20.")
]
GraceOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--grace",
        metavar="DURATION",
        parser=seconds,
        help="How long running attempts may take to finish at the end; default 30.",
    ),
]
LogLevelOption: TypeAlias = Annotated[
    str | None, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
]
TaskId: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The task's id.")]
