"""Workflows in Python: the same JSON as by hand, and mistakes told where they are made."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import Field
from tests.unit.test_wired import REPORT

from taskflow_hub import (
    INDEX,
    INPUT,
    ITEM,
    WORKFLOW,
    Context,
    Hub,
    Invalid,
    Limit,
    Node,
    RetryPolicy,
    Workflow,
    task,
)
from taskflow_hub.domain.graph import Edge, On
from taskflow_hub.domain.wired import wired

hub = Hub()


@dataclass
class Page:
    title: str
    links: list[str]


@hub.task("web.page")
async def fetch_page(url: str, depth: int = 1) -> Page:
    return Page(url, [])


@hub.task("page.store", max_retries=5)
def store_page(ctx: Context, title: str, meta: dict[str, object] | None = None) -> str:
    return title


@hub.task("page.sum")
async def total(pages: list[Any]) -> int:
    return len(pages)


@hub.task("alarm")
async def alarm() -> None: ...


@hub.task("mail")
def mail(to: Annotated[str, Field(alias="from")], limit: int = 3) -> None: ...


def body(flow: Workflow) -> dict[str, Any]:
    """Of the only node."""
    [node] = flow.definition()["nodes"].values()
    return dict(node)


def test_the_issues_example_is_the_issues_json() -> None:
    http_request, title = task("http.request"), task("web.title")
    with Workflow("report", max_concurrency=5) as flow:
        fetch = title.node(url="https://example.com").named("fetch")
        store = task("page.store", {"title": fetch.result["title"]}).named("store")
        fetch >> store
        store.on_failure(task("alarm", {}))
        list_ = task("list", {})
        each = http_request.map(list_.result["urls"], limit=3, url=ITEM).named("each")
        each >> task("sum", {"all": each.results})
    assert flow.definition() == REPORT
    assert list(flow.definition()["nodes"]) == list(REPORT["nodes"])


def test_handlers_make_nodes_that_are_called_after_them() -> None:
    with Workflow("pages") as flow:
        fetch = fetch_page.node("https://example.com", depth=2)
        again = fetch_page.node(url="https://example.org")
        store_page.node(fetch.result.title, meta={"links": again.result.links, "n": [1, INPUT["x"]]})
    assert flow.definition() == {
        "name": "pages",
        "nodes": {
            "fetch_page": {"type": "web.page", "payload": {"url": "https://example.com", "depth": 2}},
            "fetch_page-2": {"type": "web.page", "payload": {"url": "https://example.org"}},
            "store_page": {
                "type": "page.store",
                "payload": {
                    "title": {"$ref": "fetch_page.result.title"},
                    "meta": {"links": {"$ref": "fetch_page-2.result.links"}, "n": [1, {"$ref": "input.x"}]},
                },
            },
        },
    }
    flow.submission()


def test_edges_read_like_the_graph() -> None:
    with Workflow("edges") as flow:
        a, b, c, d, e, f = (alarm.node().named(name) for name in "abcdef")
        assert (a >> [b, c] >> d) is d
        assert (d >> e) is e
        e.on_failure(f).on_done(b_ := alarm.node().named("g"))
        f.on_success(b_)
    nodes = flow.definition()["nodes"]
    assert {name: node.get("after") for name, node in nodes.items()} == {
        "a": None,
        "b": ["a"],
        "c": ["a"],
        "d": ["b", "c"],
        "e": ["d"],
        "f": [{"node": "e", "on": "failure"}],
        "g": [{"node": "e", "on": "done"}, "f"],
    }
    found = wired(flow.submission())
    assert found.nodes["g"].after == (Edge("e", On.DONE), Edge("f"))


def test_map_gives_the_item_to_the_first_parameter() -> None:
    with Workflow("many") as flow:
        each = fetch_page.map(["https://a.example", "https://b.example"])
        store_page.map(each.results, limit=3, meta={"n": INDEX, "day": INPUT.day}).at_most(4)
        total.node(pages=each.results).named("sum")
        task("http.request").map(INPUT.requests)
        task("http.request").map(({"u": n} for n in range(2)), url=ITEM["u"])
    nodes = flow.definition()["nodes"]
    assert nodes["fetch_page"] == {
        "type": "web.page",
        "payload": {"url": {"$ref": "item"}},
        "for_each": ["https://a.example", "https://b.example"],
    }
    assert nodes["store_page"] == {
        "type": "page.store",
        "payload": {
            "title": {"$ref": "item"},
            "meta": {"n": {"$ref": "index"}, "day": {"$ref": "input.day"}},
        },
        "for_each": {"$ref": "fetch_page.results"},
        "max_concurrency": 4,
    }
    assert nodes["request"] == {
        "type": "http.request",
        "payload": {"$ref": "item"},
        "for_each": {"$ref": "input.requests"},
    }
    assert nodes["request-2"]["payload"] == {"url": {"$ref": "item.u"}}
    assert nodes["request-2"]["for_each"] == [{"u": 0}, {"u": 1}]
    flow.submission()


def test_a_parameter_that_is_called_limit_is_the_handlers() -> None:
    with Workflow("many") as flow:
        mail.map(["a"], limit=7).at_most(2)
    assert body(flow) == {
        "type": "mail",
        "payload": {"from": {"$ref": "item"}, "limit": 7},
        "for_each": ["a"],
        "max_concurrency": 2,
    }


def test_options_are_those_of_the_graph() -> None:
    options = store_page.options(
        queue="slow",
        priority=9,
        max_retries=None,
        timeout=5,
        tags=["a"],
        retry=RetryPolicy(base=2),
        limits=[Limit("k", 1)],
    )
    with Workflow("options") as flow:
        options.node(title="x").allow_failure()
    assert body(flow) == {
        "type": "page.store",
        "payload": {"title": "x"},
        "queue": "slow",
        "priority": 9,
        "max_retries": None,
        "timeout": 5,
        "tags": ["a"],
        "retry": {"kind": "exponential", "base": 2, "factor": 2.0, "max": 300.0, "jitter": True},
        "limits": [{"key": "k", "running": 1, "per_second": None}],
        "allow_failure": True,
    }
    flow.submission()
    assert task("x").options(tags="one").node()._options == {"tags": ["one"]}
    with pytest.raises(Invalid, match="store_page: delay, idempotency_key cannot be given to a node"):
        store_page.options(delay=3, idempotency_key="k").node(title="x")


def test_an_empty_object_is_the_input_of_a_workflow_within_and_null_is_none() -> None:
    with Workflow("inner") as inner:
        task("t").node(all=INPUT)
    with Workflow("outer") as outer:
        inner.node({}).named("empty")
        inner.node(None).named("null")
        inner.node().named("none")
        task("t").node({}).named("plain")
    nodes = outer.definition()["nodes"]
    assert nodes["empty"]["payload"] == {}
    assert [name for name, node in nodes.items() if "payload" in node] == ["empty"]


def test_a_workflow_within_a_workflow() -> None:
    with Workflow("outer", deadline=60, tags=["nightly"]) as outer:
        list_ = task("list", {})
        with Workflow("inner", max_concurrency=2) as inner:
            page = fetch_page.node(INPUT.url)
            inner.returns({"title": page.result.title, "name": WORKFLOW.name})
        once = inner.node(url="https://example.com")
        each = inner.map(list_.result["urls"], limit=3, url=ITEM)
        each >> total.node(pages=each.results)
        outer.finally_(task("tidy", {"failed": WORKFLOW.failed, "once": once.status}))
        outer.returns([once.result["title"], each.results])
    graph = {
        "name": "inner",
        "max_concurrency": 2,
        "nodes": {"fetch_page": {"type": "web.page", "payload": {"url": {"$ref": "input.url"}}}},
        "result": {"title": {"$ref": "fetch_page.result.title"}, "name": {"$ref": "workflow.name"}},
    }
    assert outer.definition({"day": 3}) == {
        "name": "outer",
        "nodes": {
            "list": {"type": "list"},
            "inner": {"workflow": graph, "payload": {"url": "https://example.com"}},
            "inner-2": {
                "workflow": graph,
                "payload": {"url": {"$ref": "item"}},
                "for_each": {"$ref": "list.result.urls"},
                "max_concurrency": 3,
            },
            "total": {
                "type": "page.sum",
                "payload": {"pages": {"$ref": "inner-2.results"}},
                "after": ["inner-2"],
            },
        },
        "finally": {
            "type": "tidy",
            "payload": {"failed": {"$ref": "workflow.failed"}, "once": {"$ref": "inner.status"}},
        },
        "deadline": 60,
        "result": [{"$ref": "inner.result.title"}, {"$ref": "inner-2.results"}],
        "tags": ["nightly"],
        "input": {"day": 3},
    }
    outer.submission({"day": 3})


def test_a_node_need_not_be_made_in_the_block() -> None:
    flow = Workflow("added")
    first = flow.add("first", alarm.node())
    second = alarm.node()
    first >> second  # joined with one that belongs, it belongs, too
    third, fourth = alarm.node(), alarm.node()
    third.on_failure(fourth)
    flow.add(fourth)
    store_page.node(title=first.error.message).named("told")
    told = flow.add(store_page.node(title=first.status))
    assert flow.add(told) is told
    assert set(flow.definition()["nodes"]) == {"first", "alarm", "alarm-2", "alarm-3", "store_page", "told"}


def test_what_looks_like_a_reference_is_escaped() -> None:
    schema = {"$ref": "#/$defs/x", "more": 1}
    with Workflow("escape") as flow:
        store_page.node("x", meta=schema).named("a")
        store_page.node("x", meta={"schema": schema, "real": INPUT}).named("b")
        task("t", {"$literal": 1}).named("c")
    nodes = flow.definition()["nodes"]
    assert nodes["a"]["payload"]["meta"] == {"$literal": schema}
    assert nodes["b"]["payload"]["meta"] == {"schema": {"$literal": schema}, "real": {"$ref": "input"}}
    assert nodes["c"]["payload"] == {"$literal": {"$literal": 1}}
    found = wired(flow.submission())
    assert [str(ref) for node in found.nodes.values() for ref in node.payload.refs] == ["input"]
    with pytest.raises(Invalid, match=r"has both a member \$ref"):
        store_page.node("x", meta={"$ref": "x", "y": INPUT})


def test_numbers_of_any_size_stay_what_they_are() -> None:
    with Workflow("big") as flow:
        task("t", {"n": 2**70, "x": INPUT})
    assert b'"n":1180591620717411303424' in flow._text(None)


def test_arguments_that_are_known_are_checked() -> None:
    with pytest.raises(TypeError, match=r"web.page: missing a required argument: 'url'"):
        fetch_page.node(depth=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"web.page: got an unexpected keyword argument 'uri'"):
        fetch_page.map(INPUT, uri=ITEM)
    with pytest.raises(Invalid, match="/nodes/fetch_page/payload/depth: Input should be a valid integer"):
        fetch_page.node(url=INPUT.url, depth="deep")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"fetch_page is a node, no value: say fetch_page\.result"):
        store_page.node(title=fetch_page.node("https://example.com"))  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="/nodes/list/payload/x: cannot be written as JSON"):
        task("list", {"x": object(), "y": INPUT})


def test_a_reference_cannot_be_used_as_if_it_were_known() -> None:
    title = fetch_page.node("https://example.com").result.title
    for use in (
        str,
        bool,
        len,
        list,
        lambda it: f"{it}",
        lambda it: it == "x",
        lambda it: it + "x",
        lambda it: "x" in it,
    ):
        with pytest.raises(TypeError, match=r"is known only when the workflow runs|is not iterable"):
            use(title)
    with pytest.raises(TypeError, match="neither a name nor the place"):
        title[-1]
    with pytest.raises(AttributeError, match=r"write a name that begins with a line as \['_x'\]"):
        title._x  # type: ignore[attr-defined] # noqa: B018
    assert repr(title) == "fetch_page.result.title"


def test_nodes_belong_to_one_workflow() -> None:
    with Workflow("one") as one:
        node = alarm.node()
    with pytest.raises(Invalid, match="alarm belongs to the workflow one, and cannot be part of two"):
        Workflow("two").add(node)
    with Workflow("two") as two:
        store_page.node(title=node.error.message)
    with pytest.raises(Invalid, match=r"alarm is no node of two.*two\.node\(…\), and refer to INPUT"):
        two.definition()
    with pytest.raises(TypeError, match="is no node"):
        one.add(alarm)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="is no node"):
        node >> [store_page]  # type: ignore[type-var]
    one.add("x", node)
    one.add("x", alarm.node())
    with pytest.raises(Invalid, match="Two nodes of one have the name x"):
        one.definition()


def test_other_mistakes_are_told_in_words() -> None:
    flow = Workflow("one")
    a, b = flow.add("a", alarm.node()), flow.add("b", alarm.node())
    a >> b
    with pytest.raises(
        Invalid, match="b comes after a on success and on failure; for either end there is on_done"
    ):
        a.on_failure(b)
    flow.finally_(alarm.node())
    with pytest.raises(Invalid, match="one has a node that comes last already: alarm"):
        flow.finally_(alarm.node())
    flow.add(flow.node())
    with pytest.raises(Invalid, match="one is a node of itself"):
        flow.definition()
    with pytest.raises(TypeError, match="its input is one value, or an object"):
        flow.node(1, x=2)
    tagged = Workflow("tagged", tags="x")
    outer = Workflow("outer")
    outer.add(tagged.node())
    with pytest.raises(Invalid, match="only the outermost can have them"):
        outer.definition()
    with pytest.raises(TypeError, match="a payload, or its members by name"):
        task("x").node({"a": 1}, b=2)


def test_the_graph_is_checked_as_over_http() -> None:
    with Workflow("cycle") as flow:
        a, b = alarm.node().named("a"), alarm.node().named("b")
        a >> b >> a
        flow.add("B", alarm.node())
    with pytest.raises(Invalid) as caught:
        flow.submission()
    assert {one.pointer: one.detail for one in caught.value.errors} == {
        "/nodes/B": "is not a node's name: one has 1 to 64 characters of a-z, 0-9, '_' and '-'",
        "/nodes/a/after/0": "makes a cycle, so none of them could be the first: a → b → a",
    }
    with pytest.raises(Invalid, match="/name: is not a workflow's name"):
        Workflow("Not A Name").submission()


def test_a_node_says_what_it_is() -> None:
    node: Node[Any] = alarm.node()
    assert repr(node) == "<node alarm>"
    assert repr(node.named("x")) == "<node x>"
    assert repr(Workflow("w")) == "<workflow w>"
    assert repr(task("a.b")) == "<task type 'a.b'>"
