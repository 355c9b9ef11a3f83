"""References in templates: which texts are one, and what stands in their place, against a slow and obvious model."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.reference_text import Ref, parsed
from taskflow_hub.domain.references import (
    MAX_RESOLVED,
    Find,
    Unresolvable,
    Withheld,
    compiled,
)

FETCH = {"title": "Example", "items": [{"title": "a"}, {"title": "b", "x.y": 7}], "0": "zero", "none": None}
HAVE: dict[tuple[str, str], Any] = {
    ("fetch", "result"): FETCH,
    ("fetch", "status"): "success",
    ("fetch", "error"): None,
    ("each", "results"): [1, None, {"ok": True}],
    ("item", ""): {"url": "https://example.com"},
    ("index", ""): 3,
    ("input", ""): {"day": "monday"},
    ("workflow", "name"): "report",
    ("workflow", "failed"): [],
}


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def find(of: str, field: str) -> Raw | None:
    return raw(HAVE[of, field]) if (of, field) in HAVE else None


def by_name(values: dict[str, Raw]) -> Find:
    return lambda of, _: values.get(of)


def given_back(template: Any) -> Any:
    return json.loads(bytes(compiled(raw(template)).resolve(find)))


def refused(template: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        compiled(raw(template), "/nodes/a/payload")
    return [(one.pointer.removeprefix("/nodes/a/payload"), one.detail) for one in caught.value.errors]


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("fetch.result", Ref("fetch", "result")),
        ("fetch.result.items[0].title", Ref("fetch", "result", ("items", 0, "title"))),
        ("fetch.result.items.0.title", Ref("fetch", "result", ("items", "0", "title"))),
        ('fetch.result["x.y"][12]["[\\"]"]', Ref("fetch", "result", ("x.y", 12, '["]'))),
        ("fetch.result.größe", Ref("fetch", "result", ("größe",))),
        ('fetch.result[""]', Ref("fetch", "result", ("",))),
        ("each.results[2]", Ref("each", "results", (2,))),
        ("a-b_1.error.message", Ref("a-b_1", "error", ("message",))),
        ("finally.status", Ref("finally", "status")),
        ("item", Ref("item")),
        ("item.result", Ref("item", "", ("result",))),
        ("item[0]", Ref("item", "", (0,))),
        ("index", Ref("index")),
        ("input.day", Ref("input", "", ("day",))),
        ("workflow.failed[0]", Ref("workflow", "failed", (0,))),
    ],
)
def test_what_is_a_reference(text: str, ref: Ref) -> None:
    assert parsed(text) == ref


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begins with the name of a node"),
        (" fetch.result", "begins with the name of a node"),
        ("Fetch.result", "begins with the name of a node"),
        ("fetch", "say what of fetch is meant, by one of fetch.result, fetch.results"),
        ("fetch.output", "by one of fetch.result"),
        ("fetch[0]", "by one of fetch.result"),
        ("workflow", "by one of workflow.id, workflow.name, workflow.status, workflow.failed"),
        ("workflow.result", "by one of workflow.id"),
        ("index.a", "index is a number"),
        ("fetch.status.a", "fetch.status is a text"),
        ("workflow.id[0]", "workflow.id is a text"),
        ("workflow.failed.a", "workflow.failed is a list of names"),
        ("fetch.error.stack", "an error has type, message, traceback"),
        ("fetch.error.message.a", "an error has type, message, traceback"),
        ("fetch.result.", "at character 13"),
        ("fetch.result..a", "at character 13"),
        ("fetch.result[-1]", "at character 13"),
        ("fetch.result[01]", "at character 13"),
        ("fetch.result[a]", "at character 13"),
        ("fetch.result[0", "at character 13"),
        ('fetch.result["\\x"]', "is no JSON string"),
        ('fetch.result["\\ud800"]', "is no JSON string"),
        ("fetch.result\n", "at character 13"),
        ("a" * 65 + ".result", "begins with the name of a node"),
        ("a.result" + ".b" * 500, "more than 1000 characters"),
    ],
)
def test_what_is_none_says_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"^is (no|a) reference|is no JSON") as caught:
        parsed(text)
    assert words in str(caught.value)


@given(
    st.sampled_from(["fetch.result", "each.results", "item", "input"]),
    st.lists(
        st.integers(0, 999_999_999)
        | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
    ),
)
def test_a_reference_that_was_read_is_written_so_that_it_is_read_again(
    head: str, path: list[str | int]
) -> None:
    begin = parsed(head)
    ref = Ref(begin.of, begin.field, tuple(path))
    if len(str(ref)) <= 1_000:
        assert parsed(str(ref)) == ref


def test_references_are_replaced_by_what_they_stand_for() -> None:
    assert given_back({"title": {"$ref": "fetch.result.title"}, "n": [{"$ref": "index"}, 1]}) == {
        "title": "Example",
        "n": [3, 1],
    }
    assert given_back({"$ref": "fetch.result.items[1]"}) == {"title": "b", "x.y": 7}
    assert given_back({"$ref": 'fetch.result.items.1["x.y"]'}) == 7
    assert given_back({"$ref": "fetch.result.0"}) == "zero"  # a member that is written like an index
    assert given_back({"$ref": "each.results"}) == [1, None, {"ok": True}]
    assert given_back({"a": {"$ref": "item.url"}, "b": {"$ref": "input"}}) == {
        "a": "https://example.com",
        "b": {"day": "monday"},
    }
    assert given_back({"$ref": "workflow.failed"}) == []


def test_each_reference_is_told_once() -> None:
    template = {"a": {"$ref": "fetch.result.title"}, "b": [{"$ref": "index"}, {"$ref": "fetch.result.title"}]}
    assert compiled(raw(template)).refs == (Ref("fetch", "result", ("title",)), Ref("index"))
    assert [place.pointer for place in compiled(raw(template)).places] == ["/a", "/b/0", "/b/1"]


def test_what_stands_in_a_literal_is_left_alone() -> None:
    literal = {"$ref": "no reference at all", "x": {"$literal": 1}}
    assert given_back({"schema": {"$literal": literal}, "a": {"$ref": "index"}}) == {
        "schema": literal,
        "a": 3,
    }
    assert compiled(raw({"$literal": literal})).refs == ()
    assert given_back({"$literal": literal}) == literal


def test_an_escaped_dollar_is_a_dollar() -> None:
    assert bytes(compiled(Raw(rb'{"a":{"\u0024ref":"index"}}')).resolve(find)) == b'{"a":3}'


def test_a_template_without_references_stays_as_it_was_written() -> None:
    text = b' {"a" : 1e400, "a": 123456789012345678901234567890, "$other": "$ref"} '
    assert bytes(compiled(Raw(text)).resolve(find)) == text


def test_texts_are_pasted_as_they_were_written() -> None:
    text = b'{ "big": 123456789012345678901234567890,  "same": 1.0, "$ref": "index" }'
    assert (
        bytes(compiled(Raw(b'{"a":{"$ref":"x.result"}}')).resolve(lambda of, field: Raw(text)))
        == b'{"a":%b}' % text
    )
    assert bytes(compiled(Raw(b'[{"$ref":"x.result.big"}]')).resolve(lambda of, field: Raw(text))) == (
        b"[123456789012345678901234567890]"
    )


def test_what_is_missing_is_null_and_so_is_all_in_it() -> None:
    assert given_back({"a": {"$ref": "gone.result"}, "b": {"$ref": "gone.result.title[3]"}}) == {
        "a": None,
        "b": None,
    }


@pytest.mark.parametrize(
    ("ref", "why"),
    [
        ("fetch.result.body", "fetch.result has no member 'body'; it has title, items, 0, none"),
        ("fetch.result.title.x", "fetch.result.title is a text, it has no parts"),
        ("fetch.result.none.x", "fetch.result.none is null, it has no parts"),
        ("fetch.error.message", "fetch.error is null, it has no parts"),
        ("fetch.result.items[2]", "fetch.result.items has 2 items, no [2]"),
        ("fetch.result.items.title", "fetch.result.items is a list, it has no member 'title'"),
        ("fetch.result[0]", "fetch.result is an object, not a list; it has title, items, 0, none"),
        ("index", None),
    ],
)
def test_a_path_that_leads_nowhere_says_what_is_there(ref: str, why: str | None) -> None:
    template = raw({"a": {"$ref": ref}})
    if why is None:
        assert json.loads(bytes(compiled(template).resolve(find))) == {"a": 3}
        return
    with pytest.raises(Unresolvable) as caught:
        compiled(template).resolve(find)
    assert (caught.value.pointer, caught.value.ref, caught.value.why) == ("/a", ref, why)


def test_what_cannot_be_pasted_says_why() -> None:
    def refuse(of: str, field: str) -> Raw:
        raise Withheld("is too large to be pasted")

    with pytest.raises(Unresolvable, match=r"/a/0: fetch\.result: is too large to be pasted"):
        compiled(raw({"a": [{"$ref": "fetch.result"}]})).resolve(refuse)


def test_what_would_become_too_large_is_refused() -> None:
    half = Raw(b'"%b"' % (b"x" * (MAX_RESOLVED // 2)))
    once, twice = {"a": {"$ref": "x.result"}}, [{"$ref": "x.result"}, {"$ref": "x.result"}]
    assert len(compiled(raw(once)).resolve(lambda of, field: half)) > MAX_RESOLVED // 2
    with pytest.raises(Unresolvable, match="more than 1048576 bytes"):
        compiled(raw(twice)).resolve(lambda of, field: half)


def test_what_would_become_too_deep_is_refused() -> None:
    deep = Raw(b"[" * 98 + b"]" * 98)
    assert compiled(raw({"a": [{"$ref": "x.result"}]})).resolve(lambda of, field: deep)
    with pytest.raises(Unresolvable, match="nested deeper than 100 levels"):
        compiled(raw({"a": [[{"$ref": "x.result"}]]})).resolve(lambda of, field: deep)
    with pytest.raises(Invalid, match="nested deeper"):
        compiled(Raw(b"[" * 200 + b'{"$ref":"index"}' + b"]" * 200))


def test_every_wrong_reference_is_named() -> None:
    template = {
        "a": {"$ref": "nonsense"},
        "b": [{"$ref": 7}, {"$ref": "index"}],
        "c/d": {"$ref": "index", "x": 1},
        "e": {"$literal": 1, "y": 2},
        "f": {"$ref": None},
    }
    found = dict(refused(template))
    assert set(found) == {"/a/$ref", "/b/0/$ref", "/c~1d/$ref", "/e/$literal", "/f/$ref"}
    assert "say what of nonsense is meant" in found["/a/$ref"]
    assert found["/b/0/$ref"] == 'must be a text, such as "fetch.result"'
    assert "stands beside other members" in found["/c~1d/$ref"]
    assert '{"$literal": …}' in found["/e/$literal"]


def test_each_value_is_asked_for_once() -> None:
    asked: list[tuple[str, str]] = []

    def find_and_tell(of: str, field: str) -> Raw | None:
        asked.append((of, field))
        return find(of, field)

    names = ["fetch.result.items[0].title", "fetch.result.items[1]", "index", "fetch.result"]
    compiled(raw([{"$ref": name} for name in [*names, *names]])).resolve(find_and_tell)
    assert sorted(asked) == [("fetch", "result"), ("index", "")]


def test_what_is_the_same_for_all_items_is_settled_once() -> None:
    template = compiled(
        raw({"u": {"$ref": "item.url"}, "t": {"$ref": "fetch.result.title"}, "n": {"$ref": "index"}})
    )
    asked: list[str] = []

    def outside(of: str, field: str) -> Raw | None:
        asked.append(of)
        return find(of, field)

    settled = template.settled(outside)
    assert asked == ["fetch"]
    assert settled.refs == (Ref("item", "", ("url",)), Ref("index"))
    for n in range(3):
        mine = {"item": raw({"url": f"u{n}"}), "index": raw(n)}
        assert json.loads(bytes(settled.resolve(by_name(mine)))) == {
            "u": f"u{n}",
            "t": "Example",
            "n": n,
        }
    assert settled.settled(outside) is settled
    assert compiled(raw({"t": {"$ref": "fetch.result.title"}})).settled(find).is_constant


# --- against a model -------------------------------------------------------------------------------------------------

_names = st.sampled_from(["a", "b", "x.y", "0", "1", ""])
_values = st.recursive(
    st.none() | st.integers() | st.booleans() | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=8,
)
_paths = st.lists(_names | st.integers(0, 2), max_size=3)
_refs = st.builds(
    lambda head, path: {"$ref": str(Ref(head[0], head[1], tuple(path)))},
    st.sampled_from([("p", "result"), ("q", "results"), ("item", ""), ("input", "")]),
    _paths,
)
_templates = st.recursive(
    st.none()
    | st.integers()
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | _refs
    | st.builds(lambda v: {"$literal": v}, _values),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=8,
)


class Nowhere(Exception):
    pass


def modelled(template: Any, values: dict[str, Any]) -> Any:
    match template:
        case {"$ref": str(text), **others} if not others:
            ref = parsed(text)
            if ref.of not in values:
                return None
            value = values[ref.of]
            for step in ref.path:
                if isinstance(value, dict) and isinstance(step, str) and step in value:
                    value = value[step]
                elif isinstance(value, list) and str(step).isdecimal() and int(step) < len(value):
                    value = value[int(step)]
                else:
                    raise Nowhere
            return value
        case {"$literal": value, **others} if not others:
            return value
        case dict():
            return {name: modelled(part, values) for name, part in template.items()}
        case list():
            return [modelled(part, values) for part in template]
    return template


@given(_templates, st.dictionaries(st.sampled_from(["p", "q", "item", "input"]), _values))
def test_resolving_agrees_with_the_model(template: Any, values: dict[str, Any]) -> None:
    def find(of: str, field: str) -> Raw | None:
        return raw(values[of]) if of in values else None

    try:
        wanted = modelled(template, values)
    except Nowhere:
        with pytest.raises(Unresolvable):
            compiled(raw(template)).resolve(find)
        return
    assert json.loads(bytes(compiled(raw(template)).resolve(find))) == wanted
    settled = compiled(raw(template)).settled(find)
    assert json.loads(bytes(settled.resolve(find))) == wanted
    assert {ref.of for ref in settled.refs} <= {"item", "index"}
