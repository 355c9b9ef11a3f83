"""Key expressions: the limit keys that a task type states, with the payload's fields in them.

In `customer:{customer_id}` what stands in braces is a field of the payload, one at its top; `{{` and `}}` are braces. A key is
made of it when a task is submitted: a string, an integer or a boolean is written as it is in JSON, a string without its
quotes. Anything else, and a field that is missing, is refused: a task that escapes a limit is worse than one that has to be
submitted anew.
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Raw

from taskflow_hub.domain.errors import FieldError, Invalid
from taskflow_hub.domain.submission import LIMIT_KEY_PATTERN, MAX_LIMIT_KEY

_TOKEN: Final = re.compile(r"(?P<text>[^{}]+|\{\{|\}\})|\{(?P<field>[^{}]+)\}")
_KEY: Final = re.compile(LIMIT_KEY_PATTERN)
_VISIBLE: Final = re.compile(r"[!-~]*")
_INTEGER: Final = re.compile(rb"-?(?:0|[1-9][0-9]*)")
_text: Final = msgspec.json.Decoder(str).decode

Part = tuple[str, bool]  # a text, and whether it is the name of a field


@lru_cache(maxsize=1_024)
def parsed(expression: str) -> tuple[Part, ...]:
    """Raises ValueError, which says what is wrong with it."""
    parts: list[Part] = []
    at = 0
    while at < len(expression):
        token = _TOKEN.match(expression, at)
        if token is None:
            raise ValueError(
                f"{expression[at]!r} at character {at + 1} stands alone: a field is {{name}}, and a brace itself is "
                "written twice"
            )
        name = token["field"]
        parts.append(
            (token[0][:1] if token[0] in {"{{", "}}"} else token[0], False) if name is None else (name, True)
        )
        at = token.end()
    return tuple(parts)


def fields_of(expression: str) -> tuple[str, ...]:
    """The fields it names, each once, in their order. Raises ValueError as `parsed`."""
    return tuple(dict.fromkeys([text for text, is_field in parsed(expression) if is_field]))


def key_of(expression: str, payload: Mapping[str, Raw], at: str, *, secret: Collection[str] = ()) -> str:
    """The key for one payload, whose top is given; `at` is its pointer in the request, `secret` are fields that are not shown.

    `expression` has been found to be one. Raises Invalid naming each field that makes no key; it never says what stood there.
    """
    fields = fields_of(expression)
    written: dict[str, str] = {}
    refused: dict[str, str] = {}
    for name in fields:
        try:
            written[name] = _written(payload.get(name), hidden=name in secret)
        except ValueError as error:
            refused[name] = str(error)
    key = ""
    if not refused:
        key = "".join([written[text] if is_field else text for text, is_field in parsed(expression)])
        if len(key) > MAX_LIMIT_KEY:
            refused = dict.fromkeys(fields, f"makes a key of more than {MAX_LIMIT_KEY} characters")
        elif not _KEY.match(key):  # only an empty one is left
            refused = dict.fromkeys(fields, "makes an empty key")
    if refused:
        errors = [
            FieldError(f"{at}/{_escaped(name)}", f"{why}; a limit of the type names it: {expression}")
            for name, why in refused.items()
        ]
        raise Invalid("; ".join(f"{one.pointer}: {one.detail}" for one in errors), errors=errors)
    return key


def _written(value: Raw | None, *, hidden: bool) -> str:
    """As it stands in a key. Raises ValueError, which says why it cannot."""
    if hidden:
        raise ValueError("is secret, and keys are shown")
    if value is None:
        raise ValueError("is required")
    text = bytes(value).strip()
    if text in {b"true", b"false"}:
        return text.decode()
    if _INTEGER.fullmatch(text):
        return "0" if text == b"-0" else text.decode()
    if not text.startswith(b'"'):
        raise ValueError("must be a string, an integer or a boolean")
    try:
        string = _text(text)
    except msgspec.DecodeError:
        string = "\N{REPLACEMENT CHARACTER}"  # for half of one
    if not _VISIBLE.fullmatch(string):
        raise ValueError("must be visible ASCII characters, without spaces")
    return string


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
