"""Settings, as far as they can be read: each that cannot is told of, and left out, so that the rest can be looked at."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from taskflow_hub import settings
from taskflow_hub.domain.checkup.finding import Finding, wrong
from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.settings import Loaded

NOWHERE: Final = Path(os.devnull) / "none"
_VARIABLE: Final = re.compile(rf"\b{settings.PREFIX}[A-Z0-9_]+")
GO_ON: Final = "Mend or unset it; a hub does not start with it. The checks below go on without it."


def load(
    flags: Mapping[str, Any], environ: Mapping[str, str], file: Path = settings.FILE
) -> tuple[Loaded, list[Finding]]:
    """What can be loaded, and what is wrong with the rest."""
    left = dict(environ)
    found: list[Finding] = []
    while True:
        try:
            return settings.load(flags, environ=left, file=file), found
        except Misconfigured as error:
            found += _told(error)
            blamed = _blamed(error, left)
            if blamed:
                left = {name: value for name, value in left.items() if name not in blamed}
            elif file != NOWHERE:
                file = NOWHERE  # it is in the file, or between the two
            elif left:
                left = {}
            else:
                flags = {}


def _told(error: Misconfigured) -> list[Finding]:
    problems = [f"{one.pointer}: {one.detail}" for one in error.errors] or [error.detail]
    return [wrong("settings", problem, GO_ON) for problem in problems]


def _blamed(error: Misconfigured, environ: Mapping[str, str]) -> set[str]:
    """The variables that an error is about."""
    named = {one.pointer for one in error.errors} or set(_VARIABLE.findall(error.detail))
    return {name for plain in named for name in (plain, f"{plain}_FILE") if name in environ}
