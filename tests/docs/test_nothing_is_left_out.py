"""Whatever a user can meet is written down: settings, commands, options, errors, states, routes, task types, public names."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from docs import make_decisions, make_errors, make_http, make_metrics, make_settings
from tests.docs.pages import PAGES, codes, text
from tests.support.http_api import api

import taskflow_hub
from taskflow_hub import settings
from taskflow_hub.cli.main import app
from taskflow_hub.domain.errors import all_errors
from taskflow_hub.domain.lifecycle import Move, State
from taskflow_hub.domain.limits import ATTEMPTS_SHOWN, PAGE_OCTETS
from taskflow_hub.domain.model import AttemptOutcome, OnLost, Reason
from taskflow_hub.domain.submission import OnConflict, Submission
from taskflow_hub.worker.registry import Registry


def words_of(*pages: str) -> set[str]:
    return set().union(*(codes(page) for page in pages))


EVERYWHERE = words_of(*PAGES)
SOMEWHERE = "\n".join(map(text, PAGES))


def test_the_settings_page_is_what_the_settings_say() -> None:
    assert make_settings.PAGE.read_text() == make_settings.document(), "python -m docs.make_settings"


def test_the_metrics_page_is_what_the_metrics_say() -> None:
    assert make_metrics.PAGE.read_text() == make_metrics.document(), "python -m docs.make_metrics"


def test_the_errors_page_is_what_the_errors_say() -> None:
    assert make_errors.PAGE.read_text() == make_errors.document(), "python -m docs.make_errors"


def test_the_calls_page_is_what_the_api_says_of_itself() -> None:
    assert make_http.PAGE.read_text() == make_http.document(), "python -m docs.make_http"


@pytest.mark.parametrize("name", list(settings.names()))
def test_every_setting_has_its_variable_and_its_default(name: str) -> None:
    row = next(line for line in text("docs/reference/settings.md").splitlines() if f"`{name}`" in line)
    assert f"`{settings.variable(name)}`" in row
    assert row.count("|") == 5


def test_every_number_of_a_setting_has_a_unit_or_counts_something() -> None:
    counted = {
        "slots",
        "process_max_tasks",
        "port",
        "max_connections",
        "max_connections_per_origin",
        "max_streams",
        "backlog",
        "max_redirects",
        "file_keep",
    }
    for section, key, field in settings.fields():
        row = next(
            line for line in text("docs/reference/settings.md").splitlines() if f"`{section}.{key}`" in line
        )
        unit = row.split("|")[3]
        if field.annotation in {int, float} and key not in counted:
            assert re.search(r"seconds|bytes|megabytes", unit), f"{section}.{key}: {unit}"


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from _commands(command, f"{path} {name}")


COMMANDS = list(_commands(typer.main.get_command(app), "taskflow"))


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[path for path, _ in COMMANDS])
def test_every_command_and_option(path: str, command: Any) -> None:
    page = text("docs/reference/cli.md")
    if not getattr(command, "commands", {}):
        assert f"`{path}`" in page
    for param in command.params:
        if param.param_type_name == "option" and not param.hidden:
            for option in param.opts:
                assert f"`{option}`" in page or f"`{option} " in page, f"{path} {option}"


@pytest.mark.parametrize("path", [path for path, command in COMMANDS if not getattr(command, "commands", {})])
def test_every_command_is_shown_at_work(path: str) -> None:
    """On a page that is run, so it is also tried."""
    shown = "\n".join(text(page) for page in PAGES if page != "docs/reference/cli.md")
    assert path in shown, f"no page shows `{path}`"


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.__name__)
def test_every_error_code(error: type[Exception]) -> None:
    assert vars(error)["code"] in EVERYWHERE


@pytest.mark.parametrize("word", [*State, *Reason, *Move])
def test_every_state_reason_and_move(word: str) -> None:
    assert word in codes("docs/lifecycle.md") | set(re.findall(r"\w+", text("docs/lifecycle.md")))


@pytest.mark.parametrize("word", [*AttemptOutcome, *OnLost, *OnConflict])
def test_every_other_word_of_the_api(word: str) -> None:
    assert word in EVERYWHERE or re.search(rf"\b{word}\b", SOMEWHERE)


@pytest.mark.parametrize("field", Submission.__struct_fields__)
def test_every_field_of_a_submit(field: str) -> None:
    assert field in codes("docs/how-to/submit-tasks.md")
    assert field in codes("docs/reference/http.md")


async def test_every_route(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False) as hub:
        paths = (await hub.client.get("/openapi.json")).json()["paths"]
    page = text("docs/reference/http.md")
    missing = [
        f"{method.upper()} {path}"
        for path, item in paths.items()
        for method in item
        if not re.search(rf"{method.upper()}\b[^\n|]*{re.escape(path)}(?![\w/{{])", page)
    ]
    assert paths
    assert missing == []


def _built_in() -> Registry:
    from taskflow_hub import builtin
    from taskflow_hub.builtin.settings import FilesSettings
    from taskflow_hub.net.settings import NetSettings

    registry = Registry()
    builtin.register(registry, net=NetSettings(), files=FilesSettings())
    return registry


@pytest.mark.parametrize("handler", list(_built_in()), ids=lambda handler: handler.type)
def test_every_built_in_type_with_its_fields_and_an_example(handler: Any) -> None:
    page = "docs/how-to/use-built-in-types.md"
    assert handler.type in codes(page)
    declared = handler.task_type
    for schema in (declared.payload_schema, declared.result_schema):
        for field in schema.get("properties", {}):
            assert field in codes(page), f"{handler.type}: {field}"
    shown = re.findall(r"^\$ taskflow task submit ([\w.]+)", SOMEWHERE, re.MULTILINE)
    assert handler.type in shown, f"no page runs {handler.type}"


@pytest.mark.parametrize("name", taskflow_hub.__all__)
def test_every_public_name(name: str) -> None:
    assert name in codes("docs/reference/python.md")


# What the parts of the hub say to each other through its face; not for users.
SEAMS = {"submit_one", "submit_batch", "read", "wait", "result_text", "attach", "registry", "cancel"} | {
    f"{verb}_workflow" for verb in ("submit", "read", "wait", "cancel", "redrive")
}
SEAMS |= {"adopt", "body", "label"}  # of workflows and their nodes


@pytest.mark.parametrize(
    "name",
    [
        "Hub", "BoundHandler", "TaskHandle", "Client", "SyncClient", "Context", "Workflow", "Node", "FanOut",
        "WorkflowHandle",
    ],
)  # fmt: skip
def test_every_public_method(name: str) -> None:
    pages = words_of("docs/reference/python.md", "docs/how-to/write-handlers.md")
    owner = getattr(taskflow_hub, name)
    public = {
        key
        for key, value in inspect.getmembers_static(owner)
        if not key.startswith("_") and (callable(value) or isinstance(value, property))
    } - (SEAMS if name in {"Hub", "Workflow", "Node", "FanOut"} else set())
    known = {word.rpartition(".")[2] for word in pages}
    assert public - known == set()


def test_the_bounds_of_what_is_answered() -> None:
    page = text("docs/reference/http.md")
    rows = [
        line for line in page.splitlines() if line.startswith(("| `GET /tasks/{id}/attempts`", "| `limit`"))
    ]
    assert any(f"the newest {ATTEMPTS_SHOWN} |" in row for row in rows)
    assert any(f"{PAGE_OCTETS >> 20} MiB together" in row for row in rows)


def test_every_decision_is_in_the_index() -> None:
    assert make_decisions.PAGE.read_text() == make_decisions.document(), "python -m docs.make_decisions"


def test_nothing_says_where_it_was_written() -> None:
    """No path of a developer's machine, on any page."""
    for page in PAGES:
        assert not re.search(r"(?<![\w/])/(?:work|root|tmp|Users)/", text(page)), page
