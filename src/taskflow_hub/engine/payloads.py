"""Does a payload fit its task type? Asked at submit, where the answer still reaches whoever made the mistake."""

import asyncio
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, TypeVar

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind as Kind

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import FieldError, Invalid, TooLarge
from taskflow_hub.domain.model import TaskType
from taskflow_hub.domain.secret_fields import refuse_reserved, secret_at

MAX_PAYLOAD: Final = 1_048_576
MAX_ERRORS: Final = 20  # of one payload, so that a hostile one cannot make a large answer
MAX_DETAIL: Final = 300
REQUIRED: Final = "is required"
UNKNOWN: Final = "is not a known field"
TOGETHER: Final = "cannot be given together with"
_OF_NAMES: Final = frozenset({REQUIRED, UNKNOWN})  # true whatever the value is
Format = Callable[[str], str | None]  # what is wrong with the text, or None
T = TypeVar("T")


async def beside(size: int, work: Callable[[], T]) -> T:
    """`work()` on `size` bytes of JSON: at once, or in a thread if that takes long enough for others to notice."""
    return work() if size <= jsontext.LONG else await asyncio.to_thread(work)


class Payloads:
    """Checks payloads against JSON Schemas; `formats` are ours, and explain themselves in their own words."""

    def __init__(self, formats: Mapping[str, Format]) -> None:
        self._formats = formats
        self._validators: dict[str, tuple[dict[str, Any], jsonschema_rs.Validator]] = {}

    def check(
        self, payload: bytes, declared: TaskType | None, at: str, *, holes: Collection[str] = ()
    ) -> None:
        """`at` is the payload's pointer in the request; at the pointers in `holes` a null stands for what is not known yet.

        Raises TooLarge, or Invalid naming each field that is wrong.
        """
        if len(payload) > MAX_PAYLOAD:
            raise TooLarge(
                f"{at}: The payload has {len(payload)} bytes; at most {MAX_PAYLOAD} are allowed.",
                errors=[FieldError(at, f"has more than {MAX_PAYLOAD} bytes")],
            )
        value = jsontext.decode_any(payload, at)
        if not isinstance(value, dict):
            raise Invalid.field(at, "must be a JSON object: its members are the handler's parameters")
        refuse_reserved(payload, value, at)
        if declared is not None and declared.payload_schema:
            validator = self._validator(declared)
            if not validator.is_valid(value):
                errors = self._errors(validator, value, at, declared.secret, holes)
                if not errors:  # what is wrong is only that something is not known
                    return
                raise Invalid(f"{errors[0].pointer}: {errors[0].detail}", errors=errors)

    def _validator(self, declared: TaskType) -> jsonschema_rs.Validator:
        schema, validator = self._validators.get(declared.type, (None, None))
        if validator is None or schema != declared.payload_schema:
            validator = jsonschema_rs.validator_for(
                declared.payload_schema,
                formats={name: _passes(check) for name, check in self._formats.items()},
                validate_formats=True,
                retriever=_refuse,
                mask="the value",  # what somebody sent may be secret
            )
            self._validators[declared.type] = declared.payload_schema, validator
        return validator

    def _errors(
        self,
        validator: jsonschema_rs.Validator,
        payload: Any,
        at: str,
        secret: tuple[str, ...],
        holes: Collection[str],
    ) -> list[FieldError]:
        """At most one per field, MAX_ERRORS in all; where one of our own formats has something to say, that.

        Of a secret it is said that it does not fit, but not why: what is wrong in it says something of what it is.
        """
        found: dict[str, str] = {}
        for error in validator.iter_errors(payload):
            own = self._own_words(error)
            for pointer, detail in [own] if own else _explain(error):
                if (
                    holes
                    and not (detail in _OF_NAMES or detail.startswith(TOGETHER))
                    and _touches(pointer, holes)
                ):
                    continue
                if (
                    secret
                    and detail != REQUIRED
                    and (place := secret_at(_steps(pointer), secret)) is not None
                ):
                    pointer, detail = place, "is secret, and does not fit what the type says of it"
                if own or pointer not in found:
                    found[pointer] = detail
            if len(found) >= MAX_ERRORS:
                break
        return [FieldError(at + pointer, detail) for pointer, detail in list(found.items())[:MAX_ERRORS]]

    def _own_words(self, error: jsonschema_rs.ValidationError) -> tuple[str, str] | None:
        """(pointer, what is wrong), if what does not fit is a format of ours: a value's, or that of a member's name."""
        at = error.instance_path
        if isinstance(error.kind, Kind.PropertyNames):
            error = error.kind.error
            at = [*at, str(error.instance)]
        if not isinstance(error.kind, Kind.Format) or not isinstance(error.instance, str):
            return None
        check = self._formats.get(error.kind.format)
        reason = check(error.instance) if check else None
        return None if reason is None else (_pointer(at), reason)


def _explain(error: jsonschema_rs.ValidationError) -> Iterator[tuple[str, str]]:
    """(pointer, what is wrong): a missing or unknown member is named itself, not the object around it."""
    at = error.instance_path
    match error.kind:
        case Kind.AdditionalProperties(unexpected=names):
            yield from ((_pointer([*at, name]), UNKNOWN) for name in names)
        case Kind.PropertyNames(error=of):
            yield _pointer([*at, str(of.instance)]), f"is no name for a field: {of.message}"[:MAX_DETAIL]
        case Kind.Not(schema={"required": [*others, last]}) if others:
            yield (
                _pointer([*at, str(last)]),
                f"{TOGETHER} {' and '.join(map(str, others))}"[:MAX_DETAIL],
            )
        case Kind.Required(property=name):
            yield _pointer([*at, str(name).strip('"')]), REQUIRED
        case Kind.Enum(options=options):
            yield _pointer(at), f"must be one of {json.dumps(options, ensure_ascii=False)[1:-1]}"[:MAX_DETAIL]
        case Kind.AnyOf(context=branches):
            other = [
                [of.kind.types for of in branch if isinstance(of.kind, Kind.Type) and of.instance_path == at]
                for branch in branches
            ]
            meant = [branch for branch, types in zip(branches, other, strict=True) if not types]
            if len(meant) == 1:  # the others are of another type, such as null
                for of in meant[0]:
                    yield from _explain(of)
            elif not meant:
                names = [name for types in other for name in types[0]]
                yield _pointer(at), f"must be of type {' or '.join(names)}"
            else:
                yield _pointer(at), "fits none of the forms that are allowed"
        case _:
            yield _pointer(at), error.message[:MAX_DETAIL]


def _touches(pointer: str, places: Collection[str]) -> bool:
    """Whether one of the places is this one, lies in it, or has it in itself."""
    return any(f"{one}/".startswith(f"{pointer}/") or f"{pointer}/".startswith(f"{one}/") for one in places)


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _refuse(uri: str) -> Any:
    """A schema is what a worker declared; it sends the hub nowhere."""
    raise ValueError(f"a schema may not refer to {uri}")


def _passes(check: Format) -> Callable[[str], bool]:
    return lambda text: check(text) is None
