"""docs/reference/errors.md, made from the errors themselves: `python -m docs.make_errors`."""

import inspect
from pathlib import Path
from typing import Final

from taskflow_hub.cli.errors import HINTS, exit_code
from taskflow_hub.cli.exits import FAILED
from taskflow_hub.domain import errors
from taskflow_hub.domain.ended import TaskCancelled, TaskFailed, WorkflowCancelled, WorkflowFailed
from taskflow_hub.domain.errors import TaskflowError, all_errors
from taskflow_hub.http.problems import OF_HTTP, Explanation, codes

PAGE: Final = Path(__file__).parent / "reference" / "errors.md"

HEAD: Final = """# Errors

<!-- Made by `python -m docs.make_errors`; a test compares. -->

Every error has a `code`, which is stable; its words may change. Over HTTP it is `application/problem+json` with the
code, a status, and `errors`, which names each field at fault ([HTTP](http.md#errors)). In Python it is raised as the class that
is named here, most of them exported by `taskflow_hub`. The command line says its words on stderr and ends with the exit status
([Command line](cli.md#exit-codes)). `GET /problems/CODE` of a hub tells the same as this page.

What to do by what one sees, and not by code, is in [Troubleshooting](../troubleshooting.md).
"""
OF_WAITING: Final = """## Of waiting, in Python and on the command line

Raised by `result` of a handle, of `Client` and of `SyncClient`. Over HTTP the task itself is the answer.

| code | class | exit | |
|---|---|---|---|"""
WAITING: Final = (TaskFailed, TaskCancelled, WorkflowFailed, WorkflowCancelled)
OF_HTTP_ALONE: Final = """## Of HTTP alone

Refused before the hub was asked.
"""


def document() -> str:
    explained = codes()
    parts = [HEAD, "| code | status | exit | |\n|---|---|---|---|"]
    parts += [_row(explained[kind.code], str(_exit(kind))) for kind in _ours()]
    parts += [_row(explained[code], "–") for code, *_ in OF_HTTP]
    parts += ["", *(_section(kind, explained[kind.code]) for kind in _ours()), OF_HTTP_ALONE]
    parts += [_entry(explained[code]) for code, *_ in OF_HTTP]
    parts.append(OF_WAITING)
    parts += [
        f"| `{kind.code}` | `{kind.__name__}` | {FAILED} | {inspect.getdoc(kind)} |" for kind in WAITING
    ]
    parts.append("")
    return "\n".join(parts)


def _ours() -> list[type[TaskflowError]]:
    """Whatever else has been imported may have errors of its own, which no hub answers with."""
    return [kind for kind in all_errors() if kind.__module__ == errors.__name__]


def _exit(kind: type[TaskflowError]) -> int:
    return exit_code(kind())


def _row(one: Explanation, status: str) -> str:
    return f"| [`{one.code}`](#{one.code}) | {one.status} | {status} | {one.title} |"


def _section(kind: type[TaskflowError], one: Explanation) -> str:
    parents = [parent.__name__ for parent in kind.__mro__[1:] if issubclass(parent, TaskflowError)]
    is_a = f", below {', '.join(f'`{name}`' for name in parents)}" if parents else ""
    hint = f"\n\nThe command line adds: {HINTS[kind]}" if kind in HINTS else ""
    return f"{_entry(one, f'`{kind.__name__}`{is_a}. Exit status {_exit(kind)}.')}".rstrip() + f"{hint}\n"


def _entry(one: Explanation, about: str = "") -> str:
    advice = "" if one.explanation == one.title else f"\n\n{one.explanation}"
    return f"### `{one.code}`\n\n**{one.status}.** {one.title} {about}".rstrip() + f"{advice}\n"


if __name__ == "__main__":
    PAGE.write_text(document(), encoding="utf-8")
