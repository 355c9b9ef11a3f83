"""Workflows: fan-outs, sub-workflows, and what references find."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.graph import MAX_ITEMS
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Reason, ResultRef
from taskflow_hub.domain.submission import Limit
from taskflow_hub.domain.workflow_view import Item, WorkflowState
from taskflow_hub.testing.store_contract.kit import OOPS, ContractBase, Kit
from taskflow_hub.testing.store_contract.workflow_kit import Flow, begin, graph, node, ref

SUCCESS, FAILED, RUNNING, BLOCKED, SKIPPED = "success", "failed", "running", "blocked", "skipped"


def over_list() -> dict[str, Any]:
    """A list, a task for each item, and one for all that they answered."""
    return {
        "list": node(type="list"),
        "each": node(
            type="each", for_each=ref("list.result"), payload={"item": ref("item"), "at": ref("index")}
        ),
        "sum": node(type="sum", payload={"all": ref("each.results")}),
    }


async def finish_items(flow: Flow, results: dict[int, Any], failing: tuple[int, ...] = ()) -> None:
    """End the running items of the fan-out `each`, all at once; in the order of their payload's `at`."""
    await flow.lease()
    succeeds, fails = [], []
    for id, attempt in flow.running().items():
        payload = msgspec.json.decode(attempt.payload)
        if "at" not in payload:
            continue
        if payload["at"] in failing:
            fails.append(
                moves.Fail(id=id, attempt=attempt.attempt, ran_s=1.0, reason=Reason.HANDLER, error=OOPS)
            )
        elif payload["at"] in results:
            result = Raw(msgspec.json.encode(results[payload["at"]]))
            succeeds.append(moves.Succeed(id=id, attempt=attempt.attempt, ran_s=1.0, result=result))
        else:
            continue
        flow.forget(id)
    for verdict in [*await flow.kit.store.succeed(succeeds), *await flow.kit.store.fail(fails)]:
        assert verdict is moves.Verdict.APPLIED


class WorkflowFansContract(ContractBase):
    # --- fan-outs ------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [1, 3, 700])
    async def test_a_task_for_each_item_and_one_for_all_answers(self, kit: Kit, size: int) -> None:
        flow = await begin(kit, over_list())
        assert (await flow.node("each")).items == Item(total=None)
        await flow.succeed("list", [f"n{n}" for n in range(size)])
        each = await flow.node("each")
        assert (each.status, each.items) == (State.RUNNING, Item(total=size, queued=size))
        await finish_items(flow, {n: n * 2 for n in range(size)})
        each = await flow.node("each")
        assert (each.status, each.items) == (State.SUCCESS, Item(total=size, success=size))
        assert await flow.payload("sum") == {"all": [n * 2 for n in range(size)]}
        await flow.succeed("sum")
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_no_items_at_all_is_a_success_at_once(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        await flow.succeed("list", [])
        each = await flow.node("each")
        assert (each.status, each.items) == (State.SUCCESS, Item(total=0))
        assert each.started_at == each.finished_at == kit.clock.now
        assert await flow.payload("sum") == {"all": []}

    async def test_fan_outs_without_items_one_after_the_other(self, kit: Kit) -> None:
        nodes = {"e0": node(for_each=[])}
        for n in range(1, 20):
            nodes[f"e{n}"] = node(f"e{n - 1}", for_each=ref(f"e{n - 1}.results"))
        flow = await begin(kit, nodes)
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_items_are_given_their_item_and_its_place(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        await flow.succeed("list", [{"a": 1}, "b", None, 1.50])
        await flow.lease()
        payloads = [bytes(attempt.payload) for attempt in flow.running().values()]
        assert sorted(payloads) == sorted(
            [
                b'{"item":{"a":1},"at":0}',
                b'{"item":"b","at":1}',
                b'{"item":null,"at":2}',
                b'{"item":1.5,"at":3}',
            ]
        )

    async def test_items_run_in_order(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        await flow.succeed("list", list(range(50)))
        attempts = await kit.lease(await kit.worker("each"))
        assert [msgspec.json.decode(attempt.payload)["at"] for attempt in attempts] == list(range(50))

    async def test_all_items_run_and_one_failure_fails_the_node(self, kit: Kit) -> None:
        nodes = over_list() | {
            "alarm": node("each:failure"),
            "sum": node("each:done", payload={"all": ref("each.results")}),
        }
        flow = await begin(kit, nodes)
        await flow.succeed("list", [1, 2, 3, 4])
        await finish_items(flow, {0: "a"}, failing=(1,))
        each = await flow.node("each")
        assert (each.status, each.items) == (State.RUNNING, Item(total=4, running=2, success=1, failed=1))
        await finish_items(flow, {2: "c", 3: None})
        assert await flow.states() == {"list": SUCCESS, "each": FAILED, "sum": "queued", "alarm": "queued"}
        assert await flow.payload("sum") == {"all": ["a", None, "c", None]}

    async def test_a_cancelled_item_cancels_the_node(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        await flow.succeed("list", [1, 2])
        items = (await flow.items("each")).items
        assert items[1].task_id is not None
        await kit.cancel(items[1].task_id)
        await finish_items(flow, {0: 1})
        assert await flow.states() == {"list": SUCCESS, "each": "cancelled", "sum": SKIPPED}
        assert await flow.status() is WorkflowState.FAILED

    @pytest.mark.parametrize("found", [{"a": 1}, "text", 7, None])
    async def test_what_is_no_list_fails_the_node(self, kit: Kit, found: Any) -> None:
        flow = await begin(kit, over_list())
        await flow.succeed("list", found)
        each = await flow.node("each")
        assert each.status is State.FAILED
        assert each.error is not None
        assert each.error.message == "for_each: what it refers to is no list"
        assert (await flow.node("sum")).status is State.SKIPPED
        assert await flow.status() is WorkflowState.FAILED

    async def test_too_many_items_fail_the_node(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        await flow.succeed("list", [1] * (MAX_ITEMS + 1))
        each = await flow.node("each")
        assert each.error is not None
        assert each.error.message == "for_each: the list has 10001 items, at most 10000 are allowed"

    async def test_a_quota_refuses_a_fan_out(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        await kit.store.set_quota(DEFAULT_ACCOUNT, queued=3)
        await flow.succeed("list", [1, 2, 3, 4])
        each = await flow.node("each")
        assert each.status is State.FAILED
        assert each.error is not None
        assert each.error.type == "QuotaExceeded"
        assert each.items == Item(total=None)
        assert await kit.lease() == []

    async def test_a_full_queue_refuses_a_fan_out(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        await kit.store.update_queue("default", max_size=2)
        await flow.succeed("list", [1, 2, 3])
        each = await flow.node("each")
        assert each.error is not None
        assert (each.status, each.error.type) == (State.FAILED, "QueueFull")

    async def test_a_fan_out_runs_so_many_at_a_time(self, kit: Kit) -> None:
        nodes = over_list() | {
            "each": node(
                type="each",
                for_each=ref("list.result"),
                payload={"item": ref("item"), "at": ref("index")},
                max_concurrency=3,
            )
        }
        flow = await begin(kit, nodes)
        await flow.succeed("list", list(range(10)))
        for turn in range(4):
            assert len(await flow.lease()) == (3 if turn < 3 else 1)
            await finish_items(flow, {n: n for n in range(10)})
        await flow.succeed("sum")
        limits = await kit.store.limits(DEFAULT_ACCOUNT, limit=10)
        assert limits == [], "its limits have gone with it"

    async def test_a_workflow_runs_so_many_at_a_time(self, kit: Kit) -> None:
        flow = await begin(kit, {name: node() for name in "abcde"}, max_concurrency=2)
        (row,) = await kit.store.limits(DEFAULT_ACCOUNT, limit=10)
        assert (row.key, row.running, row.pinned) == (f"workflow:{flow.id}", 2, False)
        assert len(await flow.lease()) == 2
        for name in "abcde":
            await flow.succeed(name)
        assert await kit.store.limits(DEFAULT_ACCOUNT, limit=10) == []

    async def test_what_an_operator_has_pinned_stays(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()}, max_concurrency=2)
        await kit.store.set_limit(DEFAULT_ACCOUNT, f"workflow:{flow.id}", 1, None)
        await flow.succeed("a")
        (row,) = await kit.store.limits(DEFAULT_ACCOUNT, limit=10)
        assert (row.running, row.pinned) == (1, True)

    # --- sub-workflows -------------------------------------------------------------------------------------------------

    async def test_a_workflow_is_the_work_of_a_node(self, kit: Kit) -> None:
        inner = graph(
            {"x": node(type="x", payload={"given": ref("input.n")}), "y": node("x", type="y")},
            result={"y": 1},
        )
        inner = msgspec.structs.replace(inner, result=Raw(b'{"x":{"$ref":"x.result"}}'))
        nodes = {
            "a": node(),
            "sub": node(graph=inner, payload={"n": ref("a.result")}),
            "b": node(payload={"from": ref("sub.result.x")}),
        }
        flow = await begin(kit, nodes)
        assert (await flow.node("sub")).workflow_id is None
        await flow.succeed("a", 5)
        sub = await flow.node("sub")
        assert (sub.status, sub.type, sub.task_id) == (State.RUNNING, None, None)
        assert sub.workflow_id is not None
        below = Flow(kit, await _workflow(kit, sub.workflow_id), ("x", "y"))
        assert (await below.get()).name == "sub"
        assert await below.payload("x") == {"given": 5}
        assert (await kit.get(await below.task_id("x"))).workflow_id == flow.id, "they name the root"
        await below.succeed("x", "answer")
        await below.succeed("y")
        assert (await below.get()).result == Raw(b'{"x":"answer"}')
        assert (await flow.node("sub")).result == Raw(b'{"x":"answer"}')
        assert await flow.payload("b") == {"from": "answer"}

    async def test_a_workflow_for_each_item(self, kit: Kit) -> None:
        inner = graph({"x": node(type="x", payload={"given": ref("input")})}, max_concurrency=1)
        inner = msgspec.structs.replace(inner, result=Raw(b'{"$ref":"x.result"}'))
        nodes = {
            "list": node(),
            "each": node(graph=inner, for_each=ref("list.result"), payload=ref("item"), max_concurrency=2),
            "sum": node("each:done", payload={"all": ref("each.results")}),
        }
        flow = await begin(kit, nodes, max_concurrency=3)
        await flow.succeed("list", ["a", "b", "c", "d"])
        assert (await flow.node("each")).items == Item(total=4, running=4)
        ended = 0
        while leased := await flow.lease():
            assert len(leased) <= 2, "so many of the items' tasks at a time"
            for id in leased:
                attempt = flow.running()[id]
                given = msgspec.json.decode(attempt.payload)["given"]
                if given == "b":
                    await kit.fail(attempt)
                else:
                    await kit.succeed(attempt, msgspec.json.encode(given * 2))
                flow.forget(id)
                ended += 1
            if ended == 4:
                break
        each = await flow.node("each")
        assert (each.status, each.items) == (State.FAILED, Item(total=4, success=3, failed=1))
        assert await flow.payload("sum") == {"all": ["aa", None, "cc", "dd"]}
        await flow.succeed("sum")
        assert await kit.store.limits(DEFAULT_ACCOUNT, limit=10) == []

    async def test_workflows_within_workflows_end_all_together(self, kit: Kit) -> None:
        inner = graph({"x": node()})
        for _ in range(3):
            inner = graph({"in": node(graph=inner, payload={})})
        flow = await begin(kit, {"top": node(graph=inner, payload={}), "b": node("top")})
        (id,) = await flow.lease()
        await kit.succeed(flow.running()[id])
        assert await flow.states() == {"top": SUCCESS, "b": "queued"}

    async def test_a_sub_workflow_that_fails_fails_its_node(self, kit: Kit) -> None:
        inner = graph({"x": node(type="x")})
        flow = await begin(
            kit,
            {
                "sub": node(graph=inner, payload={}),
                "alarm": node("sub:failure", payload={"why": ref("sub.error.message")}),
            },
        )
        (id,) = await flow.lease()
        await kit.fail(flow.running()[id])
        assert await flow.states() == {"sub": FAILED, "alarm": "queued"}
        assert await flow.payload("alarm") == {"why": "these nodes did not succeed: x"}

    # --- references ----------------------------------------------------------------------------------------------------

    async def test_every_field_is_found(self, kit: Kit) -> None:
        wanted = {
            "result": ref("a.result"),
            "part": ref("a.result.list[1].x"),
            "error": ref("bad.error.message"),
            "none": ref("a.error"),
            "status": [ref("a.status"), ref("bad.status"), ref("skipped.status")],
            "missing": [
                ref("bad.result"),
                ref("skipped.result"),
                ref("skipped.result.x"),
                ref("off.results"),
            ],
            "input": ref("input.who"),
            "workflow": [
                ref("workflow.id"),
                ref("workflow.name"),
                ref("workflow.status"),
                ref("workflow.failed"),
            ],
            "literal": {"$literal": {"$ref": "a.result"}},
        }
        nodes = {
            "a": node(),
            "bad": node(type="bad"),
            "skipped": node("bad"),
            "off": node("bad", for_each=[1]),
            "z": node("a:done", "bad:done", "skipped:done", "off:done", type="z", payload=wanted),
        }
        flow = await begin(kit, nodes, input=Raw(b'{"who":"me"}'))
        await flow.succeed("a", {"list": [0, {"x": "deep"}]})
        await flow.fail("bad")
        assert await flow.payload("z") == {
            "result": {"list": [0, {"x": "deep"}]},
            "part": "deep",
            "error": "oops",
            "none": None,
            "status": ["success", "failed", "skipped"],
            "missing": [None, None, None, None],
            "input": "me",
            "workflow": [flow.id, "w", "failed", ["bad"]],
            "literal": {"$ref": "a.result"},
        }

    async def test_a_path_that_leads_nowhere_fails_the_node(self, kit: Kit) -> None:
        flow = await begin(
            kit, {"a": node(), "b": node(payload={"x": ref("a.result.title")}), "c": node("b:failure")}
        )
        await flow.succeed("a", {"titel": 1})
        assert await flow.states() == {"a": SUCCESS, "b": FAILED, "c": "queued"}
        task = await kit.get(await flow.task_id("b"))
        assert (task.status, task.reason, task.attempt) == (State.FAILED, Reason.REFERENCE, 0)
        assert task.error is not None
        assert task.error.message == (
            "payload: /x: a.result.title: a.result has no member 'title'; it has titel"
        )

    async def test_what_is_too_large_is_not_pasted(self, kit: Kit) -> None:
        big = "x" * 60_000
        payload = {"all": [ref("each.results"), ref("each.results")]}
        nodes = over_list() | {"sum": node(type="sum", payload=payload)}
        flow = await begin(kit, nodes)
        await flow.succeed("list", list(range(12)))
        await finish_items(flow, dict.fromkeys(range(12), big))
        task = await kit.get(await flow.task_id("sum"))
        assert (task.status, task.reason) == (State.FAILED, Reason.REFERENCE)
        assert task.error is not None
        assert "1048576 bytes; let the handler read it with ctx.inputs" in task.error.message

    async def test_results_that_are_too_large_together_are_not_even_read(self, kit: Kit) -> None:
        """Those of one node; what another one answered, that is asked for at the same time, is not held back by that."""
        small = node("each:done", payload={"list": ref("list.result[0]")})
        flow = await begin(kit, over_list() | {"small": small})
        await flow.succeed("list", list(range(150)))
        await finish_items(flow, dict.fromkeys(range(150), "x" * 60_000))
        task = await kit.get(await flow.task_id("sum"))
        assert task.error is not None
        assert 'let the handler read it with ctx.inputs("each")' in task.error.message
        assert await flow.payload("small") == {"list": 0}

    async def test_more_nodes_than_begin_together(self, kit: Kit) -> None:
        nodes = {f"n{n}": node(payload={"n": ref(f"a.result[{n}]")}) for n in range(250)}
        flows = [await begin(kit, {"a": node(type=f"a{n}"), **nodes}) for n in range(2)]
        for flow in flows:
            await flow.succeed("a", list(range(250)))
            assert [await flow.payload(f"n{n}") for n in (0, 99, 100, 249)] == [
                {"n": n} for n in (0, 99, 100, 249)
            ]
            assert set((await flow.states()).values()) == {SUCCESS, "queued"}

    async def test_a_result_outside_the_store_is_not_pasted(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node(payload={"x": ref("a.result")})})
        attempt = await flow.attempt("a")
        outside = ResultRef(storage="folder", ref="r", preview="[1", size=99_999, ttl=None)
        await kit.store.succeed(
            [moves.Succeed(id=attempt.id, attempt=attempt.attempt, ran_s=1.0, result_ref=outside)]
        )
        task = await kit.get(await flow.task_id("b"))
        assert task.error is not None
        assert task.error.message == (
            'payload: /x: a.result: is too large to be pasted; let the handler read it with ctx.inputs("a")'
        )

    async def test_a_payload_must_come_out_as_an_object(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node(payload=ref("a.result"))})
        await flow.succeed("a", [1])
        task = await kit.get(await flow.task_id("b"))
        assert task.reason is Reason.REFERENCE

    async def test_a_types_limits_follow_from_the_payload(self, kit: Kit) -> None:
        stated = {"stated": (Limit("host:{host}", running=1),), "limits": (Limit("own", running=7),)}
        nodes = {
            "list": node(),
            "b": node(type="b", payload={"host": ref("list.result[0]")}, task=stated),
            "each": node(
                type="each", for_each=ref("list.result"), payload={"host": ref("item")}, task=stated
            ),
        }
        flow = await begin(kit, nodes, max_concurrency=50)
        await flow.succeed("list", ["h1", "h2", "h1"])
        rows = await kit.store.limits(DEFAULT_ACCOUNT, limit=10)
        assert {row.key: row.running for row in rows} == {
            "host:h1": 1,
            "host:h2": 1,
            "own": 7,
            f"workflow:{flow.id}": 50,
        }
        assert len(await flow.lease()) == 2, "one for each host"

    async def test_a_key_that_cannot_be_made_fails_the_node(self, kit: Kit) -> None:
        stated = {"stated": (Limit("host:{host}", running=1),)}
        flow = await begin(kit, {"a": node(), "b": node(payload={"host": ref("a.result")}, task=stated)})
        await flow.succeed("a", {"not": "a text"})
        task = await kit.get(await flow.task_id("b"))
        assert (task.status, task.reason) == (State.FAILED, Reason.REFERENCE)


async def _workflow(kit: Kit, id: str) -> Any:
    found = await kit.store.workflow(DEFAULT_ACCOUNT, id)
    assert found is not None
    return found
