"""A finding: what is said of one thing that was looked at, and what to do about it."""

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    OK = "ok"
    SKIPPED = "skipped"  # not looked at, and why
    WARNING = "warning"  # it works, and will hurt one day
    WRONG = "wrong"


class Finding(Struct, frozen=True):
    """`check` names what was looked at; `advice` says what to do, and is there for every warning and everything wrong."""

    check: str
    level: Level
    text: str
    advice: str | None = None


def ok(check: str, text: str) -> Finding:
    return Finding(check, Level.OK, text)


def skipped(check: str, text: str, advice: str | None = None) -> Finding:
    return Finding(check, Level.SKIPPED, text, advice)


def warning(check: str, text: str, advice: str) -> Finding:
    return Finding(check, Level.WARNING, text, advice)


def wrong(check: str, text: str, advice: str) -> Finding:
    return Finding(check, Level.WRONG, text, advice)


def count(findings: Iterable[Finding], level: Level) -> int:
    return sum(one.level is level for one in findings)


def size(octets: float) -> str:
    """For people: 12 MiB."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if octets < 1024:
            return f"{octets:.0f} {unit}"
        octets /= 1024
    return f"{octets:.1f} TiB"
