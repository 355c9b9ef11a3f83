"""The limits that a task type states: they hold for every task of the type, beside those that its submit names.

Their keys are expressions (domain/key_expressions.py). A task is stored with keys like any others, so that from then on nobody
needs to know where a limit came from.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Raw

from taskflow_hub.domain.errors import Invalid, Misconfigured
from taskflow_hub.domain.key_expressions import fields_of, key_of
from taskflow_hub.domain.model import TaskType
from taskflow_hub.domain.submission import MAX_LIMITS, Limit

NO_PAYLOAD: Final[Mapping[str, Raw]] = {}
_top: Final = msgspec.json.Decoder(dict[str, Raw]).decode


def check_stated(type: str, limits: Sequence[Limit]) -> None:
    """What can be said without the payload's schema. Raises Misconfigured naming the type and the key."""
    if len(limits) > MAX_LIMITS:
        raise Misconfigured(
            f"task type {type!r}: it has {len(limits)} limits, at most {MAX_LIMITS} are allowed"
        )
    seen: set[str] = set()
    for limit in limits:
        if limit.key in seen:
            raise _wrong(type, limit, "it stands twice; name a key once")
        seen.add(limit.key)
        if limit.running is None and limit.per_second is None:
            raise _wrong(type, limit, "say how many may run, how many may start per second, or both")
        try:
            fields_of(limit.key)
        except ValueError as error:
            raise _wrong(type, limit, str(error)) from None


def check_declared(declared: TaskType) -> None:
    """The type's limits against the fields that it has. Raises Misconfigured naming the type and the key."""
    if not declared.limits:
        return
    check_stated(declared.type, declared.limits)
    secret, known = _tops(declared.secret), _known_fields(declared.payload_schema)
    for limit in declared.limits:
        for name in fields_of(limit.key):
            if secret & {name, "*"}:
                raise _wrong(
                    declared.type, limit, f"{name} is secret or has secrets in it, and keys are shown"
                )
            if known is not None and name not in known:
                raise _wrong(
                    declared.type,
                    limit,
                    f"the payload has no field {name!r}; it has {', '.join(sorted(known)) or 'none'}",
                )


def merged(
    stated: Sequence[Limit],
    own: Sequence[Limit],
    payload: bytes,
    *,
    type: str,
    secret: Iterable[str],
    at: str,
) -> tuple[Limit, ...]:
    """All limits of a task: its `own` first, as its submit names them, and then those that its type has `stated`.

    Where both name a key, a number of the submit's goes before the type's. Where two of the type's come out as one key, both
    hold: the lower number does. `payload` is a JSON object, in the clear; `at` the submission's pointer. Raises Invalid.
    """
    fields = _top(payload) if any("{" in limit.key for limit in stated) else NO_PAYLOAD
    hidden = _tops(secret)
    keyed: dict[str, Limit] = {}
    for limit in stated:
        key = key_of(limit.key, fields, f"{at}/payload", secret=hidden)
        keyed[key] = (
            _lower(key, limit, keyed[key]) if key in keyed else Limit(key, limit.running, limit.per_second)
        )
    result = tuple([_before(limit, keyed.pop(limit.key, limit)) for limit in own]) + tuple(keyed.values())
    if len(result) > MAX_LIMITS:
        raise Invalid.field(
            f"{at}/limits",
            f"with those that {type} has by itself these are {len(result)} limits, at most {MAX_LIMITS} are allowed",
        )
    return result


def _before(first: Limit, second: Limit) -> Limit:
    return Limit(
        first.key,
        second.running if first.running is None else first.running,
        second.per_second if first.per_second is None else first.per_second,
    )


def _lower(key: str, one: Limit, other: Limit) -> Limit:
    return Limit(
        key,
        min([number for number in (one.running, other.running) if number is not None], default=None),
        min([number for number in (one.per_second, other.per_second) if number is not None], default=None),
    )


def _tops(paths: Iterable[str]) -> frozenset[str]:
    """The fields at the top of a payload that these paths lead into."""
    return frozenset([path.split("/")[1].replace("~1", "/").replace("~0", "~") for path in paths])


def _known_fields(schema: Mapping[str, Any]) -> frozenset[str] | None:
    """None: there may be others, too."""
    if schema.get("additionalProperties") is not False or schema.get("patternProperties"):
        return None
    return frozenset(schema.get("properties", ()))


def _wrong(type: str, limit: Limit, why: str) -> Misconfigured:
    return Misconfigured(f"task type {type!r}: limit {limit.key!r}: {why}")
