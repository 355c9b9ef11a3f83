"""Every error's exit code, along the error tree, and the words it is told in."""

import math
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
    errors.Unauthenticated: REFUSED,
    errors.Forbidden: REFUSED,
    errors.QueueFull: UNAVAILABLE,
    errors.QuotaExceeded: UNAVAILABLE,
    errors.Throttled: UNAVAILABLE,
    errors.Unavailable: UNAVAILABLE,
    TimeoutError: UNAVAILABLE,
    OSError: FAILED,
    KeyboardInterrupt: INTERRUPTED,
}

# What to do about it, where the error itself cannot know.
HINTS: Final[Mapping[type[BaseException], str]] = {
    errors.Gone: "Retention removes finished tasks; see `taskflow config show` for how long they are kept.",
    errors.SchemaMismatch: "See `taskflow db check`; `taskflow db migrate` brings an older database up to date.",
    errors.Unauthenticated: "Log in with `taskflow login`, or set TASKFLOW_KEY.",
    errors.Forbidden: "`taskflow whoami` shows who asked, and what they may do.",
    errors.RegistrationClosed: "An admin does it with: taskflow user add EMAIL",
    errors.QuotaExceeded: "`taskflow quota show` tells what your account may have, and what it uses.",
    errors.QueueFull: "Let its workers catch up, or submit to another queue.",
}

# Where a field is not called as what it is given by.
_ARGUMENTS: Final[Mapping[str, str]] = {"name": "QUEUE"}
_OPTIONS: Final[Mapping[str, str]] = {
    "tags": "--tag",
    "limits": "--limit",
    "unique": "--unique-key",
    "scopes": "--scope",
    "queues": "--queue",
    "expires_in": "--expires",
    "name": "NAME",
    "email": "EMAIL",
    "password": "password",
    "old_password": "present password",
    "new_password": "new password",
}


class OfDocument(errors.Invalid):
    """About a request that somebody has written as JSON: its fields are named as they stand there."""


@contextmanager
def of_document() -> Iterator[None]:
    try:
        yield
    except errors.Invalid as error:
        raise OfDocument(error.detail, errors=error.errors) from error


def exit_code(error: BaseException) -> int:
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), FAILED)


def explain(error: BaseException, *, debug: bool = False, hint: bool = True) -> int:
    """Tell it on stderr, and answer the exit code. A traceback only with `debug`."""
    match error:
        case KeyboardInterrupt():
            say("Interrupted.")
        case TaskflowError():
            typed = _in_document if isinstance(error, OfDocument) else as_typed
            names = {field: typed(field.pointer) for field in error.errors}
            first = _typed(error.detail, names)
            _error(first)
            for field, name in names.items():
                if not _told(field, name, first, alone=len(names) == 1):
                    say(f"  {name}: {field.detail}")
            if hint:
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


def as_typed(pointer: str) -> str:
    """A field of a request as it is written on the command line, where nobody has seen the request itself.

    What is no pointer is the name of a setting, and stays.
    """
    steps = pointer.split("/")[1:] if pointer.startswith("/") else []
    match [step.replace("~1", "/").replace("~0", "~") for step in steps]:
        case ["path", name]:
            return _ARGUMENTS.get(name, name.upper())
        case ["type"]:
            return "TYPE"
        case ["task", _, *_]:  # of a schedule: written as those of a task that is submitted
            return as_typed(pointer.removeprefix("/task"))
        case ["payload", *steps]:
            return ".".join(("payload", *steps))
        case ["nodes" | "finally", *_]:
            return pointer  # into a workflow
        case ["query" | "header", name, *_] | [name, *_]:
            return _OPTIONS.get(name) or "--" + name.lower().replace("_", "-")
        case _:
            return pointer or "request"


def _in_document(pointer: str) -> str:
    """What stands in the request beside its body is typed all the same."""
    return (
        as_typed(pointer) if pointer.startswith(("/path/", "/query/", "/header/")) else pointer or "request"
    )


def _typed(detail: str, typed: Mapping[FieldError, str]) -> str:
    """An error's own words, with each field they begin to speak of as it is typed."""
    names = {field.pointer or "body": name for field, name in typed.items()}
    if not names:
        return detail
    return re.sub(
        rf"(?<!\S)(?:{'|'.join(map(re.escape, names))})(?=: )", lambda found: names[found[0]], detail
    )


def _told(field: FieldError, name: str, first: str, *, alone: bool) -> bool:
    """Whether the first line has said it: named the field, or, where it is about no other, said the same."""
    named = re.search(rf"(?<!\S){re.escape(name)}(?![\w.-])", first)
    return bool(named) or (alone and field.detail.lower() in first.lower())


def _error(words: str) -> None:
    say(f"Error: {clean(words)}", style="31")


def _hint(error: TaskflowError) -> None:
    if isinstance(error, errors.Throttled) and error.retry_after_s:
        say(f"Try again in {math.ceil(error.retry_after_s)} s.")
    if "taskflow login" in error.detail:  # it says so itself
        return
    for kind in type(error).__mro__:
        if kind in HINTS:
            say(HINTS[kind])
            return
