"""The reference at /docs: one document, under two names, drawn without anything from elsewhere."""

import json
import re
from importlib import import_module

import pytest
from jsonschema import Draft202012Validator

from .service import Service


def test_the_document_is_json_and_yaml(steady: Service) -> None:
    status, as_json, header = steady.ask("GET", "/docs/openapi.json")
    assert (status, header["Content-Type"]) == (200, "application/json; charset=utf-8")
    status, as_yaml, header = steady.ask("GET", "/docs/openapi.yaml")
    assert (status, header["Content-Type"]) == (200, "application/yaml; charset=utf-8")
    assert import_module("yaml").safe_load(as_yaml) == json.loads(as_json)


def test_the_document_names_every_route_and_every_answer(steady: Service) -> None:
    document = steady.read("/docs/openapi.json")
    answers = {
        (path, method): set(item["responses"])
        for path, methods in document["paths"].items()
        for method, item in methods.items()
    }
    assert answers == {
        ("/enqueue", "post"): {"202", "400", "413", "429", "503"},
        ("/tasks/{id}", "get"): {"200", "404"},
        ("/stats", "get"): {"200"},
        ("/healthz", "get"): {"200"},
    }
    assert set(steady.read("/stats")) == set(document["components"]["schemas"]["Stats"]["required"])
    assert steady.post(id="documented")[0] == 202
    assert set(steady.read("/tasks/documented")) == set(
        document["components"]["schemas"]["State"]["required"]
    )


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/swagger", "/swagger/"])
def test_pages_take_nothing_from_elsewhere(steady: Service, path: str) -> None:
    status, page, header = steady.ask("GET", path)
    assert (status, header["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert header["Content-Security-Policy"] == "default-src 'self'; img-src data:"
    needed = re.findall(r"""(?:src|href)=["'](?!data:)([^"']+)""", page.decode())
    assert len(needed) >= 2
    for one in needed:
        status, text, _ = steady.ask("GET", one)
        assert status == 200
        assert b"//" not in re.sub(rb"^\s*//.*$", b"", text, flags=re.MULTILINE)


def test_answers_are_what_the_document_says(steady: Service) -> None:
    document = steady.read("/docs/openapi.json")
    assert steady.post(id="described")[0] == 202
    for name, value in (
        ("Task", {"id": "a", "payload": None, "max_retries": 10}),
        ("State", steady.read("/tasks/described")),
        ("Stats", steady.read("/stats")),
    ):
        schema = document["components"]["schemas"][name]
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(value)
    for wrong in ({}, {"id": ""}, {"id": 1}, {"id": "a", "max_retries": 11}, {"id": "a", "payload": {}}):
        assert not Draft202012Validator(document["components"]["schemas"]["Task"]).is_valid(wrong)
        assert steady.post(**wrong)[0] == 400
