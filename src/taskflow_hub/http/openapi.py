"""The OpenAPI document: FastAPI's, completed with the schemas of the classes that decode, so that it says what is done."""

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from taskflow_hub.domain.access import Key, User
from taskflow_hub.domain.audit import Action, AuditEntry, Entity
from taskflow_hub.domain.failure import FailureOrder, Failures
from taskflow_hub.domain.model import LimitRow, Task, TaskType, Worker
from taskflow_hub.domain.quota import QuotaUse
from taskflow_hub.domain.schedule import FireOutcome
from taskflow_hub.domain.schedule_spec import ScheduleChange, ScheduleSpec
from taskflow_hub.domain.steps import Event
from taskflow_hub.domain.submission import Submission
from taskflow_hub.domain.why import Why
from taskflow_hub.domain.workflow import WorkflowSubmission
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.engine.accounts.keys import SecretKey
from taskflow_hub.engine.accounts.logins import Login
from taskflow_hub.engine.overview_views import Overview, QueueTrend
from taskflow_hub.engine.queries import QueueView
from taskflow_hub.engine.schedule_views import (
    BackfillView,
    FirePageView,
    PreviewView,
    SchedulePageView,
    ScheduleView,
)
from taskflow_hub.http import (
    access_schemas,
    limit_schemas,
    quota_schemas,
    schedule_schemas,
    schemas,
    wording,
    workflow_schemas,
)
from taskflow_hub.http.described import EVERYWHERE, LIMIT_HEADERS, limit_headers, problems, refusals
from taskflow_hub.http.limiting import NEVER_LIMITED
from taskflow_hub.http.params import MOMENT_PATTERN
from taskflow_hub.http.problems import Explanation, Problem
from taskflow_hub.http.settings_schemas import SettingsView
from taskflow_hub.store.values import AuditPage, WorkflowPage

REQUESTS: Final = (
    Submission,
    schemas.Batch,
    schemas.TaskChange,
    WorkflowSubmission,
    schemas.QueueChange,
    schemas.BulkRequest,
    limit_schemas.LimitChange,
    quota_schemas.QuotaChange,
    ScheduleSpec,
    ScheduleChange,
    schedule_schemas.BackfillRequest,
    access_schemas.Registration,
    access_schemas.Credentials,
    access_schemas.Refresh,
    access_schemas.PasswordChange,
    access_schemas.KeyRequest,
    access_schemas.UserRequest,
    access_schemas.UserChange,
)
ANSWERS: Final = (
    Task,
    Why,
    schemas.TaskPage,
    schemas.TaskCounts,
    schemas.Ids,
    schemas.Removed,
    schemas.Attempts,
    schemas.LogPage,
    schemas.StepList,
    Event,
    schemas.Outcome,
    schemas.Unfinished,
    Workflow,
    WorkflowPage,
    workflow_schemas.ItemPage,
    Failures,
    FailureOrder,
    QueueView,
    schemas.Queues,
    schemas.Purged,
    Overview,
    QueueTrend,
    limit_schemas.LimitPage,
    LimitRow,
    QuotaUse,
    quota_schemas.QuotaPage,
    FireOutcome,
    ScheduleView,
    SchedulePageView,
    FirePageView,
    PreviewView,
    BackfillView,
    Worker,
    schemas.Workers,
    TaskType,
    schemas.TaskTypes,
    schemas.BulkView,
    schemas.DryRun,
    User,
    Key,
    Login,
    access_schemas.Session,
    access_schemas.Me,
    SecretKey,
    access_schemas.KeyList,
    access_schemas.UserList,
    Action,
    Entity,
    AuditEntry,
    AuditPage,
    SettingsView,
    schemas.Alive,
    schemas.Readiness,
    Problem,
    Explanation,
)
ASKED_FOR: Final = frozenset({("Readiness", "warnings")})
TEMPLATES: Final = {
    "NodeSubmission": ("payload", "for_each"),
    "SubWorkflow": ("result",),
    "WorkflowSubmission": ("result", "input"),
}
NO_NUL: Final = r"^[^\u0000]*$"
PYTHON_ONLY: Final = r"(?!\n)"  # a lookahead that says in Python what `$` says in JSON Schema

Schema = dict[str, Any]


def document(app: FastAPI) -> Schema:
    made = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary=app.summary,
        description=app.description,
        tags=wording.TAGS,
        routes=app.routes,
    )
    made["components"] = {
        "schemas": _components(),
        "responses": refusals(),
        "headers": limit_headers(),
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": wording.BEARER}},
    }
    made["security"] = [{"bearer": []}, {}]  # a hub without accounts asks for nothing
    for path, operation in _operations(made):
        for status, refusal in problems(*EVERYWHERE).items():
            if status == 422 or str(status) not in operation["responses"]:  # FastAPI has a 422 of its own
                operation["responses"][str(status)] = refusal
        if path not in NEVER_LIMITED:
            for status, answer in operation["responses"].items():
                if status < "300":
                    answer["headers"] = answer.get("headers", {}) | LIMIT_HEADERS
        operation["responses"] = dict(sorted(operation["responses"].items()))
    return made


def _operations(made: Schema) -> Iterator[tuple[str, Schema]]:
    for path, item in made["paths"].items():
        for operation in item.values():
            yield path, operation


def _components() -> Schema:
    of_requests, of_answers = _schemas(REQUESTS), _schemas(ANSWERS)
    for schema in of_requests.values():
        _bound_strings(schema)
    for name, schema in of_answers.items():
        if name not in of_requests and "properties" in schema:
            # An answer leaves nothing out, but what has to be asked for.
            schema["required"] = [field for field in schema["properties"] if (name, field) not in ASKED_FOR]
    of_requests["Submission"]["properties"]["payload"].update(_object_of_json())
    for name, fields in TEMPLATES.items():
        for field in fields:
            of_requests[name]["properties"][field]["$ref"] = "#/components/schemas/JsonValue"
    of_requests["JsonValue"] = _json_value()
    components = dict(sorted((of_answers | of_requests).items()))
    for name, schema in components.items():
        _describe(name, schema)
    return components


def _schemas(classes: tuple[type, ...]) -> dict[str, Schema]:
    _, components = msgspec.json.schema_components(classes, ref_template="#/components/schemas/{name}")
    cleaned: dict[str, Schema] = json.loads(json.dumps(components).replace(json.dumps(PYTHON_ONLY)[1:-1], ""))
    return cleaned


def _bound_strings(schema: Any) -> None:
    """Say of every string of a request what the domain refuses: NUL, and times that cannot be computed with."""
    match schema:
        case {"type": "string", "format": "date-time"}:
            schema["pattern"] = MOMENT_PATTERN
        case {"type": "string"} if not schema.keys() & {"pattern", "format", "enum"}:
            schema["pattern"] = NO_NUL
        case dict():
            for member in schema.values():
                _bound_strings(member)
        case list():
            for member in schema:
                _bound_strings(member)


def _json_value() -> Schema:
    texts = {"type": "string", "pattern": NO_NUL}
    many = {"type": "array", "items": {"$ref": "#/components/schemas/JsonValue"}}
    simple = [{"type": name} for name in ("null", "boolean", "number")]
    return {
        "description": "Any JSON value without the character U+0000, at most 100 levels deep.",
        "anyOf": [*simple, texts, many, {"type": "object", **_object_of_json()}],
    }


def _object_of_json() -> Schema:
    return {
        "propertyNames": {"pattern": NO_NUL},
        "additionalProperties": {"$ref": "#/components/schemas/JsonValue"},
    }


def _describe(name: str, schema: Schema) -> None:
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    for field, words in wording.FIELDS.get(name, {}).items():
        schema["properties"][field].setdefault("description", words)
    schema.update(wording.MORE.get(name, {}))
