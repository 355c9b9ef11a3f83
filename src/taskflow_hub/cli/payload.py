"""The payload, as it is written on the command line."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from msgspec import Raw

from taskflow_hub.domain.errors import Invalid

_PAIR: Final = re.compile(r"([^\s:={\[\"@-][^:=]*)(:?=)(.*)", re.DOTALL)


def read(words: Sequence[str]) -> Raw:
    """`{"json": "object"}`, `-` (standard input), `@file`, or pairs: `key=text`, `key:=json`. Nothing is an empty object.

    Raises Invalid saying where the text stops being JSON.
    """
    match list(words):
        case []:
            return Raw(b"{}")
        case ["-"]:
            return _checked(_decode(sys.stdin.buffer.read(), "standard input"), "standard input")
        case [word] if word.startswith("@"):
            return _checked(_decode(_file(word[1:]), word[1:]), word[1:])
        case [word] if not _PAIR.fullmatch(word):
            return _checked(
                word, "the payload" if word.lstrip().startswith(("{", "[")) else f"the payload {word!r}"
            )
        case pairs:
            return Raw(json.dumps(dict(map(_pair, pairs)), ensure_ascii=False, allow_nan=False).encode())


@contextmanager
def explained(words: Sequence[str]) -> Iterator[None]:
    """Where the hub refuses a value that was given as text, say how to give it as something else."""
    try:
        yield
    except Invalid as error:
        texts = {match[1] for word in words if (match := _PAIR.fullmatch(word)) and match[2] == "="}
        for field in error.errors:
            key = field.pointer.removeprefix("/payload/")
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


def _checked(text: str, source: str) -> Raw:
    value = _parsed(text, source)
    if not isinstance(value, dict):
        raise Invalid(f"{source} must be a JSON object: its members are the handler's parameters")
    return Raw(text.encode())


def _parsed(text: str, source: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        hint = "; write a JSON object, or pairs like key=text and key:=json" if error.pos == 0 else ""
        raise Invalid(f"{source} is not valid JSON: {error.msg.lower()} at {where}{hint}") from None
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{source} is not valid JSON: {error}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


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
