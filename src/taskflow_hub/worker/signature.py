"""What a handler's signature says: which fields its payload has, and what its result looks like.

Each keyword parameter is a field of the payload; one optional parameter annotated `Context` is not. Parameters that a
`functools.partial` has bound are not fields either. Annotations may be strings; they are resolved when first needed, so
a handler may name a class that its module defines further down.
"""

import functools
import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.domain.outcomes import Fail, Retry, Snooze
from taskflow_hub.domain.secret_fields import paths_in
from taskflow_hub.worker.context import Context

if TYPE_CHECKING:  # pydantic is slow to import, and a child process has no need of it
    from pydantic import TypeAdapter

ANSWERS: Final = (Retry, Snooze, Fail)
EMPTY: Final = inspect.Parameter.empty


@dataclass(frozen=True, slots=True)
class NotWith:
    """Beside a parameter's type: who gives it does not give `other`. null is as good as nothing.

    The JSON Schema says so, and who submits both is refused. What was submitted before the type was known may still give
    both, and it is the handler that sees it.
    """

    other: str


def parameters(name: str, function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a handler that its caller gives by name. Raises Misconfigured for any it could not give so."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError) as error:
        raise Misconfigured(f"task type {name!r}: the handler has no readable signature: {error}") from error
    bound = function.keywords if isinstance(function, functools.partial) else {}
    found = {key: each for key, each in signature.parameters.items() if key not in bound}
    for each in found.values():
        match each.kind:
            case inspect.Parameter.VAR_POSITIONAL | inspect.Parameter.VAR_KEYWORD:
                raise Misconfigured(
                    f"task type {name!r}: parameter {each} is not allowed, a payload's fields are named"
                )
            case inspect.Parameter.POSITIONAL_ONLY:
                raise Misconfigured(f"task type {name!r}: parameter {each.name!r} must be usable by keyword")
    return found


def hints(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a handler, strings resolved. Raises Misconfigured when one cannot be."""
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function):
        function = type(function).__call__
    try:
        return get_type_hints(function, include_extras=True)
    except Exception as error:  # an annotation is the user's code: anything may go wrong in it
        raise Misconfigured(
            f"task type {name!r}: an annotation cannot be resolved: {error}; classes that a handler names must be "
            "importable from its module"
        ) from error


def is_context(annotation: object) -> bool:
    """Whether an annotation means the Context: itself, or `Context | None`."""
    if get_origin(annotation) is Annotated:
        return is_context(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return any(is_context(each) for each in get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, Context)


def context_parameter(
    name: str, found: Mapping[str, inspect.Parameter], known: Mapping[str, Any]
) -> str | None:
    takers = [key for key in found if is_context(known.get(key))]
    if len(takers) > 1:
        raise Misconfigured(
            f"task type {name!r}: only one parameter can be the Context, found {', '.join(takers)}"
        )
    return takers[0] if takers else None


def payload_adapter(
    name: str, fields: Mapping[str, inspect.Parameter], known: Mapping[str, Any]
) -> "TypeAdapter[Any]":
    """A validator whose instances carry the handler's arguments in `__dict__`; unknown fields are refused."""
    import pydantic

    columns: list[tuple[str, Any, Any]] = [
        (
            key,
            known.get(key, Any),
            field() if each.default is EMPTY else field(default=_default(each.default)),
        )
        for key, each in fields.items()
    ]
    apart: list[Any] = [
        _not_both(mark.other, key)
        for key in fields
        for mark in getattr(known.get(key), "__metadata__", ())
        if isinstance(mark, NotWith)
    ]
    config = pydantic.ConfigDict(
        extra="forbid", allow_inf_nan=False, json_schema_extra={"allOf": apart} if apart else None
    )
    namespace = {"__pydantic_config__": config, "__doc__": None}
    try:
        return pydantic.TypeAdapter(make_dataclass(name, columns, kw_only=True, namespace=namespace))
    except Exception as error:
        raise Misconfigured(
            f"task type {name!r}: its payload cannot be described: {_first_line(error)}; parameters need types that "
            "pydantic can read from JSON"
        ) from error


def written_as(name: str, parameter: inspect.Parameter, known: Mapping[str, Any]) -> str:
    """How a parameter is called in the JSON of a payload: pydantic's Field may give it an alias."""
    said = (parameter.default, *getattr(known.get(name), "__metadata__", ()))
    for one in said:
        for word in ("serialization_alias", "alias"):
            alias = getattr(one, word, None)
            if isinstance(alias, str):
                return alias
    return name


def _not_both(*names: str) -> dict[str, Any]:
    return {"not": {"required": [*names], "properties": {name: {"not": {"type": "null"}} for name in names}}}


def payload_schema(name: str, adapter: "TypeAdapter[Any] | None", *, by_alias: bool = True) -> dict[str, Any]:
    """The JSON Schema of the payload; `adapter` None: the handler takes none."""
    if adapter is None:
        return {"type": "object", "properties": {}, "additionalProperties": False, "title": name}
    try:
        schema = adapter.json_schema(by_alias=by_alias, schema_generator=_quiet_generator())
    except Exception as error:
        raise Misconfigured(
            f"task type {name!r}: its payload has no JSON Schema: {_first_line(error)}"
        ) from error
    return schema | {"title": name}


def secret_paths(name: str, schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that `Secret[…]` marks, and pydantic's SecretStr. Raises Misconfigured where they cannot be named."""
    try:
        return paths_in(schema)
    except ValueError as error:
        raise Misconfigured(f"task type {name!r}: {error}") from None


def result_schema(annotation: object) -> dict[str, Any]:
    """The JSON Schema of a return annotation, without the answers Retry, Snooze and Fail; {} where there is none to give."""
    import pydantic

    wanted = _without_answers(annotation)
    if wanted is EMPTY:
        return {}
    try:
        return pydantic.TypeAdapter(wanted).json_schema(
            mode="serialization", schema_generator=_quiet_generator()
        )
    except Exception:  # a result need not be describable, only encodable
        return {}


def _default(value: Any) -> Any:
    """Through pydantic's Field, for lists and dicts are no defaults of a dataclass; it copies them for each payload."""
    import pydantic
    from pydantic.fields import FieldInfo

    return value if isinstance(value, FieldInfo) else pydantic.Field(default=value)


def _without_answers(annotation: object) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        kept = tuple(each for each in map(_without_answers, get_args(annotation)) if each is not EMPTY)
        return Union[kept] if kept else EMPTY  # noqa: UP007 (made from a tuple)
    return EMPTY if annotation in ANSWERS else annotation


@functools.cache
def _quiet_generator() -> Any:
    from pydantic.json_schema import GenerateJsonSchema

    class Quiet(GenerateJsonSchema):
        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012 (pydantic declares it so)

    return Quiet


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
