"""A line that a task logged, as people read it."""

import sys
from typing import TYPE_CHECKING, Final

import msgspec

from taskflow_hub.cli.terminal import clean, clean_text, styled

if TYPE_CHECKING:
    from taskflow_hub.domain.model import LogLine

LEVEL_STYLES: Final = {"debug": "2", "warning": "33", "error": "31", "critical": "1;31"}


def show(line: "LogLine") -> None:
    """Time (local), attempt, level, message, fields; shown at once, also in a pipe."""
    level = clean(line.level)
    style = LEVEL_STYLES.get(level.lower(), "")
    fields = "".join(f" {clean(name)}={_value(value)}" for name, value in line.fields.items())
    print(
        styled(f"{line.at.astimezone():%Y-%m-%d %H:%M:%S.%f}"[:-3], "2", sys.stdout),
        f"#{line.attempt}",
        styled(f"{level.upper():<7}", style, sys.stdout),
        clean_text(line.message) + (styled(fields, "2", sys.stdout) if fields else ""),
        flush=True,
    )


def _value(value: object) -> str:
    return clean(value if isinstance(value, str) else msgspec.json.encode(value).decode())
