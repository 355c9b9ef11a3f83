"""The settings, read from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# name: default, least, most
_NUMBERS: Final = {
    "WORKERS": (4, 1, 1_000),
    "QUEUE_SIZE": (64, 1, 100_000),
    "ERROR_RATE": (20, 0, 100),
    "PORT": (8080, 0, 65_535),
}


class BadConfig(ValueError):
    """Says of every variable that is wrong what it may be, a line for each."""


@dataclass(frozen=True)
class Config:
    workers: int  # tasks that run at the same time
    queue_size: int  # tasks that wait, beside those that run
    error_rate: int  # percent of attempts that fail
    port: int  # 0: any free one, which the log names
    host: str  # the address to listen on


def from_environ(environ: Mapping[str, str]) -> Config:
    """A variable that is missing or empty has its default. Raises BadConfig."""
    values, wrong = dict[str, int](), list[str]()
    for name, (default, least, most) in _NUMBERS.items():
        given = environ.get(name, "") or str(default)
        # int() takes more than a number in decimal digits: '1_0', ' 4', digits of other scripts.
        if re.fullmatch(r"-?[0-9]{1,9}", given) and least <= int(given) <= most:
            values[name.lower()] = int(given)
        else:
            bounds = f"from {least} to {most}"
            wrong.append(f"{name} must be a whole number {bounds}, not {given!r}. Try {name}={default}")
    if wrong:
        raise BadConfig("\n".join(wrong))
    return Config(**values, host=environ.get("HOST", "") or "127.0.0.1")
