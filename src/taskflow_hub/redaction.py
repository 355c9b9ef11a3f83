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
