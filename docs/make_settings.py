"""docs/reference/settings.md, made from the settings themselves: `python -m docs.make_settings`."""

import types
from enum import Enum
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from taskflow_hub import settings
from taskflow_hub.settings import Settings, value_of, variable

PAGE: Final = Path(__file__).parent / "reference" / "settings.md"

HEAD: Final = """# Settings

<!-- Made by `python -m docs.make_settings`; a test compares. -->

Four sources, the later wins:

1. the default;
2. `taskflow.toml` in the working directory: `[worker]`, then `slots = 50`;
3. the environment: `TASKFLOW_WORKER_SLOTS=50`;
4. a flag of `taskflow up`, where there is one.

`taskflow config show` prints every setting, its value and where it came from; `taskflow config check` starts nothing and says
what is wrong. An unknown name is refused, with a suggestion.

- A list is written with commas in the environment, and as a list in the file.
- `none` takes a value away where there may be none.
- An empty variable counts as one that was not set; but an empty `TASKFLOW_AUTH_SECRET` is refused, for it would open the hub,
  and so is an empty `TASKFLOW_SECRETS_KEYS`.
- `TASKFLOW_DATABASE_URL_FILE=/run/secrets/url` reads the value from that file, for secrets; so for every variable.

Clients (`taskflow task …`, `Client`, `SyncClient`) read one variable: `TASKFLOW_SERVER`, the hub's address, by default
`http://127.0.0.1:8080`. The command line also heeds `NO_COLOR` and `FORCE_COLOR`.
"""

SECTIONS: Final = {
    "database": "The database. It is made when it is not there.",
    "broker": "The transport between engine and workers.",
    "engine": "What decides and stores.",
    "retention": "How long finished tasks are kept, counted from their end.",
    "worker": "The worker of this process. What the times mean together: a heartbeat every `heartbeat_s`; a worker whose "
    "heartbeats are not accepted stops its own attempts after `self_stop_s`; the engine takes it for dead after "
    "`engine.dead_after`. Other orders are refused: when the process starts, and where engine and worker are apart, when the "
    "worker registers.",
    "http": "The API.",
    "auth": "Accounts: logins for people, keys for programs ([Share a hub](../how-to/accounts.md)).",
    "quotas": "What an account may have that comes with a registration; not the first, and none that an admin makes. "
    "`none`: as much as it likes. [A quota for each account](../how-to/accounts.md#quotas) is an admin's to say.",
    "secrets": "Fields of payloads that are stored encrypted ([Keep secrets in payloads](../how-to/secrets.md)).",
    "net": "What `web.title` and `http.request` may dial, and how long they may take.",
    "files": "Where `file.*` and `image.*` may read and write.",
    "log": "The hub's own log, on stderr or in a file ([Read the logs](../how-to/logs.md)).",
}
BOUNDS: Final = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def document() -> str:
    parts = [HEAD]
    for section in Settings.model_fields:
        parts += [
            f"## `{section}`\n",
            f"{SECTIONS[section]}\n",
            "| setting | default | value | |",
            "|---|---|---|---|",
        ]
        parts += [
            f"| `{section}.{key}`<br>`{variable(f'{section}.{key}')}` | {_default(f'{section}.{key}')} "
            f"| {_kind(field)} | {_cell(str(field.description))} |"
            for part, key, field in settings.fields()
            if part == section
        ]
        parts.append("")
    return "\n".join(parts)


def _default(name: str) -> str:
    match value_of(Settings(), name):
        case None:
            return "none"
        case ():
            return "empty"
        case bool(value):
            return f"`{str(value).lower()}`"
        case float(value):
            return f"`{value:g}`" if value < 1e6 else f"`{value:.0f}`"
        case value:
            return f"`{value}`"


def _kind(field: Any) -> str:
    wanted = _without_none(field.annotation)
    bounds = [
        f"{sign} {getattr(rule, name):g}"
        for rule in field.metadata
        for name, sign in BOUNDS.items()
        if hasattr(rule, name)
    ]
    unit = settings.unit_of(field)
    match wanted:
        case type() if issubclass(wanted, Enum):
            kind = " ".join(f"`{one.value}`" for one in wanted)
        case type() if wanted is bool:
            kind = "`true` or `false`"
        case type() if wanted in {int, float}:
            kind = unit or ("whole number" if wanted is int else "number")
        case type() if wanted is Path:
            kind = "folder"
        case _ if get_origin(wanted) is tuple:
            kind = "list"
        case type() if wanted is str:
            kind = "text"
        case _:
            kind = "`true`, `false` or list"
    return ", ".join([kind, *bounds])


def _without_none(annotation: Any) -> Any:
    if isinstance(annotation, types.UnionType):
        return next(one for one in get_args(annotation) if one is not types.NoneType)
    return annotation


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(document(), encoding="utf-8")
