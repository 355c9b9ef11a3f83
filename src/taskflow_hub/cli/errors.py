"""Every error's exit code, along the error tree, and the words it is told in."""

import re
import sys
import traceback
from collections.abc import Mapping
from typing import Final

from taskflow_hub.cli.exits import FAILED, INTERRUPTED, MISSING, REFUSED, UNAVAILABLE, USAGE
from taskflow_hub.cli.terminal import clean, say
from taskflow_hub.domain import errors
from taskflow_hub.domain.errors import FieldError, TaskflowError

EXIT_CODES: Final[Mapping[type[BaseException], int]] = {
    TaskflowError: FAILED,
    errors.Invalid: USAGE,
    errors.Misconfigured: USAGE,
    errors.NotFound: MISSING,
    errors.Conflict: FAILED,
    errors.LeaseLost: FAILED,
    errors.Refused: REFUSED,
    errors.QueueFull: UNAVAILABLE,
    errors.Unavailable: UNAVAILABLE,
    TimeoutError: UNAVAILABLE,
    OSError: FAILED,
    KeyboardInterrupt: INTERRUPTED,
}

# What to do about it, where the error itself cannot know.
HINTS: Final[Mapping[type[BaseException], str]] = {
    errors.Gone: "Retention removes finished tasks; see `taskflow config show` for how long they are kept.",
    errors.SchemaMismatch: "See `taskflow db check`; `taskflow db migrate` brings an older database up to date.",
    errors.QueueFull: "Let its workers catch up, or submit to another queue.",
}


def exit_code(error: BaseException) -> int:
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), FAILED)


def explain(error: BaseException, *, debug: bool = False) -> int:
    """Tell it on stderr, and answer the exit code. A traceback only with `debug`."""
    match error:
        case KeyboardInterrupt():
            say("Interrupted.")
        case TaskflowError():
            _error(error.detail)
            for field in error.errors:
                if not _told(field, error.detail):
                    say(f"  {field.pointer or 'body'}: {field.detail}")
            _hint(error)
        case TimeoutError() if str(error):
            _error(str(error))
        case OSError():
            _error(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        case _:
            _error(f"{type(error).__name__}: {error}")
            if not debug:
                say("This is a fault in taskflow itself. `taskflow --debug …` shows where; please report it.")
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    return exit_code(error)


def _told(field: FieldError, detail: str) -> bool:
    """Whether the first line has said it: named the field, or, of the whole request, said the same."""
    named = re.search(rf"(?<!\S){re.escape(field.pointer or 'body')}(?![\w/-])", detail)
    return bool(named) or (not field.pointer and field.detail.lower() in detail.lower())


def _error(words: str) -> None:
    say(f"Error: {clean(words)}", style="31")


def _hint(error: TaskflowError) -> None:
    for kind in type(error).__mro__:
        if kind in HINTS:
            say(HINTS[kind])
            return
