"""Settings as they may be shown: without what opens a door."""

import re
from typing import Any, Final

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
    """A setting's value as it may be printed."""
    if value is None or value == ():
        return value
    if _SECRET.search(name.rpartition(".")[2]):
        return HIDDEN
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [shown("", item) for item in value]
    if isinstance(value, bool | int | float):
        return value
    return without_secrets(str(value))
