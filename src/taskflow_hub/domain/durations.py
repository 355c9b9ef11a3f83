"""How long: "90s", "1h30m", "2d", a number of seconds, or a timedelta. One reading for handlers, schedules and commands."""

import math
import re
from datetime import timedelta
from typing import Final

from taskflow_hub.domain.submission import TEN_YEARS_S

UNITS: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER: Final = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_PARTS: Final = "".join(rf"(?:({_NUMBER}){unit})?" for unit in UNITS)  # the largest first, each at most once
_TEXT: Final = re.compile(_PARTS)
_PLAIN: Final = re.compile(_NUMBER)
IN_WORDS: Final = 'write a number with its unit, such as "90s", "5m", "1h30m" or "2d"'
HOW: Final = f"{IN_WORDS}, a number of seconds, or a timedelta"

Duration = str | int | float | timedelta


def seconds_of(duration: Duration) -> float:
    """In seconds, 0 to ten years. Raises ValueError, which says what may be written, also for what is no duration at all."""
    match duration:
        case bool():
            raise ValueError(f"{duration!r} is not a duration: {HOW}")
        case int() | float():
            return _within(duration, duration)
        case timedelta():
            return _within(duration.total_seconds(), duration)
        case str():
            return _within(_read(duration), duration)
    raise ValueError(f"{type(duration).__name__} is not a duration: {HOW}")


def _read(text: str) -> float:
    if _PLAIN.fullmatch(text):
        return float(text)
    found = _TEXT.fullmatch(text)
    if found is None or not any(found.groups()):
        raise ValueError(f"{text[:50]!r} is not a duration: {IN_WORDS}")
    return math.fsum(
        float(number) * unit for number, unit in zip(found.groups(), UNITS.values(), strict=True) if number
    )


def _within(seconds: float, given: Duration) -> float:
    try:
        found = float(seconds)
    except OverflowError:  # a whole number beyond every float
        found = math.inf
    if not 0 <= found <= TEN_YEARS_S:  # NaN is not, either
        raise ValueError(f"{str(given)[:50]} is not a duration from nothing to ten years")
    return found
