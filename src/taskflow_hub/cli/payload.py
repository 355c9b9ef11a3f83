"""JSON, as it is written on the command line: a payload, a workflow."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from msgspec import Raw

from taskflow_hub.cli.errors import OfDocument
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.jsontext import MAX_DEPTH, MAX_DIGITS, duplicate

PARAMETERS: Final = "a JSON object: its members are the handler's parameters"
OBJECT: Final = "a JSON object"
PAIRS: Final = "; write a JSON object, or pairs like key=text and key:=json"
_PAIR: Final = re.compile(r"([^\s:={\[\"@-][^:=]*)(:?=)(.*)", re.DOTALL)


def read(words: Sequence[str]) -> Raw:
    """`{"json": "object"}`, `-` (standard input), `@file`, or pairs: `key=text`, `key:=json`. Nothing is an empty object.

    Raises Invalid saying where the text stops being JSON.
    """
    return _read(words, _checked) if words else Raw(b"{}")


def read_anything(words: Sequence[str]) -> Raw:
    """The same for what may be any JSON, not only an object. Nothing is null."""
    return _read(words, _json) if words else Raw(b"null")


def _read(words: Sequence[str], checked: Callable[[str, str], Raw]) -> Raw:
    match list(words):
        case ["-"]:
            return checked(_decode(sys.stdin.buffer.read(), "standard input"), "standard input")
        case [word] if word.startswith("@"):
            return checked(_decode(_file(word[1:]), word[1:]), word[1:])
        case [word] if not _PAIR.fullmatch(word):
            return checked(
                word, "the payload" if word.lstrip().startswith(("{", "[")) else f"the payload {word!r}"
            )
        case pairs:
            return Raw(json.dumps(dict(map(_pair, pairs)), ensure_ascii=False, allow_nan=False).encode())


def document(word: str) -> Raw:
    """A JSON object itself, `-` (standard input), or the name of a file that has one. Raises Invalid."""
    if word == "-":
        text, source = _decode(sys.stdin.buffer.read(), "standard input"), "standard input"
    elif word.lstrip().startswith(("{", "[")):
        text, source = word, "the workflow"
    else:
        text, source = _decode(_file(word), word), word
    if not text.strip():
        raise Invalid(f"{source} is empty; it must be {OBJECT}")
    found = _checked(text, source, OBJECT, hint="")
    if (twice := duplicate(bytes(found))) is not None:
        raise OfDocument.field(twice, "stands twice in one object")
    return found


@contextmanager
def explained(words: Sequence[str]) -> Iterator[None]:
    """Where the hub refuses a value that was given as text, say how to give it as something else."""
    try:
        yield
    except Invalid as error:
        texts = {match[1] for word in words if (match := _PAIR.fullmatch(word)) and match[2] == "="}
        for field in error.errors:
            key = field.pointer.removeprefix("/task").removeprefix("/payload/")
            if key in texts:
                hint = (
                    f"{error.detail} ({key}=… sends text; {key}:=… sends a number, true, null or other JSON)"
                )
                raise Invalid(hint, errors=error.errors) from None
        raise


def _pair(word: str) -> tuple[str, Any]:
    match = _PAIR.fullmatch(word)
    if match is None:
        raise Invalid(
            f"{word!r} is not part of a payload: write one JSON object, or pairs like key=text and key:=json"
        )
    key, how, value = match.groups()
    return (key, value) if how == "=" else (key, _parsed(value, f"the value of {key}"))


def _checked(text: str, source: str, wanted: str = PARAMETERS, *, hint: str = PAIRS) -> Raw:
    value = _parsed(text, source, hint)
    if not isinstance(value, dict):
        raise Invalid(f"{source} must be {wanted}")
    return Raw(text.encode())


def _json(text: str, source: str) -> Raw:
    _parsed(text, source)
    return Raw(text.encode())


def _parsed(text: str, source: str, hint: str = PAIRS) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        way = hint if error.pos == 0 else ""
        raise Invalid(f"{source} is not valid JSON: {error.msg.lower()} at {where}{way}") from None
    except _NotJson as error:
        raise Invalid(f"{source} is not valid JSON: {error}") from None
    except RecursionError:
        raise Invalid(f"{source} is nested too deeply; {MAX_DEPTH} levels are allowed") from None
    except ValueError:
        raise Invalid(f"{source} has a number of more than {MAX_DIGITS} digits; write it as text") from None


class _NotJson(Exception):
    pass


def _refuse(constant: str) -> NoReturn:
    raise _NotJson(f"{constant} is not JSON")


def _file(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Invalid(f"cannot read {name}: {error.strerror}") from None


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"{source} is not UTF-8 (byte {error.start})") from None
