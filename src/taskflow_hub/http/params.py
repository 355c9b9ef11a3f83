"""Parameters of path, query and header, each declared once with its limits; FastAPI checks and documents them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Header, Path, Query
from fastapi.dependencies.models import Dependant
from pydantic import BeforeValidator, WithJsonSchema
from starlette.requests import Request

from taskflow_hub.domain.audit import Action, Entity
from taskflow_hub.domain.cron import MAX_EXPRESSION
from taskflow_hub.domain.errors import FieldError, Invalid
from taskflow_hub.domain.failure import FailureOrder
from taskflow_hub.domain.fingerprint import PATTERN as FINGERPRINT_PATTERN
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import MAX_ERROR_TEXT
from taskflow_hub.domain.schedule import FireOutcome
from taskflow_hub.domain.shapes import (
    ACCOUNT_PATTERN,
    ID_PATTERN,
    IN_WORDS,
    SCHEDULE_PATTERN,
    WORKFLOW_PATTERN,
)
from taskflow_hub.domain.steps import EVENT_PATTERN
from taskflow_hub.domain.submission import QUEUE_PATTERN, TYPE_PATTERN, Moment, check_moment
from taskflow_hub.domain.trends import Range
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.domain.zone import MAX_NAME
from taskflow_hub.http.pointers import pointer
from taskflow_hub.http.problems import codes

MOMENT_PATTERN: Final = (
    # a year within those of domain/submission.py, whatever the zone
    r"^(?:197[1-9]|19[89][0-9]|[2-8][0-9]{3}|9[0-8][0-9]{2}|99[0-8][0-9]|999[0-7])-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-][0-2][0-9]:[0-5][0-9])$"
)
CODE_PATTERN: Final = "^[a-z_]{1,50}$"
TAG_PATTERN: Final = r"^[^\x00]*$"
CURSOR_PATTERN: Final = "^[A-Za-z0-9_-]{21}[AQgw]$"
FAILURE_CURSOR_PATTERN: Final = "^(0|[1-9][0-9]{0,17})-[0-9a-f]{16}$"
LINE_PATTERN: Final = r"^[0-9]{1,9}\.[0-9]{1,9}$"
LIMIT_PATTERN: Final = "^[a-z0-9_-]{1,64}/[!-~]{1,200}$"
REV_PATTERN: Final = "^[0-9]{1,18}$"
PLACE_PATTERN: Final = "^[0-9]{1,9}$"
MARK_PATTERN: Final = "^[0-9]{1,18}-[0-9a-f]{16}$"
NODE_PATTERN: Final = "^[_0-9a-z-]{1,64}$"  # not written as those of queues and accounts are
ITEM_PATTERN: Final = "^[0-9]{1,5}$"
MAX_PAGE: Final = 1000
MAX_ERRORS: Final = 20
REPEATABLE: Final = frozenset({"action", "status"})


def _plain(pattern: str) -> str:
    """Without the lookahead that only Python needs."""
    return pattern.removesuffix(r"(?!\n)")


# Every pattern here, in words, for what does not match it.
SHAPES: Final[Mapping[str, str]] = {
    **{_plain(known): words for known, words in IN_WORDS.items()},
    CODE_PATTERN: "is not the code of a problem: one has 1 to 50 characters of a-z and '_'",
    TAG_PATTERN: "contains a NUL character (U+0000)",
    CURSOR_PATTERN: "is not a cursor of this list",
    FAILURE_CURSOR_PATTERN: "is not a cursor of this list",
    FINGERPRINT_PATTERN: "is not a fingerprint: one has 16 characters of 0-9 and a-f",
    LINE_PATTERN: "is not a line's place: write ATTEMPT.N, such as 1.20",
    LIMIT_PATTERN: "is not a limit's place: write ACCOUNT/KEY, such as default/host:example.org",
    REV_PATTERN: "is not the id of an event",
    PLACE_PATTERN: "is not a step's place: it is the `next_cursor` of the page before",
    MARK_PATTERN: "is not the id of an event",
    NODE_PATTERN: "is not a node's name: one has 1 to 64 characters of a-z, 0-9, '_' and '-'",
    ITEM_PATTERN: "is not a cursor of this list",
}


def _integer(given: Any) -> Any:
    """Digits, as JSON writes them: int() would also read "1_000" and " 1"."""
    if isinstance(given, str) and not (given.removeprefix("-").isdigit() and given.isascii()):
        raise ValueError("must be an integer")
    return given


def _boolean(given: Any) -> Any:
    """As JSON writes it."""
    if isinstance(given, str) and given not in {"true", "false"}:
        raise ValueError("must be true or false")
    return given


def _flag(given: Any) -> Any:
    """To name it is to want it."""
    return True if given == "" else given


def _moment(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        moment = msgspec.convert(given, Moment)
        check_moment(moment, "")
    except msgspec.ValidationError:
        raise ValueError(
            "must be an RFC 3339 time with its zone, such as 2030-01-31T12:00:00Z (write + as %2B)"
        ) from None
    except Invalid as error:
        raise ValueError(error.errors[0].detail) from None
    return moment


_Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": MOMENT_PATTERN}),
]

# --- path
TaskId = Annotated[str, Path(alias="id", pattern=ID_PATTERN, description="The task's id, a UUIDv7.")]
WorkflowId = Annotated[str, Path(alias="id", pattern=ID_PATTERN, description="The workflow's id, a UUIDv7.")]
NodeName = Annotated[
    str, Path(alias="node", pattern=NODE_PATTERN, description="The name of one of its nodes.")
]
BulkId = Annotated[str, Path(alias="id", pattern=ID_PATTERN, description="The operation's id.")]
WorkerId = Annotated[str, Path(alias="id", pattern=ID_PATTERN, description="The worker's id.")]
UserId = Annotated[str, Path(alias="id", pattern=ID_PATTERN, description="The user's id.")]
KeyId = Annotated[str, Path(alias="id", pattern=ID_PATTERN, description="The key's id, not its secret.")]
QueueName = Annotated[str, Path(alias="name", pattern=_plain(QUEUE_PATTERN), description="The queue's name.")]
EventName = Annotated[str, Path(alias="name", pattern=_plain(EVENT_PATTERN), description="The event's name.")]
AccountId = Annotated[
    str, Path(alias="account", pattern=_plain(ACCOUNT_PATTERN), description="The account's id.")
]
ScheduleRef = Annotated[
    str,
    Path(alias="id", pattern=_plain(SCHEDULE_PATTERN), description="The schedule's id, or its name."),
]
Code = Annotated[
    str,
    Path(alias="code", pattern=CODE_PATTERN, description="A problem's `code`.", examples=sorted(codes())),
]

# --- query
Statuses = Annotated[
    tuple[State, ...], Query(alias="status", description="Any of these; repeat it for more than one.")
]
WorkflowStatuses = Annotated[
    tuple[WorkflowState, ...],
    Query(alias="status", description="Any of these; repeat it for more than one."),
]
OfWorkflowName = Annotated[
    str | None, Query(alias="name", pattern=_plain(WORKFLOW_PATTERN), description="Of this name.")
]
OfType = Annotated[
    str | None, Query(alias="type", pattern=_plain(TYPE_PATTERN), description="Of this task type.")
]
OfQueue = Annotated[
    str | None, Query(alias="queue", pattern=_plain(QUEUE_PATTERN), description="In this queue.")
]
OfUser = Annotated[
    str | None, Query(alias="user", pattern=ID_PATTERN, description="Submitted by this user, by id.")
]
WithTag = Annotated[
    str | None,
    Query(alias="tag", min_length=1, max_length=64, pattern=TAG_PATTERN, description="With this tag."),
]
WithFingerprint = Annotated[
    str | None,
    Query(
        alias="fingerprint",
        pattern=FINGERPRINT_PATTERN,
        description="Failed, and in this way: a `fingerprint` of `/failures`.",
    ),
]
WithError = Annotated[
    str | None,
    Query(
        alias="error",
        min_length=1,
        max_length=MAX_ERROR_TEXT,
        pattern=TAG_PATTERN,
        description="Failed, with this text in the error's type, message or traceback; the case of A-Z does not matter.",
    ),
]
FailedSince = Annotated[
    _Moment | None,
    Query(alias="since", description="Failed at this time or later, in whole hours; by default a week ago."),
]


Sort = Annotated[FailureOrder, Query(description="What comes first: what happened last, or most often.")]
FailureCursor = Annotated[
    str | None,
    Query(
        alias="cursor",
        pattern=FAILURE_CURSOR_PATTERN,
        description="`next_cursor` of the page before this one, asked for with the same `sort`.",
    ),
]
CreatedAfter = Annotated[_Moment | None, Query(description="Submitted at this time or later.")]
CreatedBefore = Annotated[_Moment | None, Query(description="Submitted before this time.")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most."), BeforeValidator(_integer)]
AnyLimit = Annotated[
    int | None,
    Query(ge=1, le=MAX_PAGE, description="How many at most; left out, all."),
    BeforeValidator(_integer),
]
Cursor = Annotated[
    str | None,
    Query(pattern=CURSOR_PATTERN, description="`next_cursor` of the page before this one."),
]
ItemCursor = Annotated[
    str | None,
    Query(alias="cursor", pattern=ITEM_PATTERN, description="`next_cursor` of the page before this one."),
]
Verbose = Annotated[
    bool,
    Query(description="Adds `warnings`: what will become a problem if it lasts. `?verbose` is enough."),
    BeforeValidator(_flag),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"const": ""}]}),
]
AfterLine = Annotated[
    str | None,
    Query(
        alias="after",
        pattern=LINE_PATTERN,
        description="Only lines after this one, as ATTEMPT.N; `next_cursor`, or made from the last line that was read.",
    ),
]
AfterStep = Annotated[
    str | None,
    Query(
        alias="after",
        pattern=PLACE_PATTERN,
        description="Only what was kept after so many: `next_cursor` of the page before.",
    ),
]
AfterLimit = Annotated[
    str | None,
    Query(
        alias="after",
        pattern=LIMIT_PATTERN,
        description="Only limits after this one, as ACCOUNT/KEY: `next_cursor` of the page before.",
    ),
]
AfterAccount = Annotated[
    str | None,
    Query(
        alias="after",
        pattern=_plain(ACCOUNT_PATTERN),
        description="Only accounts after this one: `next_cursor` of the page before.",
    ),
]

OfName = Annotated[
    str | None, Query(alias="name", pattern=_plain(SCHEDULE_PATTERN), description="Of this name.")
]
IsPaused = Annotated[
    bool | None,
    Query(alias="paused", description="`true`: those that are paused; `false`: the others."),
    BeforeValidator(_boolean),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "null"}]}),
]
OfOutcome = Annotated[FireOutcome | None, Query(alias="outcome", description="Of this outcome.")]
TickCount = Annotated[
    int, Query(alias="n", ge=1, le=100, description="How many ticks."), BeforeValidator(_integer)
]
OtherCron = Annotated[
    str | None,
    Query(alias="cron", min_length=1, max_length=MAX_EXPRESSION, description="Try this expression."),
]
OtherEvery = Annotated[
    str | None,
    Query(
        alias="every", min_length=1, max_length=40, description="Try this period: seconds, or 90s, 5m, 1h30m."
    ),
]
OtherZone = Annotated[
    str | None, Query(alias="tz", min_length=1, max_length=MAX_NAME, description="Try this time zone.")
]

OfAccount = Annotated[
    str | None,
    Query(alias="account", pattern=_plain(ACCOUNT_PATTERN), description="Whose things it was done to."),
]
OfEntity = Annotated[Entity | None, Query(alias="entity", description="What kind of thing it was done to.")]
OfEntityId = Annotated[
    str | None,
    Query(
        alias="entity_id",
        min_length=1,
        max_length=200,
        pattern=TAG_PATTERN,
        description="To this thing: its id, a queue's name, a limit's key.",
    ),
]
OfAction = Annotated[
    tuple[Action, ...], Query(alias="action", description="Any of these; repeat it for more than one.")
]
ByActor = Annotated[
    str | None,
    Query(
        alias="actor",
        min_length=1,
        max_length=320,
        pattern=TAG_PATTERN,
        description="By this user or key: its id, or what it was called then.",
    ),
]
Since = Annotated[_Moment | None, Query(description="Done at this time or later.")]
Until = Annotated[_Moment | None, Query(description="Done before this time.")]

LookedBack = Annotated[
    Range,
    Query(
        alias="range", description="How far back: in 60 steps of a minute, 96 of 15 minutes, 84 of 2 hours."
    ),
]

# --- header
LastRev = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=REV_PATTERN,
        description="The last event that was seen; browsers send it.",
    ),
]
LastMark = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=MARK_PATTERN,
        description="The last event that was seen; browsers send it.",
    ),
]
LastNudge = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=200,
        description="Given: the first event is `reset`, since nudges are not kept.",
    ),
]


def _known_query(request: Request) -> None:
    refuse_query(request, known=lambda: frozenset(query_names(request.scope["route"].dependant)))


def query_names(of: Dependant) -> Iterator[str]:
    """By which names it is called that a route, or what it depends on, takes from the query."""
    yield from (parameter.alias for parameter in of.query_params)
    for one in of.dependencies:
        yield from query_names(one)


def refuse_query(request: Request, known: Callable[[], frozenset[str]] = frozenset) -> None:
    """Refuse query parameters that do not exist here, and single ones given twice: both are mistakes better told."""
    if not request.scope["query_string"]:
        return
    names = Counter(name for name, _ in request.query_params.multi_items())
    mine = known()
    wrong = [
        FieldError(
            pointer("query", name), "is given more than once" if name in mine else "is not a known parameter"
        )
        for name, times in names.items()
        if name not in mine or (times > 1 and name not in REPEATABLE)
    ][:MAX_ERRORS]
    if wrong:
        raise Invalid("; ".join(f"{one.pointer}: {one.detail}" for one in wrong), errors=wrong)


KnownQuery = Depends(_known_query)
