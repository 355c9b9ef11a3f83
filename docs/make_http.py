"""docs/reference/http-calls.md, made from the API's description: `python -m docs.make_http`."""

import asyncio
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from taskflow_hub.bootstrap import open_engine
from taskflow_hub.http.app import create_app
from taskflow_hub.http.described import EVERYWHERE
from taskflow_hub.http.openapi import document as describe
from taskflow_hub.http.settings import HttpSettings
from taskflow_hub.settings import Settings
from taskflow_hub.store.settings import DatabaseSettings

PAGE: Final = Path(__file__).parent / "reference" / "http-calls.md"
METHODS: Final = ("get", "post", "put", "patch", "delete")

HEAD: Final = """# HTTP, call by call

<!-- Made by `python -m docs.make_http`; a test compares. -->

What `/openapi.json` says, to read: every call, what it takes and what it answers. What holds for all of them, and how they
belong together, is told in [HTTP](http.md). Any call may be refused with {everywhere} for reasons that have nothing to do
with it ([Errors](errors.md)); named here is what else one should expect.
"""


def document() -> str:
    said = asyncio.run(_described())
    parts = [HEAD.replace("{everywhere}", ", ".join(map(str, EVERYWHERE)))]
    for tag in said["tags"]:
        calls = [
            (method, path, item[method])
            for path, item in said["paths"].items()
            for method in METHODS
            if method in item and tag["name"] in item[method]["tags"]
        ]
        parts += [f"## {tag['name'].capitalize()}\n", f"{tag['description']}\n"]
        parts += [line for call in calls for line in _call(said, *call)]
    return "\n".join(parts).rstrip() + "\n"


def _call(said: Mapping[str, Any], method: str, path: str, call: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{method.upper()} {path}`\n"
    yield f"{_prose(call.get('description', call['summary']))}\n"
    rows = [
        f"| `{one['name']}` | {one['in']}{', required' if one.get('required') else ''} | {_cell(one.get('description'))} |"
        for one in (_resolved(said, one) for one in call.get("parameters", ()))
    ]
    if "requestBody" in call:
        rows.append(f"| body | | {_shape(call['requestBody'])} |")
    if rows:
        yield "| takes | | |\n|---|---|---|"
        yield from rows
        yield ""
    yield "| answers | | |\n|---|---|---|"
    for status, answer in sorted(call["responses"].items()):
        if status.isdecimal() and int(status) in EVERYWHERE and "$ref" in answer:
            continue
        whole = _resolved(said, answer)
        refused = "$ref" in answer
        shape = "" if refused else _shape(whole)
        yield f"| {status} | {shape} | {_cell(whole['description'])} |"
    yield ""


def _resolved(said: Mapping[str, Any], one: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in one:
        return one
    found: Any = said
    for step in one["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return {**found, **{key: value for key, value in one.items() if key not in {"$ref", "description"}}}


def _shape(holder: Mapping[str, Any]) -> str:
    """The names of the schemas, or the kind of content."""
    named: list[str] = []
    for kind, content in holder.get("content", {}).items():
        found = re.findall(r"#/components/schemas/(\w+)", str(content.get("schema", {})))
        named += [f"`{name}`" for name in found] or [kind]
    return " or ".join(dict.fromkeys(named))


def _prose(text: str) -> str:
    return re.sub(r"(?<!\n)\n(?![\n-])", " ", text.strip())


def _cell(text: str | None) -> str:
    return _prose(text or "").replace("\n", " ").replace("|", "\\|")


async def _described() -> Mapping[str, Any]:
    """Of a hub that has done nothing."""
    with tempfile.TemporaryDirectory() as folder:
        database = DatabaseSettings(url=f"sqlite:///{folder}/taskflow.db")
        async with open_engine(Settings(database=database)) as (engine, _):
            said: Mapping[str, Any] = describe(create_app(engine, HttpSettings()))
            return said


if __name__ == "__main__":
    PAGE.write_text(document(), encoding="utf-8")
