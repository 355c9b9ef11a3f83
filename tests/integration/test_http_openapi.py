"""The OpenAPI document is complete: every route is in it, and it says what the code does. tests/e2e has schemathesis try it.

It is the same document, whatever the store.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from fastapi.routing import APIRoute
from tests.support.http_api import Threaded, api_in_thread

from taskflow_hub.domain.model import Task
from taskflow_hub.domain.submission import Submission
from taskflow_hub.domain.workflow import WorkflowSubmission
from taskflow_hub.http.app import NOUNS
from taskflow_hub.http.headers import IDEMPOTENCY_KEY
from taskflow_hub.http.params import MOMENT_PATTERN, SHAPES, query_names
from taskflow_hub.http.problems import codes
from taskflow_hub.http.schemas import Batch, BulkRequest, QueueChange, TaskChange

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "http.md"
PINNED = """
POST /tasks, POST /tasks/batch, GET /tasks/{id}, GET /tasks, GET /tasks/counts, POST /tasks/{id}/cancel,
POST /tasks/{id}/redrive,
POST /tasks/{id}/promote, PATCH /tasks/{id}, DELETE /tasks/{id}, POST /bulk, GET /bulk/{id}, POST /bulk/{id}/abort,
GET /tasks/{id}/result, GET /tasks/{id}/explain, GET /tasks/{id}/attempts, GET /tasks/{id}/logs, GET /tasks/{id}/events,
POST /tasks/{id}/events/{name}, GET /tasks/{id}/steps,
POST /schedules, GET /schedules,
GET /schedules/{id}, PATCH /schedules/{id}, DELETE /schedules/{id}, POST /schedules/{id}/pause, POST /schedules/{id}/resume,
POST /schedules/{id}/trigger, POST /schedules/{id}/backfill, GET /schedules/{id}/preview, GET /schedules/{id}/fires,
GET /events, POST /workflows, GET /workflows, GET /workflows/{id}, DELETE /workflows/{id}, POST /workflows/{id}/cancel,
POST /workflows/{id}/redrive, GET /workflows/{id}/events, GET /workflows/{id}/nodes/{node}/items, GET /queues,
PATCH /queues/{name}, POST /queues/{name}/pause, POST /queues/{name}/resume, POST /queues/{name}/purge, GET /failures,
GET /limits,
POST /limits, GET /quota, GET /quotas, GET /accounts/{account}/quota, PATCH /accounts/{account}/quota, GET /workers,
POST /workers/{id}/drain, GET /task-types, GET /healthz, GET /readyz, GET /metrics, GET /problems/{code},
GET /overview, GET /queues/{name}/trend,
POST /auth/register, POST /auth/login, POST /auth/refresh, POST /auth/logout, POST /auth/password, GET /auth/me,
POST /keys, GET /keys, POST /keys/{id}/revoke, GET /users, POST /users, PATCH /users/{id}, GET /audit,
GET /settings
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Threaded]:
    with api_in_thread(tmp_path_factory.mktemp("openapi"), loops=False) as running:
        yield running


@pytest.fixture(scope="module")
def document(server: Threaded) -> dict[str, Any]:
    answer = server.run(server.hub.client.get("/openapi.json"))
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def validator(document: dict[str, Any], name: str) -> jsonschema_rs.Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema_rs.validator_for(schema)


def test_every_pinned_route_and_no_other(document: dict[str, Any]) -> None:
    assert set(operations(document)) == {call.strip() for call in PINNED.replace("\n", " ").split(",")}
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == "1.2.3"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> Iterator[str]:
        match value:
            case dict():
                if isinstance(value.get("$ref"), str):
                    yield value["$ref"]
                for member in value.values():
                    yield from references(member)
            case list():
                for member in value:
                    yield from references(member)

    found = set(references(document))
    assert found
    for reference in found:
        at: Any = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]


def test_every_operation_is_described_with_its_refusals(document: dict[str, Any]) -> None:
    names = set()
    for call, operation in operations(document).items():
        assert operation["description"], call
        assert operation["tags"][0] in {tag["name"] for tag in document["tags"]}
        assert {"400", "403", "408", "414", "422", "431", "500", "503"} <= operation["responses"].keys(), call
        assert any(status < "300" for status in operation["responses"]), call
        if "{" in call:
            assert operation["parameters"][0]["schema"]["pattern"], call
        if "requestBody" in operation:
            assert "413" in operation["responses"], call
        names.add(operation["operationId"])
    assert len(names) == len(operations(document))


def test_every_pattern_of_a_parameter_is_told_in_words_when_it_is_missed(document: dict[str, Any]) -> None:
    own = {MOMENT_PATTERN, IDEMPOTENCY_KEY}  # what checks these has words of its own
    patterns = {
        choice["pattern"]
        for operation in operations(document).values()
        for parameter in operation.get("parameters", [])
        for choice in (parameter["schema"], *parameter["schema"].get("anyOf", []))
        if "pattern" in choice
    }
    in_bodies_only = {
        document["components"]["schemas"][name]["properties"][field]["pattern"]
        for name, field in (("Limit", "key"), ("Registration", "email"))
    }
    assert patterns - own == set(SHAPES) - in_bodies_only


def test_every_request_has_an_example_that_is_accepted(document: dict[str, Any]) -> None:
    for kind in (Submission, Batch, TaskChange, QueueChange, BulkRequest, WorkflowSubmission):
        examples = document["components"]["schemas"][kind.__name__]["examples"]
        for example in examples:
            msgspec.json.decode(msgspec.json.encode(example), type=kind)
            validator(document, kind.__name__).validate(example)


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ({"type": "a"}, True),
        (
            {
                "type": "a",
                "payload": {"x": [1, {"y": None}]},
                "tags": ["ü"],
                "delay": 1.5,
                "max_retries": None,
            },
            True,
        ),
        ({"type": "a", "run_at": "2030-01-01T00:00:00Z"}, True),
        ({"type": "a", "run_at": None, "delay": 5}, True),
        ({}, False),
        ({"type": "A"}, False),
        ({"type": "a\n"}, False),
        ({"type": "a", "payload": []}, False),
        ({"type": "a", "payload": {"x": ["\0"]}}, False),
        ({"type": "a", "payload": {"\0": 1}}, False),
        ({"type": "a", "tags": ["\0"]}, False),
        ({"type": "a", "tags": ["x"] * 21}, False),
        ({"type": "a", "run_at": "0001-01-01T00:00:00Z"}, False),
        ({"type": "a", "run_at": "2030-01-01T00:00:00Z", "delay": 5}, False),
        ({"type": "a", "unique": {"key": ""}}, False),
        ({"type": "a", "limits": []}, True),
        ({"type": "a", "limits": [{"key": "host:a", "running": 3, "per_second": 0.2}]}, True),
        ({"type": "a", "limits": [{"key": "host:a", "running": None}]}, True),
        ({"type": "a", "limits": [{"key": "a b", "running": 3}]}, False),
        ({"type": "a", "limits": [{"key": "a\n", "running": 3}]}, False),
        ({"type": "a", "limits": [{"key": "a", "running": 0}]}, False),
        ({"type": "a", "limits": [{"key": "a", "per_second": 0}]}, False),
        ({"type": "a", "limits": [{"key": str(n), "running": 1} for n in range(6)]}, False),
        ({"type": "a", "priority": 10}, False),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_schema_of_a_submission_says_what_is_done(
    server: Threaded, document: dict[str, Any], body: dict[str, Any], good: bool
) -> None:
    assert validator(document, "Submission").is_valid(body) is good
    assert server.run(server.hub.client.post("/tasks", json=body)).status_code == (202 if good else 422)


def test_a_whole_number_is_an_integer_however_it_is_written(
    server: Threaded, document: dict[str, Any]
) -> None:
    text = '{"type": "a", "priority": 7.0, "max_retries": 2e0, "payload": {"n": 1.0, "big": 12345678901234567890.0}}'
    answer = server.run(server.hub.client.post("/tasks", content=text))
    assert answer.status_code == 202
    assert (answer.json()["priority"], answer.json()["max_retries"]) == (7, 2)
    assert '{"n":1.0,"big":12345678901234567890.0}' in answer.text.replace(" ", "")
    batch = '{"tasks": [{"type": "a"}, {"type": "a", "priority": 9.0}]}'
    assert server.run(server.hub.client.post("/tasks/batch", content=batch)).status_code == 202
    wrong = server.run(server.hub.client.post("/tasks", content='{"type": "a", "priority": 7.5}'))
    assert wrong.json()["errors"][0]["pointer"] == "/priority"


def test_answers_are_what_the_document_says(server: Threaded, document: dict[str, Any]) -> None:
    task = server.run(server.hub.submit("a", tags=["x"]))
    validator(document, "Task").validate(task)
    assert document["components"]["schemas"]["Task"]["required"] == list(Task.__struct_fields__)
    for path, name in (
        ("/tasks", "TaskPage"),
        (f"/tasks/{task['id']}/explain", "Why"),
        ("/queues", "Queues"),
        ("/readyz", "Readiness"),
        ("/readyz?verbose", "Readiness"),
        ("/nowhere", "Problem"),
    ):
        validator(document, name).validate(server.run(server.hub.client.get(path)).json())


def test_every_field_of_a_task_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("Submission", "Problem"):
        for field, schema in schemas[name]["properties"].items():
            if field not in {"title", "status"}:
                assert "description" in schema, f"{name}.{field}"


def test_the_reference_documentation_has_every_route_and_code(document: dict[str, Any]) -> None:
    text = DOCS.read_text(encoding="utf-8")
    for call in operations(document):
        assert f"`{call}`" in text, f"{call} is missing in {DOCS.name}"
    for code, explained in codes().items():
        if explained.status != 500 or code in {"internal", "misconfigured"}:
            assert re.search(rf"\| `{code}` \| {explained.status} \|", text), (
                f"{code} is missing in {DOCS.name}"
            )


def test_the_query_that_a_route_takes_is_the_one_that_is_described(document: dict[str, Any]) -> None:
    described = {
        (path, method.upper()): {
            one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"
        }
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    taken = {
        (route.path_format, method): set(query_names(route.dependant))
        for noun in NOUNS
        for route in noun.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert any(taken.values())
    assert taken == described
