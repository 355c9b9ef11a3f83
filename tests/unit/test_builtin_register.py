"""What a worker is taught: names, queues and schemas."""

import json
import re
import subprocess
import sys
from typing import Any

import jsonschema_rs
import pytest
from msgspec import Raw

from taskflow_hub import builtin
from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.model import TaskType
from taskflow_hub.engine.payloads import Payloads
from taskflow_hub.net import NetSettings
from taskflow_hub.worker.registry import Registry

QUEUES = {
    "web.title": "default",
    "http.request": "default",
    "file.hash": "cpu",
    "file.compress": "cpu",
    "image.compress": "cpu",
    "demo.noop": "default",
    "demo.sleep": "default",
    "demo.fail": "default",
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = Registry()
    builtin.register(registry, net=NetSettings(), files=FilesSettings())
    return registry


@pytest.fixture(scope="module")
def types(registry: Registry) -> dict[str, TaskType]:
    return {declared.type: declared for declared in registry.types()}


def test_every_type_has_its_home_queue(types: dict[str, TaskType]) -> None:
    assert {name: declared.queue for name, declared in types.items()} == QUEUES


def test_every_type_and_field_is_described(types: dict[str, TaskType]) -> None:
    for declared in types.values():
        assert declared.description.endswith("."), declared.type
        assert declared.payload_schema["additionalProperties"] is False
        assert declared.result_schema
        for schema in (declared.payload_schema, declared.result_schema):
            for name, field in schema.get("properties", {}).items():
                assert field.get("description"), f"{declared.type}: {name}"


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("web.title", {"url": "https://example.com/"}),
    ("http.request", {"url": "http://example.com/", "headers": {}, "json": {"a": [1, None]}}),
    ("http.request", {"url": "http://example.com/", "method": "POST", "headers": {"X-A": "b"}, "body": "x"}),
    ("http.request", {"url": "http://example.com/", "expect": "200,2xx,404"}),
    ("http.request", {"url": "http://example.com/", "body": None, "json": 1}),
    ("http.request", {"url": "http://example.com/", "body": "x", "json": None}),
    ("file.hash", {"path": "a/b", "algorithm": "blake2b"}),
    ("file.compress", {"path": "/srv/a", "format": "zstd", "level": 19}),
    ("image.compress", {"path": "a.jpg", "quality": 95, "max_width": 100, "format": "webp"}),
    ("demo.noop", {}),
    ("demo.sleep", {"seconds": 0.5}),
    ("demo.fail", {}),
    ("demo.fail", {"times": 2, "message": "x"}),
]
BAD: list[tuple[str, dict[str, Any]]] = [
    ("web.title", {}),
    ("web.title", {"url": "file:///etc/passwd"}),
    ("web.title", {"url": "http://" + "a" * 70_000}),
    ("web.title", {"url": "http://a b/"}),
    ("web.title", {"url": "http://example.com/", "extra": 1}),
    ("http.request", {"url": "http://example.com/", "method": "TRACE"}),
    ("http.request", {"url": "http://example.com/", "method": "get"}),
    ("http.request", {"url": "http://example.com/", "expect": "6xx"}),
    ("http.request", {"url": "http://example.com/", "expect": "200,"}),
    ("http.request", {"url": "http://example.com/", "expect": "any,200"}),
    ("http.request", {"url": "http://example.com/", "headers": {"X-A": "b\r\nX-C: d"}}),
    ("http.request", {"url": "http://example.com/", "headers": {"X A": "b"}}),
    ("http.request", {"url": "http://example.com/", "headers": {"X-A": 1}}),
    ("http.request", {"url": "http://example.com/", "headers": None}),
    ("file.hash", {"path": ""}),
    ("file.hash", {"path": "a\0b"}),
    ("file.hash", {"path": "a", "algorithm": "md5"}),
    ("file.compress", {"path": "a", "level": 0}),
    ("file.compress", {"path": "a", "level": 20}),
    ("file.compress", {"path": "a", "format": "rar"}),
    ("image.compress", {"path": "a", "quality": 0}),
    ("image.compress", {"path": "a", "quality": 96}),
    ("image.compress", {"path": "a", "quality": "80%"}),
    ("image.compress", {"path": "a", "max_width": 0}),
    ("image.compress", {"path": "a", "format": "gif"}),
    ("demo.noop", {"x": 1}),
    ("demo.sleep", {}),
    ("demo.sleep", {"seconds": -1}),
    ("demo.sleep", {"seconds": 1e9}),
    ("demo.fail", {"times": -1}),
]


def fits_schema(declared: TaskType, payload: dict[str, Any]) -> bool:
    return jsonschema_rs.validator_for(declared.payload_schema).is_valid(payload)


@pytest.mark.parametrize(("name", "payload"), GOOD)
def test_good_payloads_pass_schema_and_worker(
    registry: Registry, types: dict[str, TaskType], name: str, payload: dict[str, Any]
) -> None:
    assert fits_schema(types[name], payload)
    handler = registry.get(name)
    assert handler is not None
    assert payload.items() <= handler.read_payload(Raw(json.dumps(payload).encode())).items()


@pytest.mark.parametrize(("name", "payload"), BAD)
def test_bad_payloads_pass_neither(
    registry: Registry, types: dict[str, TaskType], name: str, payload: dict[str, Any]
) -> None:
    assert not fits_schema(types[name], payload)
    handler = registry.get(name)
    assert handler is not None
    with pytest.raises(Invalid):
        handler.read_payload(Raw(json.dumps(payload).encode()))


def refusal(declared: TaskType, **payload: Any) -> dict[str, str]:
    """What a hub says to it, by the field's place in the payload."""
    try:
        Payloads(builtin.formats(NetSettings())).check(json.dumps(payload).encode(), declared, "")
    except Invalid as refused:
        return {error.pointer: error.detail for error in refused.errors}
    return {}


def test_the_format_asks_the_setting(types: dict[str, TaskType]) -> None:
    title = types["web.title"]
    assert refusal(title, url="https://example.com/") == {}
    assert "link-local" in refusal(title, url="http://169.254.169.254/")["/url"]
    assert "loopback" in refusal(title, url="http://127.1/")["/url"]


def test_every_format_is_checked(types: dict[str, TaskType]) -> None:
    spoken_of = set(
        re.findall(r'"format": "([^"]+)"', json.dumps([one.payload_schema for one in types.values()]))
    )
    assert spoken_of == set(builtin.formats(NetSettings()))


@pytest.mark.parametrize(
    ("field", "pointer", "words"),
    [
        (
            {"expect": "6xx"},
            "/expect",
            "must be any, or statuses from 100 to 599 with commas between them, such as 200,2xx",
        ),
        ({"body": "", "json": 0}, "/json", "cannot be given together with body"),
        ({"headers": {"X A": "b"}}, "/headers/X A", "is not valid as a header's name"),
        ({"headers": {"": "b"}}, "/headers/", "is not valid as a header's name"),
        ({"headers": {"hOst": "b"}}, "/headers/hOst", "is set by the client and cannot be given"),
        ({"headers": {"Proxy-A": "b"}}, "/headers/Proxy-A", "is set by the client and cannot be given"),
        ({"headers": {"X": "b\nc"}}, "/headers/X", "may hold only visible ASCII characters, spaces and tabs"),
        (
            {"headers": {"X" * 201: "b"}},
            "/headers/" + "X" * 201,
            "is no name for a field: the value is longer than 200 characters",
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_told_in_words(
    types: dict[str, TaskType], field: dict[str, Any], pointer: str, words: str
) -> None:
    assert refusal(types["http.request"], url="http://example.com/", **field) == {pointer: words}


def test_teaching_is_light() -> None:
    """An idle hub carries no HTTP client, image library or parser."""
    heavy = {"httpx", "h11", "PIL", "zstandard", "lxml", "w3lib", "chardetng_py", "idna"}
    program = f"""
import sys
from taskflow_hub import builtin
from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.net import NetSettings
from taskflow_hub.worker.registry import Registry
registry = Registry()
builtin.register(registry, net=NetSettings(), files=FilesSettings())
registry.types()
print(sorted({heavy!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
