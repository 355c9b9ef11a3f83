"""Settings as they may be shown: without what opens a door."""

import re
from typing import Any, Final

from msgspec import Struct

HIDDEN: Final = "********"
_SECRET: Final = re.compile(r"secret|password|passwd|token|private_key|api_key|_key$|^keys?$", re.IGNORECASE)
# What stands between "//" and the last "@" names a user; after its first colon comes the password, even one with a "/", "?" or
# "#" that should have been written otherwise. (A colon with a port and a path behind it is another matter.)
_PASSWORD: Final = re.compile(
    r"(?P<before>[a-z][a-z0-9+.-]*://[^/?#\s:@]*:)(?![0-9]{1,5}[/?#])\S*(?=@)", re.IGNORECASE
)
_PARAMETER: Final = re.compile(
    r"([?&][^=&#\s]*(?:secret|password|passwd|token|key)[^=&#\s]*=)[^&#\s]*", re.IGNORECASE
)


# What stands in headers, and in words such as `password=…` or {'token': '…'}. A scheme alone is no credential.
_HEADER: Final = re.compile(
    r"""((?:proxy-)?authorization|(?:set-)?cookie|x-csrf-token)(["']?\s*[:=]\s*["']?)[^\r\n"']+""",
    re.IGNORECASE,
)
_SCHEME: Final = re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_WORD: Final = re.compile(
    r"""\b([\w-]*(?:secret|password|passwd|token|private_key|api_key|api-key))(["']?\s*[:=]\s*)"""
    r"""("[^"\r\n]*"|'[^'\r\n]*'|[^\s"',;&)}\]]+)""",
    re.IGNORECASE,
)
_OUR_KEY: Final = re.compile(r"\btfk_[A-Za-z0-9_-]{20,}")
_IN_LINES: Final = re.compile(r"authorization|cookie|csrf|credential|\bdsn$", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether a field of a line of the log that is called so is not to be told."""
    return bool(_SECRET.search(name) or _IN_LINES.search(name))


def without_credentials(text: str) -> str:
    """Any text without the passwords, tokens, cookies and keys that can be told by how they are written."""
    text = _HEADER.sub(rf"\1\2{HIDDEN}", without_secrets(text))
    text = _OUR_KEY.sub(HIDDEN, _SCHEME.sub(rf"\1 {HIDDEN}", text))
    return _WORD.sub(rf"\1\2{HIDDEN}", text)


def without_secrets(text: str) -> str:
    """A URL, or a text with URLs in it, without passwords."""
    return _PARAMETER.sub(rf"\1{HIDDEN}", _PASSWORD.sub(rf"\g<before>{HIDDEN}", text))


def shown(name: str, value: Any) -> Any:
    """A setting's value as it may be printed: text, a number, or a list of them."""
    if value is None or value == () or isinstance(value, bool | int | float):
        return value  # a number opens nothing, not even one that is called rate_per_key
    if _SECRET.search(name.rpartition(".")[2]):
        return HIDDEN
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [shown("", item) for item in value]
    return without_secrets(str(value))


class SettingView(Struct, frozen=True, kw_only=True):
    """One setting. `value` and `default` are hidden where they are secret, and URLs are without passwords: then `redacted`."""

    name: str  # "http.port"
    variable: str  # its name in the environment
    value: Any
    default: Any
    origin: str | None  # default, file, environment or flag; null: nobody knows
    redacted: bool
    unit: str | None
    description: str


class SettingsSection(Struct, frozen=True):
    name: str
    settings: list[SettingView]
