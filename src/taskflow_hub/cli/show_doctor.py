"""Findings, for people."""

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Final

from taskflow_hub.cli.terminal import clean, styled
from taskflow_hub.domain.checkup.finding import Finding, Level

MARKS: Final = {
    Level.OK: ("✓", "32"),
    Level.SKIPPED: ("–", "2"),
    Level.WARNING: ("!", "33"),
    Level.WRONG: ("✗", "1;31"),
}
WIDEST: Final = 120  # lines of prose that are longer are hard to read


def findings(found: Sequence[Finding]) -> None:
    """A line for each, with what to do below it."""
    room = max(len(one.check) for one in found)
    indent = " " * (room + 5)
    columns = min(shutil.get_terminal_size((WIDEST, 0)).columns, WIDEST) if sys.stdout.isatty() else None
    for one in found:
        mark, style = MARKS[one.level]
        head = f"{styled(mark, style, sys.stdout)}  {styled(f'{one.check:<{room}}', '1', sys.stdout)}  "
        text = _wrapped(clean(one.text), indent, columns)
        print(head + (text if one.level is Level.OK else styled(text, style, sys.stdout)))
        if one.advice:
            print(f"{indent}→ {_wrapped(clean(one.advice), f'{indent}  ', columns)}")


def summary(wrong: int, warnings: int) -> str:
    if not wrong and not warnings:
        return "All is well."
    told = [f"{wrong} wrong"] * bool(wrong) + [f"{warnings} warning{'s' * (warnings > 1)}"] * bool(warnings)
    return f"{' and '.join(told)}."


def _wrapped(text: str, indent: str, columns: int | None) -> str:
    """Lines below the first are indented; a pipe has no width."""
    if columns is None:
        return text
    room = max(columns - len(indent), 30)
    lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False)
    return f"\n{indent}".join(lines)
