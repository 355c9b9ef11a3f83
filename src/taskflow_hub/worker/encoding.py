"""What a handler gives, as JSON: msgspec for what it knows, pydantic for the rest, under its aliases as in its schema."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class NotEncodable(Exception):
    """The value has no JSON form."""


def encode(result: object) -> bytes:
    """JSON of a result. Raises NotEncodable, naming the reason, whatever went wrong inside."""
    serializer = _serializer(result)
    if serializer is None:
        return _tried(lambda: _encoder.encode(result))
    return _tried(lambda: bytes(serializer.to_json(result, by_alias=True)))


def plain(value: object) -> Any:
    """What `encode` writes, before it is text: in a text NaN would be null. Raises NotEncodable as that does."""
    serializer = _serializer(value)
    if serializer is None:
        return _tried(lambda: msgspec.to_builtins(value, str_keys=True, enc_hook=_plain))
    return _tried(lambda: serializer.to_python(value, mode="json", by_alias=True))


def _serializer(value: object) -> Any:
    """A model's own, or its dataclass's."""
    return getattr(type(value), "__pydantic_serializer__", None)


def _tried(write: Callable[[], T]) -> T:
    try:
        return write()
    except RecursionError as error:
        raise NotEncodable("it contains itself, or is nested too deeply") from error
    except Exception as error:
        raise NotEncodable(f"{type(error).__name__}: {error}") from error


def _plain(value: object) -> Any:
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else _by_pydantic(value)


def _by_pydantic(value: object) -> Any:
    from pydantic_core import to_jsonable_python  # late: a child process may never need it

    return to_jsonable_python(value)


_encoder = msgspec.json.Encoder(enc_hook=_by_pydantic)
