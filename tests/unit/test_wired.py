"""A workflow that was asked for: what it becomes, and every way in which it is refused."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.graph import Edge, On
from taskflow_hub.domain.wired import Wired, wired
from taskflow_hub.domain.workflow import read

# As the issue has it.
REPORT: dict[str, Any] = {
    "name": "report",
    "max_concurrency": 5,
    "nodes": {
        "fetch": {"type": "web.title", "payload": {"url": "https://example.com"}},
        "store": {
            "type": "page.store",
            "payload": {"title": {"$ref": "fetch.result.title"}},
            "after": ["fetch"],
        },
        "alarm": {"type": "alarm", "after": [{"node": "store", "on": "failure"}]},
        "list": {"type": "list"},
        "each": {
            "type": "http.request",
            "for_each": {"$ref": "list.result.urls"},
            "max_concurrency": 3,
            "payload": {"url": {"$ref": "item"}},
        },
        "sum": {"type": "sum", "after": ["each"], "payload": {"all": {"$ref": "each.results"}}},
    },
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "web.title": {
        "type": "object",
        "properties": {
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "status": {"type": "integer"},
            "links": {"type": "array", "items": {"$ref": "#/$defs/Link"}},
        },
        "additionalProperties": False,
        "$defs": {
            "Link": {
                "type": "object",
                "properties": {"url": {"type": "string"}},
                "additionalProperties": False,
            }
        },
    },
    "open": {"type": "object", "properties": {"a": {"type": "string"}}},
    "text": {"type": "string"},
}


def made(nodes: Mapping[str, Any], **others: Any) -> Wired:
    body = {"name": "test", "nodes": nodes, **others}
    return wired(read(json.dumps(body).encode()), SCHEMAS.get)


def refused(nodes: Mapping[str, Any], **others: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        made(nodes, **others)
    return {one.pointer: one.detail for one in caught.value.errors}


def ref(text: str) -> dict[str, str]:
    return {"$ref": text}


def task(**payload: Any) -> dict[str, Any]:
    return {"type": "any", "payload": payload}


FAILED_A = {"node": "a", "on": "failure"}


def test_the_issues_example_is_wired() -> None:
    found = wired(read(json.dumps(REPORT).encode()))
    assert {name: node.after for name, node in found.nodes.items()} == {
        "fetch": (),
        "store": (Edge("fetch"),),
        "alarm": (Edge("store", On.FAILURE),),
        "list": (),
        "each": (Edge("list"),),  # for it refers to it
        "sum": (Edge("each"),),
    }
    assert found.last is None


def test_parents_come_first() -> None:
    found = made(
        {
            "c": {"type": "x", "after": ["b"]},
            "b": {"type": "x", "payload": {"a": ref("a.result")}},
            "a": {"type": "x"},
        }
    )
    assert list(found.nodes) == ["a", "b", "c"]


def test_what_is_left_out_has_its_default() -> None:
    found = made({"a": {"type": "x"}, "b": {"workflow": {"nodes": {"c": {"type": "x"}}}}})
    payloads = {name: bytes(node.payload.resolve(lambda *_: None)) for name, node in found.nodes.items()}
    assert payloads == {"a": b"{}", "b": b"null"}
    inner = found.nodes["b"].inner
    assert inner is not None
    assert list(inner.nodes) == ["c"]


def test_a_reference_to_an_ancestor_adds_no_edge() -> None:
    cleanup = {
        "type": "x",
        "after": [{"node": "b", "on": "done"}],
        "payload": {"a": ref("a.result"), "e": ref("b.error")},
    }
    found = made({"a": {"type": "x"}, "b": {"type": "x", "after": ["a"]}, "c": cleanup})
    assert found.nodes["c"].after == (Edge("b", On.DONE),)


def test_finally_may_refer_to_every_node() -> None:
    last = {
        "type": "x",
        "payload": {"a": ref("a.result"), "b": ref("b.results"), "s": ref("workflow.status")},
    }
    found = made({"a": task(), "b": {"type": "x", "for_each": [1, 2]}}, **{"finally": last})
    assert found.last is not None
    assert found.last.after == ()
    assert found.last.at == "/finally"


def test_a_sub_workflow_sees_its_own_nodes_and_its_input() -> None:
    inner = {
        "nodes": {"a": task(x=ref("input.url")), "b": task(y=ref("a.result"), z=ref("workflow.id"))},
        "result": ref("b.result"),
    }
    found = made(
        {
            "list": task(),
            "each": {"workflow": inner, "for_each": ref("list.result"), "payload": {"url": ref("item")}},
            "sum": task(all=ref("each.results")),
        }
    )
    assert found.nodes["each"].inner is not None
    assert found.nodes["each"].inner.nodes["b"].after == (Edge("a"),)
    assert refused({"list": task(), "sub": {"workflow": {"nodes": {"a": task(x=ref("list.result"))}}}}) == {
        "/nodes/sub/workflow/nodes/a/payload/x/$ref": (
            "there is no node 'list' here: a sub-workflow sees only its own; let its node's payload give it, and refer to "
            "`input`"
        )
    }


@pytest.mark.parametrize(
    ("nodes", "pointer", "words"),
    [
        ({}, "/nodes", "a workflow needs one at least"),
        ({"A": task()}, "/nodes/A", "is not a node's name"),
        ({"a" * 65: task()}, "/nodes/" + "a" * 65, "1 to 64 characters"),
        ({"a/b": task()}, "/nodes/a~1b", "is not a node's name"),
        ({"a\n": task()}, "/nodes/a\n", "is not a node's name"),
        ({"finally": task()}, "/nodes/finally", "stands beside `nodes`"),
        ({"item": task()}, "/nodes/item", "is a reserved name"),
        ({"workflow": task()}, "/nodes/workflow", "is a reserved name"),
        ({"a": {}}, "/nodes/a", "has neither a type nor a workflow"),
        ({"a": {"type": "x", "workflow": {"nodes": {"b": task()}}}}, "/nodes/a", "has both a type and a workflow"),
        ({"a": {"type": "x", "payload": [1]}}, "/nodes/a/payload", "must be a JSON object"),
        ({"a": {"type": "x", "payload": {"$literal": 7}}}, "/nodes/a/payload", "must be a JSON object"),
        ({"a": {"type": "x", "max_concurrency": 3}}, "/nodes/a/max_concurrency", "only for a node with for_each"),
        ({"a": {"type": "x", "limits": [{"key": "k"}, {"key": "k"}]}}, "/nodes/a/limits/1/key", "stands twice"),
        (
            {"a": {"workflow": {"nodes": {"b": task()}}, "max_concurrency": 3}},
            "/nodes/a/max_concurrency",
            "give it to the workflow in it",
        ),
        ({"a": {"workflow": {"nodes": {"b": task()}}, "queue": "q"}}, "/nodes/a/queue", "is for tasks"),
        ({"a": {"workflow": {"nodes": {"b": task()}}, "max_retries": None}}, "/nodes/a/max_retries", "is for tasks"),
        ({"a": {"workflow": {"nodes": {}}}}, "/nodes/a/workflow/nodes", "a workflow needs one at least"),
        # edges
        ({"a": {"type": "x", "after": ["b"]}}, "/nodes/a/after/0", "there is no node 'b' here"),
        (
            {"fetch": task(), "a": {"type": "x", "after": ["fetsh"]}},
            "/nodes/a/after/0",
            "there is no node 'fetsh' here; did you mean fetch?",
        ),
        ({"a": {"type": "x", "after": ["a"]}}, "/nodes/a/after/0", "is the node itself"),
        ({"a": {"type": "x", "after": ["finally"]}}, "/nodes/a/after/0", "nothing can come after it"),
        ({"b": task(), "a": {"type": "x", "after": ["b", "b"]}}, "/nodes/a/after/1", "names b a second time"),
        (
            {"b": task(), "a": {"type": "x", "after": ["b", {"node": "b", "on": "failure"}]}},
            "/nodes/a/after/1",
            "for either end there is `done`",
        ),
        (
            {"a": {"type": "x", "after": ["c"]}, "b": {"type": "x", "after": ["a"]}, "c": {"type": "x", "after": ["b"]}},
            "/nodes/a/after/0",
            "a → b → c → a",
        ),
        (
            {"a": task(x=ref("b.result")), "b": {"type": "x", "after": ["a"]}},
            "/nodes/a/payload/x/$ref",
            "a → b → a",
        ),
        (
            {"a": task(), "b": {"type": "x", "after": ["a"]}, "c": {"type": "x", "after": ["b", FAILED_A]}},
            "/nodes/c",
            "can never run: a would have to succeed (for b) and to fail (c comes after it)",
        ),
        (
            {"a": task(), "b": task(x=ref("a.result")), "c": {**task(y=ref("b.result")), "after": [FAILED_A]}},
            "/nodes/c",
            "can never run",
        ),
        # references
        ({"a": task(x=ref("b.result"))}, "/nodes/a/payload/x/$ref", "there is no node 'b' here"),
        ({"a": task(x=[1, ref("a.result")])}, "/nodes/a/payload/x/1/$ref", "cannot refer to itself"),
        ({"a": task(x=ref("item"))}, "/nodes/a/payload/x/$ref", "only in the payload of a node with for_each"),
        ({"a": {"type": "x", "for_each": [ref("index")]}}, "/nodes/a/for_each/0/$ref", "index is known only"),
        ({"a": task(x=ref("nonsense"))}, "/nodes/a/payload/x/$ref", "say what of nonsense is meant"),
        ({"b": task(), "a": task(x=ref("b.results"))}, "/nodes/a/payload/x/$ref", "it has one b.result"),
        (
            {"b": {"type": "x", "for_each": []}, "a": task(x=ref("b.result"))},
            "/nodes/a/payload/x/$ref",
            "b is done for each item: b.results is the list",
        ),
        (
            {"b": {"type": "x", "for_each": []}, "a": task(x=ref("b.results.title"))},
            "/nodes/a/payload/x/$ref",
            "leads nowhere: b.results is a list, of which one is b.results[0]",
        ),
        ({"a": task(x=ref("finally.result"))}, "/nodes/a/payload/x/$ref", "comes after everything else"),
        ({"a": {"type": "x", "payload": ref("index"), "for_each": [1]}}, "/nodes/a/payload/$ref", "is a number"),
        (
            {"b": {"type": "x", "for_each": [1]}, "a": {"type": "x", "payload": ref("b.results")}},
            "/nodes/a/payload/$ref",
            "is a list, and a payload has to be an object",
        ),
        # lists
        ({"a": {"type": "x", "for_each": {"b": 1}}}, "/nodes/a/for_each", "must be a list, or a reference"),
        ({"a": {"type": "x", "for_each": None}}, "/nodes/a/for_each", "must be a list, or a reference"),
        ({"a": {"type": "x", "for_each": [0] * 10_001}}, "/nodes/a/for_each", "has 10001 items; at most 10000"),
        (
            {"a": {"workflow": {"nodes": {"b": task(), "c": task()}}, "for_each": [0] * 5_001}},
            "/nodes/a/for_each",
            "makes 5001 workflows of 2 nodes; at most 10000 nodes are allowed",
        ),
        ({"a": {"type": "x", "for_each": ref("workflow.name")}}, "/nodes/a/for_each/$ref", "is a text, and for_each needs"),
        # what types say of their results
        (
            {"f": {"type": "web.title"}, "a": task(x=ref("f.result.titel"))},
            "/nodes/a/payload/x/$ref",
            "leads nowhere: f.result has no member 'titel'; it has title, status, links, as web.title says of its result",
        ),
        (
            {"f": {"type": "web.title"}, "a": task(x=ref("f.result.links[0].href"))},
            "/nodes/a/payload/x/$ref",
            "f.result.links[0] has no member 'href'; it has url",
        ),
        (
            {"f": {"type": "web.title", "for_each": [1]}, "a": task(x=ref("f.results[3].links.0.href"))},
            "/nodes/a/payload/x/$ref",
            "f.results[3].links.0 has no member 'href'; it has url",
        ),
        (
            {"f": {"type": "text"}, "a": task(x=ref("f.result.a"))},
            "/nodes/a/payload/x/$ref",
            "f.result is a text, it has no 'a'",
        ),
        (
            {"f": {"type": "web.title"}, "a": {"type": "x", "for_each": ref("f.result.title")}},
            "/nodes/a/for_each/$ref",
            "is null or a text, and for_each needs a list",
        ),
        ({"f": {"type": "text"}, "a": {"type": "x", "payload": ref("f.result")}}, "/nodes/a/payload/$ref", "is a text"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_node(nodes: Mapping[str, Any], pointer: str, words: str) -> None:
    found = refused(nodes)
    assert list(found) == [pointer]
    assert words in found[pointer]


def test_what_may_be_is_not_refused() -> None:
    made(
        {
            "f": {"type": "web.title"},
            "g": {"type": "open"},
            "h": task(
                a=ref("f.result.title"),
                b=ref("f.result.links[0].url"),
                c=ref("g.result.b.c"),
                d=ref("x.result.y"),
            ),
            "x": {"type": "never.heard.of"},
            "i": {"type": "x", "for_each": ref("f.result.links"), "payload": ref("item")},
            "j": {"type": "x", "for_each": [ref("f.result"), ref("input.a")], "payload": ref("f.result")},
        }
    )


def test_several_errors_are_told_at_once_and_no_more_than_twenty() -> None:
    found = refused({"a": {}, "B": task(), "c": {"type": "x", "after": ["q"], "payload": {"x": ref("item")}}})
    assert set(found) == {"/nodes/a", "/nodes/B", "/nodes/c/after/0", "/nodes/c/payload/x/$ref"}
    assert len(refused({f"n{n}": {} for n in range(50)})) == 20


def test_finally_is_refused_what_it_cannot_have() -> None:
    last = {"type": "x", "after": ["a"], "payload": {"x": ref("finally.result"), "y": ref("b.result")}}
    assert set(refused({"a": task()}, **{"finally": last})) == {
        "/finally/after",
        "/finally/payload/x/$ref",
        "/finally/payload/y/$ref",
    }


def test_a_result_may_refer_to_nodes_alone() -> None:
    result = made({"a": task()}, result={"x": ref("a.result")}).result
    assert result is not None
    assert [str(one) for one in result.refs] == ["a.result"]
    assert set(refused({"a": task()}, result=[ref("item"), ref("b.result"), ref("finally.result")])) == {
        "/result/0/$ref",
        "/result/1/$ref",
        "/result/2/$ref",
    }


def test_the_nodes_of_all_workflows_are_counted_together() -> None:
    inner = {"nodes": {f"n{n}": task() for n in range(999)}}
    made(
        {"a": {"workflow": inner}, "b": {"workflow": {"nodes": {f"n{n}": task() for n in range(998)}}}},
        **{"finally": task()},
    )
    found = refused({"a": {"workflow": inner}, "b": {"workflow": inner}}, **{"finally": task()})
    assert found == {
        "/nodes": "are more than 2000, those of sub-workflows and `finally` counted: that is the most"
    }


def test_workflows_lie_at_most_five_deep() -> None:
    nodes: dict[str, Any] = {"a": task()}
    for _ in range(4):
        nodes = {"a": {"workflow": {"nodes": nodes}}}
    made(nodes)
    assert refused({"a": {"workflow": {"nodes": nodes}}}) == {
        "/nodes/a/workflow/nodes/a/workflow/nodes/a/workflow/nodes/a/workflow/nodes/a/workflow": (
            "lies too deep: 5 levels are allowed, with the outermost"
        )
    }


def test_shapes_that_are_wrong_are_named_in_every_node() -> None:
    with pytest.raises(Invalid) as caught:
        read(
            json.dumps(
                {
                    "name": "test",
                    "nodes": {
                        "a": {"type": "x", "finally": 1},
                        "b": {"type": "x", "priority": 11},
                        "c": {
                            "workflow": {"nodes": {"d": {"type": "x", "after": [{"node": "e", "on": "end"}]}}}
                        },
                        "e": 7,
                    },
                    "finally": {"type": "X"},
                }
            ).encode(),
            "/workflow",
        )
    found = {one.pointer.removeprefix("/workflow"): one.detail for one in caught.value.errors}
    assert found == {
        "/nodes/a/finally": "is not a known field",
        "/nodes/b/priority": "expected `int` <= 9",
        "/nodes/c/workflow/nodes/d/after/0/on": "must be one of success, failure, done",
        "/nodes/e": "expected `object`, got `int`",
        "/finally/type": "is not a task type: one has 1 to 100 characters of a-z, 0-9, '_', '.' and '-'",
    }


def test_what_is_written_again_is_what_was_given() -> None:
    """An idempotency key remembers it: what a later version adds to the fields must not make it another."""
    assert json.loads(msgspec.json.encode(read(json.dumps(REPORT).encode()))) == REPORT


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"nodes": {"a": {"type": "x"}}}, "/name"),
        ({"name": "A b", "nodes": {"a": {"type": "x"}}}, "/name"),
        ({"name": "a"}, "/nodes"),
        ({"name": "a", "nodes": [], "x": 1}, "/nodes"),
        ({"name": "a", "nodes": {"a": {"type": "x"}}, "deadline": 0}, "/deadline"),
        ({"name": "a", "nodes": {"a": {"type": "x"}}, "max_concurrency": 0}, "/max_concurrency"),
        ({"name": "a", "nodes": {"a": {"workflow": {"nodes": {}, "input": 1}}}}, "/nodes/a/workflow/input"),
    ],
)
def test_fields_of_the_workflow_are_named(body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(json.dumps(body).encode())
    assert [one.pointer for one in caught.value.errors] == [pointer]


def test_nesting_without_end_is_refused() -> None:
    text = b'{"name":"a","nodes":' + b'{"a":{"workflow":{"nodes":' * 5_000 + b"{}" + b"}}}" * 5_000 + b"}"
    with pytest.raises(Invalid, match="nested deeper"):
        read(text)
    deep = {"name": "a", "nodes": {"a": {"type": "x", "payload": {}}}}
    text = json.dumps(deep).encode().replace(b"{}", b'{"x":' + b"[" * 100 + b"]" * 100 + b"}")
    with pytest.raises(Invalid, match="/nodes/a/payload: is nested deeper than 100 levels"):
        wired(read(text))


def test_two_thousand_nodes_in_one_chain_are_wired() -> None:
    found = made({f"n{n}": task(x=ref(f"n{n - 1}.result")) if n else task() for n in range(2_000)})
    assert found.nodes["n1999"].after == (Edge("n1998"),)


def test_what_a_workflow_is_given_is_checked() -> None:
    made({"a": task(x=ref("input.day"))}, input={"day": "monday"})
    assert refused({"a": task()}, input="x" * 1_048_576) == {"/input": "has more than 1048576 bytes"}
    assert refused({"a": task()}, result="x" * 1_048_576) == {"/result": "has more than 1048576 bytes"}
