"""Results of steps: written as JSON, and read again as what the step's function says it returns.

Also the first run gets what was read, so no attempt can tell whether a step has just been done or was kept long ago.
"""

import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw

from taskflow_hub.domain.errors import TooLarge
from taskflow_hub.domain.limits import STEP_RESULT_MAX
from taskflow_hub.worker.encoding import NotEncodable, encode

ANYTHING: Final = Any
_plain: Final = msgspec.json.Decoder().decode


def written(name: str, value: object) -> Raw:
    """Raises TypeError, TooLarge."""
    try:
        text = encode(value)
    except NotEncodable as error:
        raise TypeError(
            f"step {name!r}: its result, a {type(value).__name__}, has no JSON form: {error}"
        ) from error
    if len(text) > STEP_RESULT_MAX:
        raise TooLarge(
            f"Step {name!r}: its result has {len(text)} bytes of JSON, and at most {STEP_RESULT_MAX} are kept. "
            "Put it elsewhere, and return where it lies."
        )
    return Raw(text)


def read(name: str, function: Callable[..., Any], text: Raw) -> Any:
    """As the function's return annotation says, or as plain JSON values. Raises TypeError for what does not fit."""
    wanted = _returns(function)
    try:
        return _plain(text) if wanted is ANYTHING else _decode(wanted, text)
    except Exception as error:  # validators of the user's run here
        raise TypeError(f"step {name!r}: its result does not fit the annotation {wanted}: {error}") from error


def _decode(wanted: Any, text: Raw) -> Any:
    if hasattr(wanted, "__pydantic_validator__"):
        return _by_pydantic(wanted, _plain(text))
    return _decoder(wanted).decode(text)


def _returns(function: Callable[..., Any]) -> Any:
    """What it is annotated to return; ANYTHING where it is not, or nobody could tell."""
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isclass(function):
        return function
    plain = inspect.unwrap(function if inspect.isroutine(function) else type(function).__call__)
    return _annotated(getattr(plain, "__func__", plain))


@functools.lru_cache(maxsize=1_024)
def _annotated(function: Callable[..., Any]) -> Any:
    try:
        wanted = typing.get_type_hints(function, include_extras=True).get("return", ANYTHING)
        _decoder(wanted)
    except Exception:  # a name that stands nowhere, a type that is only promised: then it is plain JSON
        return ANYTHING
    return wanted


@functools.lru_cache(maxsize=1_024)
def _decoder(wanted: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(wanted, dec_hook=_by_pydantic)


def _by_pydantic(wanted: Any, value: Any) -> Any:
    """What msgspec does not know: models, paths."""
    from pydantic import TypeAdapter  # late: a child process may never need it

    return TypeAdapter(wanted).validate_json(msgspec.json.encode(value))
