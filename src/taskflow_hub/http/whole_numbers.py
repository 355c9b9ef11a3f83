"""6.0 is an integer in JSON Schema, and some languages write 6 like that; our decoder takes it for a float.

So a body that was refused for it is written anew, with whole numbers as integers. A payload is not ours to touch: there, and
everywhere else, numbers keep the characters they came with.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw

from taskflow_hub.domain.errors import Invalid

_EXACT: Final = 2.0**53  # up to here a float stands for one integer only
_UNTOUCHED: Final = "payload"
_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])
_ITEMS: Final = msgspec.json.Decoder(list[Raw])


def could_help(refusal: Invalid) -> bool:
    return any("`int" in error.detail and error.detail.endswith("got `float`") for error in refusal.errors)


def with_whole_numbers(body: bytes) -> bytes:
    """The same JSON; `body` is known not to be deep. If it turns out to be none further on, it stays as it is."""
    try:
        return msgspec.json.encode(_whole(body.strip()))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return body


def _whole(text: bytes) -> Any:
    match text[:1]:
        case b"{":
            members = _MEMBERS.decode(text).items()
            return {name: one if name == _UNTOUCHED else _whole(bytes(one)) for name, one in members}
        case b"[":
            return [_whole(bytes(one)) for one in _ITEMS.decode(text)]
        case first if first in b"-0123456789":
            number = float(text)
            return int(number) if number.is_integer() and abs(number) <= _EXACT else Raw(text)
        case _:
            return Raw(text)
