"""From a submission to a task the store can insert: the type's defaults, and whether the payload fits."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from msgspec import Raw

from taskflow_hub.domain.errors import FieldError, Invalid, TooLarge
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import OnLost, TaskType, Terms
from taskflow_hub.domain.retry import RetryKind, RetryPolicy
from taskflow_hub.domain.submission import Limit, Submission
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.payloads import MAX_DETAIL, MAX_ERRORS, MAX_PAYLOAD
from taskflow_hub.engine.task_types import TaskTypes
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import NewTask

PAGE = TaskType(
    type="page",
    queue="web",
    max_retries=7,
    retry=RetryPolicy(kind=RetryKind.FIXED, base=2.0),
    timeout=30.0,
    on_lost=OnLost.FAIL,
    payload_schema={
        "type": "object",
        "required": ["url"],
        "additionalProperties": False,
        "properties": {
            "url": {"type": "string", "format": "outbound-url"},
            "depth": {"type": "integer", "minimum": 0},
            "a/b": {"type": "array", "items": {"type": "string"}},
        },
    },
)


def no_files(text: str) -> str | None:
    return "must not be a file" if text.startswith("file:") else None


class Bench:
    def __init__(self, store: SqliteStore, *, strict: bool = False) -> None:
        self.store, self.hints = store, Hints()
        numbers = itertools.count(1)
        self.types = TaskTypes(
            store,
            self.hints,
            formats={"outbound-url": no_files},
            strict=strict,
            new_id=lambda: f"id-{next(numbers)}",
        )

    async def declare(self, *types: TaskType) -> None:
        await self.store.register(
            Register(
                worker=f"w-{'-'.join(one.type for one in types)}-{hash(types[0].description)}",
                name="w",
                host="h",
                pid=1,
                version="1",
                slots=1,
                window=1,
                types=types,
            )
        )
        self.hints.tell(Topic.TYPES)

    async def complete(self, type: str = "page", payload: str = "{}", at: str = "", **fields: Any) -> NewTask:
        await self.types.refresh()
        wanted = Submission(type=type, payload=Raw(payload.encode("utf-8", "surrogatepass")), **fields)
        return self.types.complete(wanted, account="a", user="u", traceparent="t", parent_id="p", at=at)

    async def refused(self, payload: str, at: str = "") -> tuple[FieldError, ...]:
        with pytest.raises(Invalid) as caught:
            await self.complete(payload=payload, at=at)
        return caught.value.errors


@pytest_asyncio.fixture
async def store(database_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(f"sqlite:///{database_path}")
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def bench(store: SqliteStore) -> Bench:
    made = Bench(store)
    await made.declare(PAGE)
    return made


async def test_what_is_left_out_is_the_types_default(bench: Bench) -> None:
    task = await bench.complete(payload='{"url": "https://example.org"}')
    assert (task.max_retries, task.retry, task.timeout) == (7, PAGE.retry, 30.0)
    assert task.queue is None, "the store knows the home queue, also of a type registered later"
    assert (task.id, task.account_id, task.user_id, task.parent_id) == ("id-1", "a", "u", "p")


async def test_what_is_said_beats_the_types_default_also_when_it_says_none(bench: Bench) -> None:
    retry = RetryPolicy(base=9.0)
    task = await bench.complete(
        payload='{"url": "x"}', max_retries=None, timeout=None, retry=retry, queue="mine", priority=9
    )
    assert (task.max_retries, task.timeout, task.retry) == (None, None, retry)
    assert (task.queue, task.priority) == ("mine", 9)


async def test_a_type_nobody_has_registered_has_our_defaults_and_takes_any_object(bench: Bench) -> None:
    task = await bench.complete("unknown", '{"anything": [1, {"goes": null}]}')
    assert (task.max_retries, task.retry, task.timeout) == (3, RetryPolicy(), 3600.0)


async def test_with_strict_types_a_type_nobody_has_registered_is_refused(store: SqliteStore) -> None:
    strict = Bench(store, strict=True)
    await strict.declare(PAGE)
    with pytest.raises(Invalid) as caught:
        await strict.complete("unknown", at="/tasks/3")
    assert [error.pointer for error in caught.value.errors] == ["/tasks/3/type"]
    await strict.complete(payload='{"url": "x"}')


async def test_a_payload_is_kept_to_the_letter(bench: Bench) -> None:
    text = '{ "url" : "é", "depth": 10 }'
    assert bytes((await bench.complete(payload=text)).payload) == text.encode()


@pytest.mark.parametrize("payload", ["[]", "null", "1", '"text"'])
async def test_a_payload_is_an_object(bench: Bench, payload: str) -> None:
    (error,) = await bench.refused(payload)
    assert error.pointer == "/payload"
    assert "object" in error.detail


async def test_each_field_that_does_not_fit_is_named(bench: Bench) -> None:
    errors = await bench.refused('{"depth": -1, "a/b": ["ok", 5], "more": 1}', at="/tasks/2")
    said = {error.pointer: error.detail for error in errors}
    assert set(said) == {f"/tasks/2/payload/{field}" for field in ("a~1b/1", "depth", "more", "url")}
    assert said["/tasks/2/payload/more"] == "is not a known field"
    assert said["/tasks/2/payload/url"] == "is required"


async def test_of_a_field_with_few_values_all_are_said(store: SqliteStore) -> None:
    bench = Bench(store)
    methods = ["GET", "HEAD", "POST", "PUT"]
    schema = {"type": "object", "properties": {"method": {"enum": methods}}}
    await bench.declare(TaskType(type="page", payload_schema=schema))
    assert await bench.refused('{"method": "get"}') == (
        FieldError("/payload/method", 'must be one of "GET", "HEAD", "POST", "PUT"'),
    )


LINE = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("allowed", "given", "pointer", "detail"),
    [
        ([{"type": "integer", "maximum": 9}], "10", "", "the value is greater than the maximum of 9"),
        ([{"type": "integer", "maximum": 9}], '"x"', "", "must be of type integer or null"),
        ([{"type": "integer"}, {"type": "string"}], "[]", "", "must be of type integer or string or null"),
        ([LINE], '{"m": 1, "n": 1}', "/m", "is not a known field"),
        ([LINE], "{}", "/n", "is required"),
        ([LINE], '{"n": "x"}', "/n", 'the value is not of type "integer"'),
        ([LINE, LINE], "{}", "", "fits none of the forms that are allowed"),
    ],
)
async def test_of_what_may_be_left_out_the_form_that_was_meant_is_explained(
    store: SqliteStore, allowed: list[dict[str, Any]], given: str, pointer: str, detail: str
) -> None:
    bench = Bench(store)
    schema = {"type": "object", "properties": {"a": {"anyOf": [*allowed, {"type": "null"}]}}}
    await bench.declare(TaskType(type="page", payload_schema=schema))
    assert await bench.refused(f'{{"a": {given}}}') == (FieldError(f"/payload/a{pointer}", detail),)


async def test_a_format_says_in_its_own_words_what_is_wrong(bench: Bench) -> None:
    assert await bench.refused('{"url": "file:///etc/passwd"}') == (
        FieldError("/payload/url", "must not be a file"),
    )


async def test_a_hostile_payload_cannot_make_a_large_answer(bench: Bench) -> None:
    many = ",".join(f'"x{n}"' for n in range(5000))
    errors = await bench.refused(f'{{"url": 1, "a/b": [{",".join(["0"] * 5000)}], "depth": [{many}]}}')
    assert len(errors) == MAX_ERRORS
    assert max(len(error.detail) for error in errors) <= MAX_DETAIL


async def test_a_payload_beyond_a_megabyte_is_too_large(bench: Bench) -> None:
    filled = '{"x": "' + "y" * (MAX_PAYLOAD - 9) + '"}'
    await bench.complete("unknown", filled)
    with pytest.raises(TooLarge):
        await bench.complete("unknown", filled + " ")


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        (r'{"x": "\u0000"}', "/payload/x"),
        ('{"x": "\ud800"}', "/payload/x"),
        ('{"x": NaN}', "/payload/x"),
        ('{"x": 1e999}', "/payload/x"),
        ('{"x": ' + "[" * 100 + "]" * 100 + "}", "/payload"),
        ("{", "/payload"),
    ],
)
async def test_a_payload_that_would_harm_later_is_refused(bench: Bench, payload: str, pointer: str) -> None:
    assert [error.pointer for error in await bench.refused(payload)] == [pointer]


async def test_a_type_that_is_declared_anew_is_known_at_once_with_its_new_schema(bench: Bench) -> None:
    await bench.complete(payload='{"url": "x"}')
    strings = {"type": "object", "properties": {"url": {"type": "integer"}}}
    await bench.declare(
        TaskType(type="page", description="second", payload_schema=strings, timeout=5.0), TaskType(type="new")
    )
    assert (await bench.complete(payload='{"url": 5}')).timeout == 5.0
    assert [error.pointer for error in await bench.refused('{"url": "x"}')] == ["/payload/url"]
    assert [one.type for one in await bench.types.all()] == ["new", "page"]


async def test_a_type_without_a_schema_takes_any_object(bench: Bench) -> None:
    await bench.declare(TaskType(type="free"))
    await bench.complete("free", '{"whatever": 1}')


async def test_a_schema_cannot_send_the_hub_anywhere(bench: Bench) -> None:
    await bench.declare(TaskType(type="trap", payload_schema={"$ref": "http://169.254.169.254/schema.json"}))
    with pytest.raises(Exception, match=r"169\.254\.169\.254"):
        await bench.complete("trap")


# --- limits of a type


async def test_the_limits_of_a_type_are_added_to_those_of_the_submit(bench: Bench) -> None:
    limits = (Limit("site:{url}", running=1), Limit("web", per_second=5.0))
    await bench.declare(msgspec.structs.replace(PAGE, description="limited", limits=limits))
    task = await bench.complete(payload='{"url": "a.example"}', limits=(Limit("web", running=3),))
    assert task.limits == (Limit("web", 3, 5.0), Limit("site:a.example", running=1))
    with pytest.raises(Invalid) as caught:
        await bench.complete(payload='{"url": "é"}', at="/tasks/7")
    assert [error.pointer for error in caught.value.errors] == ["/tasks/7/payload/url"]
    assert (await bench.complete("unknown")).limits == (), "nobody has declared any"


async def test_a_program_knows_the_limits_of_its_own_handlers(bench: Bench) -> None:
    declared = msgspec.structs.replace(PAGE, description="limited", limits=(Limit("old", running=1),))
    await bench.declare(declared)
    await bench.types.refresh()
    assert bench.types.limits_of("page", {}) == declared.limits
    assert bench.types.limits_of("page", {"page": Terms()}) == declared.limits
    own = Terms(limits=(Limit("new", running=2),))
    assert bench.types.limits_of("page", {"page": own}) == own.limits
    assert bench.types.limits_of("unknown", {"unknown": own}) == own.limits
    assert bench.types.limits_of("unknown", {}) == ()
