"""A handler's result as JSON bytes: msgspec for what it knows, pydantic for the rest, under its aliases as in its schema."""

from typing import Any

import msgspec


class NotEncodable(Exception):
    """The result has no JSON form."""


def encode(result: object) -> bytes:
    """JSON of a result. Raises NotEncodable, naming the reason, whatever went wrong inside."""
    try:
        if (
            serializer := getattr(type(result), "__pydantic_serializer__", None)
        ) is not None:  # a model, or its dataclass
            data: bytes = serializer.to_json(result, by_alias=True)
            return data
        return _encoder.encode(result)
    except RecursionError as error:
        raise NotEncodable("it contains itself, or is nested too deeply") from error
    except Exception as error:
        raise NotEncodable(f"{type(error).__name__}: {error}") from error


def _by_pydantic(value: object) -> Any:
    from pydantic_core import to_jsonable_python  # late: a child process may never need it

    return to_jsonable_python(value)


_encoder = msgspec.json.Encoder(enc_hook=_by_pydantic)
