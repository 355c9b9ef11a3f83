"""A line on its way to where it is written: whom it is about, without secrets, and with nothing that could forge another."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from structlog.typing import EventDict, WrappedLogger

from taskflow_hub.about import ABOUT, About
from taskflow_hub.redaction import HIDDEN, is_secret, without_credentials

DEPTH_MAX: Final = 8  # of values within values; a value may contain itself
NOBODY: Final = About({})
OWN: Final = frozenset({"at", "level", "logger"})  # what this file's callers made themselves
TEXT: Final = frozenset({"exception", "stack_info"})  # of several lines
# Controls (C0, C1, DEL), line and paragraph separators, bidirectional overrides and isolates, lone surrogates.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def with_ids(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """What the line says itself comes first. The work's own secrets are taken out here, where it is still at hand."""
    ask = ABOUT.get()
    if ask is None:
        return line
    about = ask()
    for name, value in about.ids.items():
        if value is not None:
            line.setdefault(name, value)
    return {name: value if name in OWN else _mapped(value, about.hide) for name, value in line.items()}


def without_colours(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """uvicorn says some things twice, the second time with colours."""
    line.pop("color_message", None)
    return line


def without_secrets(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """Plain values of JSON, without passwords, keys and tokens. What it does not know it shows as its `repr`."""
    return {
        name: value if name in OWN else _hidden(str(name), _mapped(value, without_credentials))
        for name, value in line.items()
    }


def one_line(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """For people: control characters as escapes. Lines of tracebacks are indented, so that none looks like one of the log."""
    shown: EventDict = {}
    for name, value in line.items():
        if name in TEXT and isinstance(value, str):
            shown[name] = "\n".join(f"    {escaped(one)}" for one in value.split("\n"))
        else:
            shown[escaped(str(name))] = _mapped(value, escaped)
    return shown


def escaped(text: str) -> str:
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _hidden(name: str, value: Any) -> Any:
    return HIDDEN if is_secret(name) and value and not isinstance(value, bool | int | float) else value


def _mapped(value: Any, change: Callable[[str], str], depth: int = 0) -> Any:
    """The value as JSON can hold it, with all texts in it changed."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return change(str(value))
    if depth >= DEPTH_MAX:
        return "…"
    if isinstance(value, Mapping):
        return {
            change(str(key)): _hidden(str(key), _mapped(item, change, depth + 1))
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_mapped(item, change, depth + 1) for item in value]
    return change(_repr(value))


def _repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:  # a line is worth more than its worst value
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
