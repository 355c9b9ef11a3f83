"""One kind of work as a worker knows it: the function, how it runs, and what its payload must look like."""

import functools
import inspect
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Raw

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import FieldError, Invalid, Misconfigured
from taskflow_hub.domain.model import TaskType, Terms
from taskflow_hub.domain.secret_fields import paths_in, secret_at, values_at, without_examples
from taskflow_hub.domain.type_limits import check_declared
from taskflow_hub.worker import reference, signature

EMPTY_PAYLOADS = (b"{}", b"null")


class Kind(StrEnum):
    ASYNC = "async"  # on the event loop
    THREAD = "thread"
    PROCESS = "process"


class Handler:
    """A registered function. Annotations are resolved, and schemas made, when something first asks for them."""

    def __init__(self, function: Callable[..., Any], declared: TaskType, *, cpu: bool) -> None:
        self.type = declared.type
        self.function = function
        self.kind = _kind(declared.type, function, cpu=cpu)
        self._declared = declared
        self._parameters = signature.parameters(declared.type, function)
        self._parts: dict[frozenset[str], Any] = {}  # adapters, by the fields that they know
        self.reference = reference.refer(declared.type, function) if cpu else None

    def __repr__(self) -> str:
        return f"<Handler {self.type} ({self.kind})>"

    @cached_property
    def task_type(self) -> TaskType:
        """What a worker says of this type when it registers. Raises Misconfigured when the handler cannot be described."""
        schema = signature.payload_schema(self.type, self._adapter)
        result = signature.result_schema(self._hints.get("return", signature.EMPTY))
        described = msgspec.structs.replace(
            self._declared,
            payload_schema=without_examples(schema),
            result_schema=without_examples(result),
            secret=signature.secret_paths(self.type, schema),
        )
        check_declared(described)
        return described

    @property
    def secret(self) -> tuple[str, ...]:
        """The fields of its payload that are secret. Raises Misconfigured when the handler cannot be described."""
        return self.task_type.secret

    def secret_values(self, arguments: Mapping[str, Any]) -> list[Any]:
        """What it is called with in its secret fields, defaults included."""
        return list(values_at(arguments, self._secret_names))

    @cached_property
    def _secret_names(self) -> tuple[str, ...]:
        """The secret fields by the names that Python has for them, instead of their aliases."""
        return paths_in(signature.payload_schema(self.type, self._adapter, by_alias=False))

    @cached_property
    def terms(self) -> Terms:
        """What a task of this type is given when it is submitted. Raises Misconfigured as `task_type`."""
        return Terms(self.task_type.secret, self.task_type.limits)

    @cached_property
    def context_name(self) -> str | None:
        """The parameter that takes the Context."""
        return signature.context_parameter(self.type, self._parameters, self._hints)

    @cached_property
    def read_payload(self) -> Callable[[Raw], dict[str, Any]]:
        """Turns a payload into the handler's arguments, defaults included. Raises Invalid, naming each field."""
        adapter = self._adapter
        if adapter is None:
            return _read_nothing
        validate_json = adapter.validator.validate_json

        def read(payload: Raw) -> dict[str, Any]:
            try:
                arguments: dict[str, Any] = validate_json(bytes(payload)).__dict__
            except ValueError as error:
                raise self._unfit(error) from None
            return arguments

        return read

    def write_payload(self, arguments: Mapping[str, Any]) -> Raw:
        """JSON of a payload with just these arguments. Raises Invalid, naming each field."""
        return self._written(self._adapter, arguments)

    def write_part(self, arguments: Mapping[str, Any]) -> dict[str, Raw]:
        """Some arguments, each as JSON, by the names that they have in a payload; what else a payload needs is not asked for.

        Raises Invalid, naming each field.
        """
        names = frozenset(arguments)
        if names not in self._parts:
            fields = {name: each for name, each in self._parameters.items() if name in names}
            self._parts[names] = signature.payload_adapter(self.type, fields, self._hints) if fields else None
        return msgspec.json.decode(self._written(self._parts[names], arguments), type=dict[str, Raw])

    def field_of(self, parameter: str) -> str:
        """How a parameter is called in a payload."""
        return signature.written_as(parameter, self._parameters[parameter], self._hints)

    def _written(self, adapter: Any, arguments: Mapping[str, Any]) -> Raw:
        if adapter is None:
            return _write_nothing(arguments)
        try:
            valid = adapter.validate_python(dict(arguments))
            given = adapter.dump_python(valid, mode="json", include=set(arguments), by_alias=True)
            if self.secret:  # pydantic writes stars for a SecretStr
                as_it_is = adapter.dump_python(valid, mode="python", include=set(arguments), by_alias=True)
                given = _told(given, as_it_is)
        except ValueError as error:
            raise self._unfit(error) from None
        return jsontext.encode(given)

    def _unfit(self, error: ValueError) -> Invalid:
        """Of a secret it is not said why it does not fit: that says something of what it is."""
        return _invalid(error, self.secret)

    def check(self) -> None:
        """Resolve everything now. Raises Misconfigured for what would otherwise fail at the first attempt."""
        _ = self.task_type, self.context_name, self.read_payload
        if self.reference is not None:
            reference.check(self.type, self.function, self.reference)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        return signature.hints(self.type, self.function)

    @cached_property
    def _adapter(self) -> Any:
        fields = {key: each for key, each in self._parameters.items() if key != self.context_name}
        return signature.payload_adapter(self.type, fields, self._hints) if fields else None


def _kind(name: str, function: Callable[..., Any], *, cpu: bool) -> Kind:
    plain: Any = function
    while isinstance(plain, functools.partial):
        plain = plain.func
    called = plain if inspect.isroutine(plain) else getattr(plain, "__call__", None)  # noqa: B004 (an object with __call__)
    if called is None or inspect.isclass(plain):
        raise Misconfigured(f"task type {name!r}: a handler must be a function, not {function!r}")
    if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
        raise Misconfigured(f"task type {name!r}: a handler returns one value, so it cannot be a generator")
    if inspect.iscoroutinefunction(called):
        if cpu:
            raise Misconfigured(
                f"task type {name!r}: cpu=True runs in a child process, so the handler must be a plain `def`"
            )
        return Kind.ASYNC
    return Kind.PROCESS if cpu else Kind.THREAD


def _read_nothing(payload: Raw) -> dict[str, Any]:
    if payload not in _EMPTY:
        _write_nothing(_object(payload))
    return {}


def _write_nothing(arguments: Mapping[str, Any]) -> Raw:
    if arguments:
        raise _bad_fields([FieldError(f"/{name}", "this handler takes no such field") for name in arguments])
    return _EMPTY[0]


def _object(payload: Raw) -> dict[str, Any]:
    try:
        return msgspec.json.decode(payload, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise _bad_fields([FieldError("", str(error))]) from error


def _told(written: Any, value: Any) -> Any:
    """What pydantic has written, with what a SecretStr or SecretBytes holds instead of its stars."""
    match written, value:
        case str(), _ if hasattr(value, "get_secret_value"):
            held = value.get_secret_value()
            return held.decode() if isinstance(held, bytes) else held
        case dict(), dict() if len(written) == len(value):
            return {
                name: _told(part, inner)
                for (name, part), inner in zip(written.items(), value.values(), strict=True)
            }
        case list(), list() | tuple() if len(written) == len(value):
            return [_told(part, inner) for part, inner in zip(written, value, strict=True)]
    return written


def _invalid(error: ValueError, secret: tuple[str, ...]) -> Invalid:
    """A pydantic ValidationError, or what a validator of the user's raised, with a pointer to each field."""
    details: list[dict[str, Any]] = (
        error.errors(include_url=False, include_context=False, include_input=False)
        if hasattr(error, "errors")
        else []
    )
    if not details:
        return _bad_fields([FieldError("", str(error))])
    return _bad_fields([_field_error(each["loc"], each["type"], each["msg"], secret) for each in details])


def _field_error(
    where: tuple[int | str, ...], kind: str, message: str, secret: tuple[str, ...]
) -> FieldError:
    place = secret_at(where, secret) if secret and kind != "missing" else None
    if place is None:
        return FieldError(_pointer(where), message)
    return FieldError(place, f"is secret, and does not fit ({kind})")


def _pointer(where: tuple[int | str, ...]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in where)


def _bad_fields(errors: list[FieldError]) -> Invalid:
    words = "; ".join(f"{each.pointer or '/'}: {each.detail}" for each in errors)
    return Invalid(words, errors=errors)


_EMPTY = tuple(map(Raw, EMPTY_PAYLOADS))
