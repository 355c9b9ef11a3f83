"""Bodies: what is long is decoded beside the event loop, a batch task by task."""

import threading
from typing import cast

import msgspec
import pytest

from taskflow_hub.domain.errors import Invalid, TooLarge, Undecodable
from taskflow_hub.domain.jsontext import LONG, LOOKED_AT
from taskflow_hub.domain.limits import BATCH_MAX
from taskflow_hub.domain.submission import Submission
from taskflow_hub.http import bodies


class Noting:
    """A decoder that notes in which thread it is asked, and for how much."""

    type = Submission

    def __init__(self) -> None:
        self.asked: list[tuple[bool, int]] = []

    def decode(self, body: bytes) -> Submission:
        self.asked.append((threading.current_thread() is threading.main_thread(), len(body)))
        return ONE.decode(body)


def noting() -> tuple[msgspec.json.Decoder[Submission], list[tuple[bool, int]]]:
    decoder = Noting()
    return cast(msgspec.json.Decoder[Submission], decoder), decoder.asked


ONE = msgspec.json.Decoder(Submission)


def of_size(size: int) -> bytes:
    head, tail = b'{"type":"a","payload":{"x":"', b'"}}'
    return head + b"y" * (size - len(head) - len(tail)) + tail


def batch(*tasks: bytes) -> bytes:
    return b'{"tasks":[' + b",".join(tasks) + b"]}"


async def refused(body: bytes) -> Invalid:
    with pytest.raises(Invalid) as caught:
        await bodies.decode_batch(ONE, body)
    return caught.value


def pointers(error: Invalid) -> list[str]:
    return [one.pointer for one in error.errors]


@pytest.mark.parametrize(("size", "here"), [(100, True), (LONG, True), (LONG + 1, False), (1_048_576, False)])
async def test_a_long_body_is_decoded_in_a_thread(size: int, here: bool) -> None:
    decoder, asked = noting()
    await bodies.decode(decoder, of_size(size))
    assert asked == [(here, size)]


async def test_a_batch_is_decoded_task_by_task() -> None:
    decoder, asked = noting()
    tasks = await bodies.decode_batch(decoder, batch(*[of_size(1500)] * 1000))
    assert len(tasks) == 1000
    assert asked == [(False, 1500)] * 1000


@pytest.mark.parametrize(
    ("task", "kind", "pointer"),
    [
        (b"1", Invalid, "/tasks/1"),
        (b"[]", Invalid, "/tasks/1"),
        (b"{}", Invalid, "/tasks/1/type"),
        (b'{"type":"a","priority":5.5}', Invalid, "/tasks/1/priority"),
        (rb'{"type":"a","tags":["\u0000"]}', Invalid, "/tasks/1/tags/0"),
        (b'{"type":"a","type":"a"}', Undecodable, "/tasks/1/type"),
        (b'{"type":"a","payload":{"k":[{"x":1,"x":2}]}}', Undecodable, "/tasks/1/payload/k/0/x"),
        (of_size(LOOKED_AT + 1), TooLarge, "/tasks/1"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_what_is_wrong_in_a_batch_is_named(task: bytes, kind: type[Invalid], pointer: str) -> None:
    error = await refused(batch(b'{"type":"a"}', task))
    assert (type(error), pointers(error)) == (kind, [pointer])


async def test_whole_numbers_are_taken_in_a_batch_too() -> None:
    [one, other] = await bodies.decode_batch(ONE, batch(b'{"type":"a","priority":6.0}', b'{"type":"a"}'))
    assert (one.priority, other.priority) == (6, 5)


async def test_what_is_broken_behind_a_whole_number_is_refused() -> None:
    for rest in (b",", b',"tags":[NaN]}', b',"tags":["\xff"]}', b',"\xff":1}', b',"tags":["\\ud800"]}'):
        with pytest.raises(Invalid):
            await bodies.decode(ONE, b'{"type":"a","priority":5.0' + rest)


async def test_one_number_that_helps_does_not_open_the_door_to_depth() -> None:
    body = b'{"type":"a","priority":5.0,"tags":' + b"[" * 900 + b"]" * 900 + b"}"
    with pytest.raises(Invalid, match="deeper than 100"):
        await bodies.decode(ONE, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"tasks":[{"type":"a"}],"tasks":[{"type":"b"}]}',
        rb'{"tasks":[{"type":"a"}],"t\u0061sks":[{"type":"b"}]}',
    ],
)
async def test_two_lists_of_tasks_are_not_one(body: bytes) -> None:
    error = await refused(body)
    assert (type(error), pointers(error)) == (Undecodable, ["/tasks"])


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        batch(),
        b'{"tasks":{}}',
        batch(*[b'{"type":"a"}'] * (BATCH_MAX + 1)),
        batch(*[b'{"type":"a"}'] * 1_200_000),
    ],
    ids=lambda body: f"{len(body)} bytes",
)
async def test_a_batch_has_one_to_ten_thousand_tasks(body: bytes) -> None:
    assert pointers(await refused(body)) == ["/tasks"]


async def test_too_many_are_counted_before_anything_is_decoded() -> None:
    decoder, asked = noting()
    for task in (b'{"type":"a"}', b"[]", b"1", b"{}"):
        with pytest.raises(Invalid):
            await bodies.decode_batch(decoder, batch(*[task] * (BATCH_MAX + 1)))
    assert asked == []


async def test_the_canonical_text_of_a_batch_is_the_one_of_its_value() -> None:
    plain = batch(b'{"type":"a","payload":{"x":1,"y":":"}}', b'{"type":"b"}')
    other = b'{ "tasks": [ {"payload": {"y": "\\u003a", "x": 1}, "type": "a"}, { "type": "b" } ] }'
    assert await bodies.canonical_batch(plain) == await bodies.canonical_batch(other)
    assert await bodies.canonical_batch(plain) == await bodies.canonical(plain)
