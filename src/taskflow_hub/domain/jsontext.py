"""JSON from outside, turned into values or into an error that names the field.

msgspec does the work: strict JSON, one pass, no partial result. Only when it refuses do we look again, slowly, to say where.
What is asked of every text is asked in C, over the bytes: whoever sends a large one must not hold up the others.
"""

import gc
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from itertools import accumulate
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from taskflow_hub.domain.errors import FieldError, Invalid, TaskflowError, Undecodable
from taskflow_hub.domain.shapes import IN_WORDS

# Handlers decode deeper in their stack than we do, so what is accepted must be far from any limit.
MAX_DEPTH: Final = 100
MAX_DIGITS: Final = 4_300  # of an integer that msgspec reads
LONG: Final = 65_536  # a text from here on is not read while others wait
LOOKED_AT: Final = (
    1_048_576 + LONG
)  # the largest payload and what stands around it: no longer text is looked at slowly

T = TypeVar("T")
_PATH = re.compile(r" - at `(?P<path>(?:key in )?\$[^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_SHAPES: Final = {f"Expected `str` matching regex {known!r}": words for known, words in IN_WORDS.items()}
_NUL_ESCAPE: Final = b"\\u0000"
_COLON_ESCAPE: Final = b"\\u003"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SLOWLY: Final = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=msgspec.to_builtins
)
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # as signed bytes: one level down, one up
_NO_BRACKET: Final = bytes(set(range(256)) - set(b"[{]}"))


def decode(decoder: msgspec.json.Decoder[T], body: bytes, pointer: str = "") -> T:
    """Decode a request body, or the part of it that stands at `pointer`. What the decoder leaves Raw, only `decode_any` checks.

    Raises Undecodable (not JSON at all) or Invalid; both carry the pointer of the field where one can be named.
    """
    _refuse_other_than_utf8(body, pointer)
    _refuse_nul(body, pointer)
    return outline(decoder, body, pointer)


def outline(decoder: msgspec.json.Decoder[T], body: bytes, pointer: str = "") -> T:
    """As `decode`, of a body whose parts are decoded later and checked then."""
    return _decode(decoder.decode, body, pointer, decoder.type)


def encode(value: object, pointer: str = "") -> msgspec.Raw:
    """JSON text of what a program gives. Raises Invalid for what JSON cannot carry.

    msgspec is ten times as fast, and turns NaN into null: so what it writes is taken where no null is in it.
    """
    try:
        quick = msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass  # the slow way knows more, or can say what is wrong
    else:
        if b"null" not in quick:
            return msgspec.Raw(quick)
    try:
        return msgspec.Raw(_SLOWLY.encode(value).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise Invalid.field(pointer, f"cannot be written as JSON: {error}") from None


def decode_any(body: bytes, pointer: str = "") -> Any:
    """Decode text of unknown shape, as `decode` does; `pointer` is where it stands in the request."""
    _refuse_other_than_utf8(body, pointer)
    check_text(body, pointer)
    return _decode(msgspec.json.decode, body, pointer)


def _decode(read: Callable[[bytes], T], body: bytes, pointer: str, wanted: Any = Any) -> T:
    try:
        return _at_a_stretch(read, body)
    except msgspec.ValidationError as error:
        found = from_validation(error, pointer, wanted)
        if "out of range" in found.detail:  # of a number that may be anywhere, msgspec does not say where
            number = _find(_loosely(body), lambda text: isinstance(text, _TooLarge), pointer)
            found = found if number is None else Invalid.field(number, "is a number out of range")
        raise found from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _diagnose(body, str(error), pointer) from None
    except RecursionError:
        raise _too_deep(pointer) from None


def check_text(body: bytes, pointer: str = "") -> None:
    """Refuse what would be valid JSON and yet harm later: nesting beyond MAX_DEPTH, and NUL in a string."""
    check_depth(body, pointer)
    _refuse_nul(body, pointer)


def check_depth(body: bytes, pointer: str = "", *, within: int = 0) -> None:
    """`within`: so many levels will stand around it."""
    most = MAX_DEPTH - within
    if body.count(b"[") + body.count(b"{") > most and _depth(body) > most:
        raise _too_deep(pointer)


def _too_deep(pointer: str) -> Invalid:
    return Invalid.field(pointer, f"is nested deeper than {MAX_DEPTH} levels")


def _refuse_other_than_utf8(body: bytes, pointer: str) -> None:
    """Before all else: what is no text has no fields that could be wrong. A decoder would not look into what it leaves Raw."""
    if not (body.isascii() or _is_utf8(body)):
        raise _not_utf8(_loosely(body), pointer)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_utf8(loose: Any, pointer: str) -> Undecodable:
    where = _find(loose, _has_surrogate, pointer)
    found = FieldError(pointer if where is None else where, "contains bytes that are not UTF-8")
    return Undecodable("The body is not valid JSON: it is not UTF-8.", errors=[found])


def _refuse_nul(body: bytes, pointer: str) -> None:
    """Read from the left, backslashes pair off; an escape that is still there then is one."""
    if _NUL_ESCAPE in body and _NUL_ESCAPE in body.replace(rb"\\", b""):
        found = _find(_loosely(body), lambda text: "\0" in text, pointer)
        if found is not None or len(body) > LOOKED_AT:
            raise Invalid.field(found or pointer, "contains a NUL character (U+0000)")


def duplicate(body: bytes) -> str | None:
    """The pointer of the first name that stands twice in one object; None also for what `decode_any` refuses.

    Written again, a text with duplicates has fewer colons: each member that was dropped took one along.
    """
    try:
        again = msgspec.json.encode(_at_a_stretch(msgspec.json.decode, body))
    except OverflowError:  # an integer of more than 64 bits
        pass
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    else:
        if again.count(b":") == _colons(body):
            return None
    return _duplicate(_loosely(body))


def _colons(body: bytes) -> int:
    """Those between names and values, and those in text, written as they are or as an escape."""
    if _COLON_ESCAPE not in body:
        return body.count(b":")
    paired = body.replace(rb"\\", b"")
    return paired.count(b":") + paired.count(b"\\u003a") + paired.count(b"\\u003A")


def canonical(body: bytes) -> bytes:
    """The same for all that mean the same: spacing and the order of members are gone. A text that cannot be read stays."""
    try:
        return msgspec.json.encode(_at_a_stretch(msgspec.json.decode, body), order="sorted")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError):
        return body


def _at_a_stretch(read: Callable[[bytes], T], text: bytes) -> T:
    """`read(text)`. A decoder makes no garbage, and the collector would walk what it builds again and again."""
    if len(text) <= LONG or not gc.isenabled():
        return read(text)
    gc.disable()
    try:
        return read(text)
    finally:
        gc.enable()


def from_validation(error: msgspec.ValidationError, pointer: str = "", wanted: Any = Any) -> Invalid:
    """msgspec's "Expected `int` <= 9 - at `$.priority`" as our error with the pointer /priority.

    `wanted` is the type that was to be read; with it an error says which words an enum has.
    """
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
    if detail.startswith("Invalid enum value") and (words := _words(wanted, path)):
        return Invalid.field(at, f"must be one of {', '.join(words)}")
    return Invalid.field(at, _SHAPES.get(detail) or detail[:1].lower() + detail[1:])


def _words(wanted: Any, path: str) -> list[str]:
    """The members of the enum that stands at `path` in the type; none where there is no enum."""
    here = _alternatives(inspect.type_info(wanted))
    for name, _ in _STEP.findall(path):
        if name:
            fields = [
                field for one in here for field in getattr(one, "fields", ()) if field.encode_name == name
            ]
            inner = [field.type for field in fields]
        else:
            inner = [one.item_type for one in here if hasattr(one, "item_type")]
        here = [one for type_ in inner for one in _alternatives(type_)]
    return [str(member.value) for one in here if isinstance(one, inspect.EnumType) for member in one.cls]


def _alternatives(type_: inspect.Type) -> list[Any]:
    return [*type_.types] if isinstance(type_, inspect.UnionType) else [type_]


def _pointer(path: str) -> str:
    """As far as the path is told: "..." stands for some member of an object."""
    known = path.split("$", 1)[1].split("[...]", 1)[0]
    return "".join(f"/{_escape(name or index)}" for name, index in _STEP.findall(known))


def _escape(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _depth(body: bytes) -> int:
    """The deepest nesting, by adding up brackets outside strings; needs no stack, so any depth is safe."""
    outside = body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
    steps = b"".join(outside).translate(_STEPS, _NO_BRACKET)
    return max(accumulate(memoryview(steps).cast("b")), default=0)


class _NotANumber(str):
    """Stands for NaN or Infinity, which Python's json accepts and JSON does not have."""


class _TooLarge(str):
    """Stands for a number that msgspec does not read."""


class _Object(list[tuple[str, Any]]):
    """An object's members, all of them: of two with one name a dict would forget the first."""


def _read_loosely(body: bytes) -> Any:
    text = body.decode("utf-8", "surrogateescape")
    return json.loads(
        text, parse_constant=_NotANumber, parse_int=_integer, parse_float=_float, object_pairs_hook=_Object
    )


def _integer(text: str) -> int | _TooLarge:
    return 0 if len(text) <= MAX_DIGITS else _TooLarge(text)


def _float(text: str) -> float | _TooLarge:
    number = float(text)
    return number if math.isfinite(number) else _TooLarge(text)


def _loosely(body: bytes) -> Any:
    """Numbers are of no interest, unless they are too large, so any will do; int() would refuse a very long one."""
    try:
        return _at_a_stretch(_read_loosely, body) if len(body) <= LOOKED_AT else None
    except (ValueError, RecursionError):
        return None


def _diagnose(body: bytes, message: str, pointer: str = "") -> TaskflowError:
    """Say which field made strict JSON refuse: bytes that are not UTF-8, a lone surrogate, NaN; else that it is not JSON."""
    if not body.strip():
        return Undecodable("The body is empty.", errors=[FieldError(pointer, "is empty; send JSON")])
    loose = _loosely(body)
    if not _is_utf8(body):
        return _not_utf8(loose, pointer)
    surrogate = _find(loose, _has_surrogate, pointer)
    if surrogate is not None:
        return Invalid.field(surrogate, "contains text that is not valid Unicode (a lone surrogate)")
    number = _find(loose, lambda text: isinstance(text, _NotANumber), pointer)
    if number is not None:
        return Undecodable(
            "The body is not valid JSON.", errors=[FieldError(number, "NaN and Infinity are not JSON")]
        )
    return Undecodable(f"The body is not valid JSON: {message}.", errors=[FieldError(pointer, message)])


def _has_surrogate(text: str) -> bool:
    """A lone one; to `_loosely`, also a byte that is not UTF-8."""
    return _SURROGATE.search(text) is not None


def _find(value: Any, bad: Any, pointer: str) -> str | None:
    """The pointer of the first string (or object key) that `bad` says yes to."""
    stack: list[tuple[str, Any]] = [(pointer, value)]
    while stack:
        at, item = stack.pop()
        match item:
            case str() if bad(item):
                return at
            case _Object():
                if any(bad(key) for key, _ in item):
                    return at
                stack.extend((f"{at}/{_escape(key)}", member) for key, member in reversed(item))
            case list():
                members = [(f"{at}/{index}", member) for index, member in enumerate(item)]
                stack.extend(reversed(members))
    return None


def _duplicate(document: Any) -> str | None:
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        at, item = stack.pop()
        match item:
            case _Object():
                if len({name for name, _ in item}) < len(item):
                    [(name, _)] = Counter(name for name, _ in item).most_common(1)
                    return f"{at}/{_escape(name)}"
                stack.extend(
                    (f"{at}/{_escape(name)}", member)
                    for name, member in reversed(item)
                    if isinstance(member, list)
                )
            case list():
                inner = [(f"{at}/{index}", one) for index, one in enumerate(item) if isinstance(one, list)]
                stack.extend(reversed(inner))
    return None
