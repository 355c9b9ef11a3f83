"""JSON documents, as they are stored and read again."""

from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Raw

from taskflow_hub.domain.errors import Invalid

_check_json: Final = msgspec.json.Decoder(Raw).decode
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoder(shape: Any) -> msgspec.json.Decoder[Any]:
    """Made once per shape."""
    found = _decoders.get(shape)
    if found is None:
        found = _decoders[shape] = msgspec.json.Decoder(shape)
    return found


def to_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


policy_text = lru_cache(maxsize=256)(to_json)  # few policies, many tasks


def json_text(raw: Raw, pointer: str) -> str:
    """A document as it is stored. It must be JSON, or it would spoil every answer it becomes part of."""
    try:
        _check_json(raw)
        return bytes(raw).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid.field(pointer, f"not a JSON document: {error}") from error
