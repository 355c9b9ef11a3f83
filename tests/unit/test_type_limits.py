"""The limits that a type states: what may be declared, and what a task has of them and of its own."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.errors import Invalid, Misconfigured
from taskflow_hub.domain.model import TaskType
from taskflow_hub.domain.submission import MAX_LIMITS, Limit
from taskflow_hub.domain.type_limits import check_declared, check_stated, merged

CUSTOMER = Limit("customer:{customer_id}", running=1)


def both(
    stated: list[Limit], own: list[Limit], payload: Any = None, secret: tuple[str, ...] = ()
) -> tuple[Limit, ...]:
    text = msgspec.json.encode(payload or {})
    return merged(stated, own, text, type="crm.push", secret=secret, at="/tasks/3")


def refused(*args: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        both(*args)
    return [(one.pointer, one.detail) for one in caught.value.errors]


# --- what a task has


def test_its_own_come_first_and_then_those_of_its_type() -> None:
    found = both(
        [CUSTOMER, Limit("crm", running=3)], [Limit("host:a", per_second=2.0), Limit("b")], {"customer_id": 7}
    )
    assert found == (
        Limit("host:a", per_second=2.0),
        Limit("b"),
        Limit("customer:7", running=1),
        Limit("crm", running=3),
    )


@pytest.mark.parametrize(
    ("own", "found"),
    [
        (Limit("crm", running=5), Limit("crm", running=5, per_second=10.0)),
        (Limit("crm", per_second=1.0), Limit("crm", running=3, per_second=1.0)),
        (Limit("crm", 5, 1.0), Limit("crm", 5, 1.0)),
        (Limit("crm"), Limit("crm", 3, 10.0)),
    ],
)
def test_the_numbers_of_the_submit_win(own: Limit, found: Limit) -> None:
    assert both([Limit("crm", 3, 10.0)], [own]) == (found,)
    assert both([Limit("{what}", 3, 10.0)], [own], {"what": "crm"}) == (found,), (
        "by the key that it comes out as"
    )


def test_two_that_come_out_as_one_key_both_hold() -> None:
    stated = [Limit("{a}", 3, 1.0), Limit("{b}", running=2), Limit("x", per_second=5.0)]
    assert both(stated, [], {"a": "x", "b": "x"}) == (Limit("x", 2, 1.0),)


def test_too_many_together() -> None:
    stated = [Limit(f"s{n}", running=1) for n in range(3)]
    assert len(both(stated, [Limit("a"), Limit("b")])) == MAX_LIMITS
    assert len(both(stated, [Limit("a"), Limit("b"), Limit("s1")])) == MAX_LIMITS
    assert refused(stated, [Limit("a"), Limit("b"), Limit("c")]) == [
        (
            "/tasks/3/limits",
            "with those that crm.push has by itself these are 6 limits, at most 5 are allowed",
        )
    ]


def test_a_field_that_makes_no_key() -> None:
    ((pointer, detail),) = refused([CUSTOMER], [], {"customer": 7})
    assert pointer == "/tasks/3/payload/customer_id"
    assert detail == "is required; a limit of the type names it: customer:{customer_id}"
    assert refused([CUSTOMER], [], {"customer_id": "x"}, ("/customer_id",))[0][1].startswith("is secret")


NAMES = st.sampled_from(["a", "b", "c", "d"])
NUMBERS = st.tuples(st.integers(1, 5), st.none()) | st.tuples(st.none(), st.floats(0.5, 5))


@given(
    st.dictionaries(
        NAMES.map(lambda name: f"k{{{name}}}") | NAMES.map(lambda name: f"k{name}"), NUMBERS, max_size=5
    ),
    st.dictionaries(NAMES.map(lambda name: f"k{name}"), NUMBERS, max_size=5),
    st.fixed_dictionaries(dict.fromkeys("abcd", NAMES)),
)
def test_a_key_is_named_once_and_none_is_lost(stated: Any, own: Any, payload: Any) -> None:
    keys = [key.format(**payload) for key in stated]
    together = {*keys, *own}
    first, second = [[Limit(key, *numbers) for key, numbers in each.items()] for each in (stated, own)]
    try:
        found = both(first, second, payload)
    except Invalid:
        assert len(together) > MAX_LIMITS
        return
    assert len(found) <= MAX_LIMITS
    assert [one.key for one in found[: len(own)]] == [*own], "at the same places"
    assert len(found) == len(together)
    assert {one.key for one in found} == together
    for one in found:
        mine = own.get(one.key, (None, None))
        theirs = [numbers for key, numbers in zip(keys, stated.values(), strict=True) if key == one.key]
        for n, number in enumerate((one.running, one.per_second)):
            lowest = min((each[n] for each in theirs if each[n] is not None), default=None)
            assert number == (lowest if mine[n] is None else mine[n])


# --- what may be declared


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ([Limit("c:{id", running=1)], "limit 'c:{id': '{' at character 3 stands alone"),
        ([Limit("c:{}", running=1)], "limit 'c:{}': '{' at character 3 stands alone"),
        ([Limit("a", running=1), Limit("a", running=2)], "limit 'a': it stands twice; name a key once"),
        ([Limit("a")], "limit 'a': say how many may run, how many may start per second, or both"),
        ([Limit(f"a{n}", running=1) for n in range(6)], "it has 6 limits, at most 5 are allowed"),
    ],
)
def test_what_a_type_cannot_state(limits: list[Limit], words: str) -> None:
    declared = TaskType(type="crm.push", limits=tuple(limits))
    said = f"^task type 'crm.push': {re.escape(words)}"
    with pytest.raises(Misconfigured, match=said):
        check_stated("crm.push", limits)
    with pytest.raises(Misconfigured, match=said):
        check_declared(declared)


def declared(key: str, **fields: Any) -> TaskType:
    return TaskType(type="crm.push", limits=(Limit(key, running=1),), **fields)


CLOSED = {"properties": {"customer_id": {}, "name": {}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("key", "fields", "words"),
    [
        ("{id}", {"payload_schema": CLOSED}, "the payload has no field 'id'; it has customer_id, name"),
        (
            "{id}",
            {"payload_schema": {"additionalProperties": False}},
            "the payload has no field 'id'; it has none",
        ),
        ("{name}", {"payload_schema": CLOSED, "secret": ("/name",)}, "name is secret or has secrets in it"),
        ("{name}", {"secret": ("/a", "/name/*/token")}, "name is secret or has secrets in it"),
        ("{a/b}", {"secret": ("/a~1b",)}, "a/b is secret or has secrets in it"),
        ("{name}", {"secret": ("/*",)}, "name is secret or has secrets in it"),
    ],
)
def test_which_fields_a_type_cannot_name(key: str, fields: Any, words: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        check_declared(declared(key, **fields))
    assert str(caught.value).startswith(f"task type 'crm.push': limit {key!r}: {words}")


@pytest.mark.parametrize(
    "schema",
    [
        {},
        CLOSED | {"additionalProperties": True},
        CLOSED | {"patternProperties": {"^x": {}}},
        {"properties": {}},
    ],
)
def test_a_field_that_there_may_be_can_be_named(schema: Any) -> None:
    check_declared(declared("{id}", payload_schema=schema, secret=("/name",)))


def test_a_type_without_limits_is_not_looked_at() -> None:
    check_declared(TaskType(type="t", secret=("/*",), payload_schema=CLOSED))
