"""JSON from outside, turned into values or into an error that names the field.

msgspec does the work: strict JSON, one pass, no partial result. Only when it refuses do we look again, slowly, to say where.
"""

import json
import re
from typing import Any, Final, TypeVar

import msgspec

from taskflow_hub.domain.errors import FieldError, Invalid, TaskflowError, Undecodable

MAX_DEPTH: Final = (
    100  # handlers decode deeper in their stack than we do, so what is accepted must be far from any limit
)

T = TypeVar("T")
_PATH = re.compile(r" - at `(?P<path>(?:key in )?\$[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_NUL_ESCAPE: Final = b"\\u0000"


def decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """Decode a request body.

    Raises Undecodable (not JSON at all) or Invalid; both carry the pointer of the field where one can be named.
    """
    check_text(body)
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise from_validation(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _diagnose(body, str(error)) from None


def decode_any(body: bytes, pointer: str = "") -> Any:
    """Decode text of unknown shape, as `decode` does; `pointer` is where it stands in the request."""
    check_text(body, pointer)
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _diagnose(body, str(error), pointer) from None


def check_text(body: bytes, pointer: str = "") -> None:
    """Refuse what would be valid JSON and yet harm later: nesting beyond MAX_DEPTH, and NUL in a string."""
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise Invalid.field(pointer, f"is nested deeper than {MAX_DEPTH} levels")
    if _NUL_ESCAPE in body:
        found = _find(_loosely(body), lambda text: "\0" in text, pointer)
        if found is not None:
            raise Invalid.field(found, "contains a NUL character (U+0000)")


def from_validation(error: msgspec.ValidationError, pointer: str = "") -> Invalid:
    """msgspec's "Expected `int` <= 9 - at `$.priority`" as our error with the pointer /priority."""
    message = str(error)
    where = _PATH.search(message)
    detail = message[: where.start()] if where else message
    path = where["path"] if where else "$"
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", detail, re.DOTALL)
    missing = re.fullmatch(r"Object missing required field `(.*)`", detail, re.DOTALL)
    at = pointer + _pointer(path)
    if unknown:
        return Invalid.field(f"{at}/{_escape(unknown[1])}", "is not a known field")
    if missing:
        return Invalid.field(f"{at}/{_escape(missing[1])}", "is required")
    return Invalid.field(at, detail[:1].lower() + detail[1:])


def _pointer(path: str) -> str:
    return "".join(f"/{_escape(name or index)}" for name, index in _STEP.findall(path.split("$", 1)[1]))


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _depth(body: bytes) -> int:
    """The deepest nesting, by counting brackets outside strings; needs no stack, so any depth is safe."""
    depth = deepest = 0
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', body, re.DOTALL):
        match token[0]:
            case b"[" | b"{":
                depth += 1
                deepest = max(deepest, depth)
            case b"]" | b"}":
                depth -= 1
    return deepest


class _NotANumber(str):
    """Stands for NaN or Infinity, which Python's json accepts and JSON does not have."""


def _loosely(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8", "surrogateescape"), parse_constant=_NotANumber)
    except (ValueError, RecursionError):
        return None


def _diagnose(body: bytes, message: str, pointer: str = "") -> TaskflowError:
    """Say which field made strict JSON refuse: a lone surrogate, bytes that are not UTF-8, NaN; else that it is not JSON."""
    loose = _loosely(body)
    surrogate = _find(loose, lambda text: any("\ud800" <= char <= "\udfff" for char in text), pointer)
    if surrogate is not None:
        return Invalid.field(
            surrogate,
            "contains text that is not valid Unicode (a lone surrogate, or bytes that are not UTF-8)",
        )
    number = _find(loose, lambda text: isinstance(text, _NotANumber), pointer)
    if number is not None:
        return Undecodable(
            "The body is not valid JSON.", errors=[FieldError(number, "NaN and Infinity are not JSON")]
        )
    return Undecodable(f"The body is not valid JSON: {message}.", errors=[FieldError(pointer, message)])


def _find(value: Any, bad: Any, pointer: str) -> str | None:
    """The pointer of the first string (or object key) that `bad` says yes to."""
    stack: list[tuple[str, Any]] = [(pointer, value)]
    while stack:
        at, item = stack.pop()
        match item:
            case str() if bad(item):
                return at
            case dict():
                for key, member in item.items():
                    if bad(key):
                        return at
                    stack.append((f"{at}/{_escape(key)}", member))
            case list():
                stack.extend((f"{at}/{index}", member) for index, member in enumerate(item))
    return None
