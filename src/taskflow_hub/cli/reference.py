"""docs/reference/cli.md, made from the commands themselves: `python -m taskflow_hub.cli.reference > docs/reference/cli.md`."""

import re
import sys
from collections.abc import Iterator
from typing import Any, Final

import typer

from taskflow_hub.cli.errors import EXIT_CODES
from taskflow_hub.cli.exits import MEANINGS
from taskflow_hub.cli.main import app
from taskflow_hub.domain.errors import all_errors

HEAD: Final = """# Command line

<!-- Made by `python -m taskflow_hub.cli.reference > docs/reference/cli.md`; a test compares. -->

`taskflow <noun> <verb>`, each with `--help`: data goes to stdout, words go to stderr. Colours and spinners appear only in a
terminal, and `NO_COLOR` takes the colours away; what others wrote into a task is shown with its control characters escaped.
Tables are for people and may change; for programs there is `-o json`. Lists are one JSON array with an item per line, `task
logs` is an object per line.

The commands `up`, `server`, `worker run`, `worker healthcheck`, `db`, `user reset-password` and `config` read the settings:
defaults, then `./taskflow.toml`, then `TASKFLOW_…` variables, then flags. All others talk to a running hub over HTTP: the one
that `--server` names, else the profile's (below), else that of the variable `TASKFLOW_SERVER`, else `http://127.0.0.1:8080`.

To a hub with accounts they present the API key in the variable `TASKFLOW_KEY`, else what `taskflow login` has kept for exactly
this hub's address. A profile is a name for an address and what is kept for it: `taskflow login --profile NAME --server URL`
makes it, and `--profile NAME` before the noun, or the variable `TASKFLOW_PROFILE`, chooses it. What is said on the command line
beats the variables: with `--profile`, `TASKFLOW_KEY` is not looked at; with `--server`, `TASKFLOW_PROFILE` counts only if it is
for the same address. A password or a key is never an argument, where every user of the machine could read it: it is asked for,
or read from standard input, a line each.

Durations are seconds (`90`, `1.5`) or written like `90s`, `5m`, `1h30m`, `2d`. Times are ISO 8601
(`2030-01-31T18:00:00Z`); without a zone they are local. A payload is one of

| written as | is |
|---|---|
| `'{"url": "https://example.com"}'` | a JSON object |
| `url=https://example.com` | members with text: `key=text` |
| `seconds:=2 deep:='{"a": [1]}'` | members with any JSON: `key:=json`; both kinds of pairs mix |
| `@payload.json`, `-` | the JSON object in that file, or on standard input |
| nothing | `{}` |

`taskflow --install-completion` makes the shell complete commands and options, and the hub's task types, queues and workers.
"""


def document() -> str:
    root: Any = typer.main.get_command(app)
    parts = [HEAD, *_exit_codes(), "## Before the noun\n", *_options(root)]
    for path, command in _walk(root, "taskflow"):
        parts += [
            f"## `{path}`\n",
            _prose(command.help),
            f"```text\n{_usage(path, command)}\n```\n",
            *_arguments(command),
        ]
        parts += _options(command)
    return "\n".join(parts).rstrip() + "\n"


def _walk(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _walk(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _exit_codes() -> Iterator[str]:
    yield "## Exit codes\n"
    yield "| code | means | errors |\n|---|---|---|"
    for code, meaning in MEANINGS.items():
        named = ", ".join(f"`{kind.code}`" for kind in all_errors() if EXIT_CODES.get(kind) == code)
        yield f"| {code} | {meaning} | {named} |"
    yield "\nAn error that is not named has the code of its parent: `task_gone` that of `not_found`, and so on.\n"


def _usage(path: str, command: Any) -> str:
    context = typer.Context(command, info_name=path)
    pieces = [piece for param in command.params for piece in param.get_usage_pieces(context)]
    return " ".join([path, *pieces, "[OPTIONS]"])


def _prose(text: str | None) -> str:
    return re.sub(r"\s*\n\s*\n\s*", "\n\n", text or "") + "\n"


def _arguments(command: Any) -> Iterator[str]:
    rows = [param for param in command.params if param.param_type_name == "argument"]
    if rows:
        yield "| argument | |\n|---|---|"
        yield from (f"| `{param.metavar}` | {_cell(param.help)} |" for param in rows)
        yield ""


def _options(command: Any) -> Iterator[str]:
    rows = [param for param in command.params if param.param_type_name == "option" and not param.hidden]
    if rows:
        yield "| option | |\n|---|---|"
        for param in rows:
            names = ", ".join(f"`{name}`" for name in param.opts)
            value = "" if param.is_flag else f" `{param.metavar or param.name.upper()}`"
            yield f"| {names}{_cell(value)} | {_cell(param.help)} |"
        yield ""


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(document())
