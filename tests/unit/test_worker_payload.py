"""From a handler's signature: which payloads fit, what they become, and the schemas that say so."""

# ruff: noqa: UP045
from __future__ import annotations

import functools
import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Optional

import pydantic
import pytest
from jsonschema import Draft202012Validator
from msgspec import Raw
from pydantic import Field
from typing_extensions import TypedDict

from taskflow_hub.domain.errors import Invalid, Misconfigured
from taskflow_hub.domain.outcomes import Fail, Retry, Snooze
from taskflow_hub.worker.context import Context
from taskflow_hub.worker.handler import Handler
from taskflow_hub.worker.hidden import NOTHING_HIDDEN
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.secret import Secret


class Color(Enum):
    RED = "red"


class Model(pydantic.BaseModel):
    x: int


class Page(TypedDict):
    title: str
    length: int


@dataclass
class Point:
    x: float
    y: float = 0.0


async def nothing() -> None: ...


async def only_context(ctx: Context) -> None: ...


async def optional_context(a: int, ctx: Optional[Context] = None) -> int | None: ...


async def annotated_context(a: int, ctx: Annotated[Context | None, "mine"] = None) -> int | None: ...


async def typed(
    number: int,
    when: datetime,
    limited: Annotated[int, Field(ge=1, le=10, description="A small number.")] = 5,
    color: Color = Color.RED,
    model: Model | None = None,
    points: list[Point] = [],  # noqa: B006 (that it is copied is what is tested)
    later: Later = 0,
) -> Page:
    raise NotImplementedError


async def awkward(
    json: str, copy: int = 1, model_config: int = 2, schema: str = "", self_: int = 0
) -> None: ...


async def untyped(a, b=2): ...  # type: ignore[no-untyped-def]


async def fields(a: int = Field(default=3, ge=1)) -> None: ...


def keyword_only(a: int, *, b: int = 2) -> None: ...


async def strange(a: threading_lock) -> None: ...


Later = int
threading_lock = object


def handler(function: Callable[..., Any], name: str = "demo.some-type") -> Handler:
    return Registry().add(name, function)


def read(function: Callable[..., Any], payload: str) -> dict[str, Any]:
    return handler(function).read_payload(Raw(payload.encode()))


def test_a_payload_becomes_the_arguments_with_defaults() -> None:
    found = read(
        typed,
        '{"number": 1, "when": "2026-01-01T00:00:00Z", "model": {"x": 2}, "points": [{"x": 1}], "later": 4}',
    )
    assert found == {
        "number": 1,
        "when": datetime(2026, 1, 1, tzinfo=UTC),
        "limited": 5,
        "color": Color.RED,
        "model": Model(x=2),
        "points": [Point(1.0)],
        "later": 4,
    }


def test_a_mutable_default_is_copied_for_each_payload() -> None:
    one = handler(typed)
    payload = Raw(b'{"number": 1, "when": "2026-01-01T00:00:00Z"}')
    one.read_payload(payload)["points"].append(1)
    assert one.read_payload(payload)["points"] == []


@pytest.mark.parametrize(
    ("payload", "pointers"),
    [
        ("{}", ["/number", "/when"]),
        ('{"number": "one", "when": "2026-01-01T00:00:00Z"}', ["/number"]),
        ('{"number": 1, "when": "2026-01-01T00:00:00Z", "limited": 11}', ["/limited"]),
        ('{"number": 1, "when": "2026-01-01T00:00:00Z", "points": [{"x": 1}, {"x": "a"}]}', ["/points/1/x"]),
        ('{"number": 1, "when": "2026-01-01T00:00:00Z", "extra/~": 1}', ["/extra~1~0"]),
        ('{"number": 1, "when": "2026-01-01T00:00:00Z", "color": "blue"}', ["/color"]),
        ("[]", [""]),
        ("null", [""]),
        ("{", [""]),
    ],
)
def test_a_payload_that_does_not_fit_is_refused_naming_each_field(payload: str, pointers: list[str]) -> None:
    with pytest.raises(Invalid) as caught:
        read(typed, payload)
    assert [error.pointer for error in caught.value.errors] == pointers
    assert all(error.detail for error in caught.value.errors)
    assert (pointers[0] or "/") in caught.value.detail


@pytest.mark.parametrize("function", [nothing, only_context])
def test_a_handler_without_parameters_takes_an_empty_payload_only(function: Callable[..., Any]) -> None:
    for empty in ("{}", "null", "{ }"):
        assert read(function, empty) == {}
    with pytest.raises(Invalid) as caught:
        read(function, '{"a": 1, "b": 2}')
    assert [error.pointer for error in caught.value.errors] == ["/a", "/b"]
    for bad in ("[1]", "1", "{"):
        with pytest.raises(Invalid):
            read(function, bad)
    assert handler(function).task_type.payload_schema == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
        "title": "demo.some-type",
    }


@pytest.mark.parametrize("function", [optional_context, annotated_context])
def test_the_context_is_no_part_of_the_payload(function: Callable[..., Any]) -> None:
    assert handler(function).context_name == "ctx"
    assert read(function, '{"a": 1}') == {"a": 1}
    assert list(handler(function).task_type.payload_schema["properties"]) == ["a"]


def test_a_parameter_may_have_any_name() -> None:
    found = read(awkward, '{"json": "x", "model_config": 3}')
    assert found == {"json": "x", "copy": 1, "model_config": 3, "schema": "", "self_": 0}


def test_without_annotations_anything_fits() -> None:
    assert read(untyped, '{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}], "b": 2}


def test_pydantic_fields_as_defaults_work() -> None:
    assert read(fields, "{}") == {"a": 3}
    with pytest.raises(Invalid, match="/a"):
        read(fields, '{"a": 0}')


def test_what_a_partial_binds_is_no_part_of_the_payload() -> None:
    bound = functools.partial(keyword_only, b=5)
    assert read(bound, '{"a": 1}') == {"a": 1}
    with pytest.raises(Invalid, match="/b"):
        read(bound, '{"a": 1, "b": 2}')
    assert read(functools.partial(keyword_only, 1), "{}") == {"b": 2}
    assert read(functools.partial(functools.partial(keyword_only, 1), b=1), "{}") == {}


def test_the_payload_schema_says_what_fits() -> None:
    schema = handler(typed).task_type.payload_schema
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == "demo.some-type"
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["number", "when"]
    properties = schema["properties"]
    assert properties["limited"] == {
        "default": 5,
        "description": "A small number.",
        "maximum": 10,
        "minimum": 1,
        "title": "Limited",
        "type": "integer",
    }
    assert properties["when"]["format"] == "date-time"
    assert properties["points"]["default"] == []
    assert properties["color"]["default"] == "red"
    check = Draft202012Validator(schema)
    assert check.is_valid({"number": 1, "when": "2026-01-01T00:00:00Z", "points": [{"x": 1}]})
    assert not check.is_valid({"number": 1, "when": "2026-01-01T00:00:00Z", "extra": 1})


@pytest.mark.parametrize(
    ("returns", "schema"),
    [
        (None, {"type": "null"}),
        (type(None), {"type": "null"}),
        (int, {"type": "integer"}),
        (int | Retry, {"type": "integer"}),
        (Retry | Snooze | Fail, {}),
        (Optional[int] | Fail, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Any, {}),
        (Path, {"type": "string", "format": "path"}),
        (object(), {}),
        (Context, {}),
    ],
)
def test_the_result_schema_leaves_the_answers_out(returns: Any, schema: dict[str, Any]) -> None:
    async def function() -> None: ...

    function.__annotations__["return"] = returns
    assert handler(function).task_type.result_schema == schema


@pytest.mark.parametrize("returns", [Page, Page | Fail, Model, Point | None | Snooze])
def test_the_result_schema_of_classes_is_a_schema(returns: Any) -> None:
    async def function() -> None: ...

    function.__annotations__["return"] = returns
    schema = handler(function).task_type.result_schema
    Draft202012Validator.check_schema(schema)
    text = str(schema)
    assert "Fail" not in text
    assert "Snooze" not in text
    assert {"title", "x"} & set(str(schema).replace("'", " ").split())


def test_no_return_annotation_means_no_schema() -> None:
    assert handler(untyped).task_type.result_schema == {}


def test_a_parameter_that_no_json_can_become_is_refused() -> None:
    def odd(a: Callable[[], None]) -> None: ...

    class Odd:
        pass

    def odder(a: int) -> None: ...

    odder.__annotations__["a"] = Odd
    with pytest.raises(Misconfigured, match=r"t.*payload"):
        _ = handler(odd, "t").task_type
    with pytest.raises(Misconfigured, match=r"t.*payload cannot be described"):
        _ = handler(odder, "t").task_type


# --- the other way: arguments into a payload ---


def test_arguments_become_a_payload_of_just_what_was_given() -> None:
    written = handler(typed).write_payload(
        {"number": 1, "when": datetime(2026, 1, 1, tzinfo=UTC), "color": Color.RED}
    )
    assert bytes(written) == b'{"number":1,"when":"2026-01-01T00:00:00Z","color":"red"}'
    assert handler(typed).read_payload(written)["limited"] == 5


def test_wrong_arguments_are_refused_naming_each() -> None:
    with pytest.raises(Invalid) as caught:
        handler(typed).write_payload({"number": "x", "extra": 1})
    assert {error.pointer for error in caught.value.errors} == {"/number", "/when", "/extra"}


def test_no_parameters_no_payload() -> None:
    assert bytes(handler(nothing).write_payload({})) == b"{}"
    with pytest.raises(Invalid, match="/a"):
        handler(nothing).write_payload({"a": 1})


# --- secret fields ---


class Login(pydantic.BaseModel):
    user: str
    password: Secret[str]
    token: Optional[pydantic.SecretStr] = Field(None, alias="apiToken")


class Chain(pydantic.BaseModel):
    key: Secret[str]
    following: Optional[Chain] = None


def careful(
    login: Login,
    more: dict[str, list[Login]],
    pin: Secret[int],
    whole: Optional[Secret[Login]] = None,
    spare: Secret[Optional[str]] = None,
    plain: str = "",
) -> None: ...


def test_secret_fields_are_declared_by_their_paths() -> None:
    declared = handler(careful).task_type
    assert declared.secret == (
        "/login/apiToken", "/login/password", "/more/*/*/apiToken", "/more/*/*/password", "/pin", "/spare", "/whole"
    )  # fmt: skip
    password = declared.payload_schema["$defs"]["Login"]["properties"]["password"]
    assert (password["type"], password["format"], password["writeOnly"]) == ("string", "password", True)
    assert declared.payload_schema["properties"]["pin"]["writeOnly"]
    Draft202012Validator.check_schema(declared.payload_schema)
    assert handler(typed).task_type.secret == handler(nothing).task_type.secret == ()


class Server(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(json_schema_extra={"examples": [{"password": "hunter2-in-a-model"}]})
    host: str = "smtp"
    password: Secret[str] = Field("hunter2-nested", examples=["hunter2-example"], alias="pass")
    key: pydantic.SecretStr = pydantic.SecretStr("hunter2-str")


class Box(pydantic.RootModel[list[Secret[str]]]): ...


@dataclass(slots=True)
class Slotted:
    token: Secret[str] = "hunter2-slotted"


class Part(pydantic.BaseModel):
    word: str = "hunter2-whole"


def generous(
    password: Annotated[Secret[str], Field(alias="pw")] = "hunter2-parameter",
    server: Server = Server.model_validate({"pass": "hunter2-of-the-whole"}),  # noqa: B008
    servers: dict[str, list[Server]] = {"x": [Server()]},  # noqa: B006, B008
    boxes: Box = Box(["hunter2-box"]),  # noqa: B008
    slotted: Slotted = Slotted(),  # noqa: B008
    whole: Secret[Part] = Part(),  # noqa: B008
    pin: Secret[Optional[int]] = None,
    plain: str = "told",
) -> Server:
    return server


def test_what_a_type_declares_tells_no_secret_default() -> None:
    declared = handler(generous).task_type
    assert declared.secret == (
        "/boxes/*", "/pin", "/pw", "/server/key", "/server/pass", "/servers/*/*/key", "/servers/*/*/pass",
        "/slotted/token", "/whole",
    )  # fmt: skip
    assert "hunter2" not in json.dumps([declared.payload_schema, declared.result_schema])
    properties = declared.payload_schema["properties"]
    assert (properties["plain"]["default"], properties["pin"]["default"]) == ("told", None)
    assert declared.payload_schema["$defs"]["Server"]["properties"]["host"]["default"] == "smtp"
    assert "required" not in declared.payload_schema
    Draft202012Validator.check_schema(declared.payload_schema)


def test_what_it_is_called_with_in_secret_fields() -> None:
    given = handler(generous).read_payload(Raw(b'{"servers": {"a": [{"pass": "given"}]}}'))
    values = handler(generous).secret_values(given)
    told = [one.get_secret_value() if hasattr(one, "get_secret_value") else one for one in values]
    assert sorted(map(str, told)) == sorted(
        [
            "hunter2-parameter", "hunter2-of-the-whole", "hunter2-str", "given", "hunter2-str", "hunter2-box",
            "hunter2-slotted", "word='hunter2-whole'", "None",
        ]
    )  # fmt: skip
    hidden = NOTHING_HIDDEN.and_values(values)
    assert not {"hunter2-whole", "hunter2-str", "hunter2-slotted", "given"} - set(hidden.words)
    assert "smtp" not in hidden.words


def test_the_handler_is_given_values_and_a_submit_writes_them() -> None:
    login = {"user": "u", "password": "p", "apiToken": "t"}
    written = handler(careful).write_payload(
        {"login": login, "more": {"x": [login]}, "pin": 5, "whole": Login.model_validate(login)}
    )
    assert json.loads(bytes(written)) == {"login": login, "more": {"x": [login]}, "pin": 5, "whole": login}
    given = handler(careful).read_payload(written)
    assert given["pin"] == 5
    assert given["login"].password == "p"
    assert given["login"].token.get_secret_value() == "t"


def test_what_is_wrong_with_a_secret_is_not_told() -> None:
    login = {"user": ["visible"], "password": ["hunter2"], "apiToken": {"hunter2": "hunter2"}}
    with pytest.raises(Invalid) as caught:
        handler(careful).read_payload(Raw(json.dumps({"login": login, "more": {}, "spare": 7}).encode()))
    assert {error.pointer: error.detail for error in caught.value.errors} == {
        "/login/user": "Input should be a valid string",
        "/login/password": "is secret, and does not fit (string_type)",
        "/login/apiToken": "is secret, and does not fit (string_type)",
        "/pin": "Field required",
        "/spare": "is secret, and does not fit (string_type)",
    }
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_secret_in_a_type_that_contains_itself_is_refused() -> None:
    def function(chain: Chain) -> None: ...

    function.__annotations__["chain"] = Chain
    with pytest.raises(Misconfigured, match="Chain contains itself and a secret"):
        _ = handler(function).task_type
