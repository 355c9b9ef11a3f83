"""Workflows driven by hand through real stores, in an order that chance makes, and compared with the model at every step.

The driver is dispatcher, workers, collector, promoter, reaper and operator in one: it leases, ends attempts as their fates say,
lets time pass, dies between statements, comes back, and says again what was heard long ago. Two stores are open on one
database, as of two processes; in every second play the first does nearly everything and dies seldom, so that what it remembers
of its workflows is mostly true.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Raw
from tests.fuzz.kills import Killed, Kills
from tests.fuzz.model import Expected, early, expected, redriven
from tests.fuzz.specs import FINALLY, Fate, GraphSpec, NodeSpec, Place, WorkflowSpec, request

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment, Register
from taskflow_hub.domain.model import AttemptOutcome, Reason, TaskError, TaskType
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.workflow_view import NodeView, Workflow, WorkflowState
from taskflow_hub.store.base import Store
from taskflow_hub.store.values import WorkflowFilter
from taskflow_hub.testing.store_contract.kit import ManualClock

T = TypeVar("T")
OOPS: Final = TaskError("ValueError", "oops")
STEPS: Final = 4_000  # more than any of them needs: who is not done by then never ends
DEADLINE_S: Final = 10_000.0  # more than passes by itself in so many steps
SLOTS: Final = 100_000
HEARD: Final = {Verdict.APPLIED, Verdict.DUPLICATE, Verdict.ABORTED}

Submit = Callable[[Store, str, dict[str, Any]], Awaitable[str]]  # store, account, body → the workflow's id


@dataclass
class Unit:
    """What has become of one task so far."""

    task: str
    step: int = 0  # of its fate
    end: str | None = None
    rerun: bool = False  # by a redrive: it succeeds then

    def fate(self, node: NodeSpec, place: Place) -> Fate:
        return Fate() if self.rerun else node.fate(place)


@dataclass
class Flow:
    """One workflow and its story."""

    spec: WorkflowSpec
    name: str
    id: str = ""
    expected: Expected = field(default_factory=lambda: Expected("", {}))
    units: dict[Place, Unit] = field(default_factory=dict)
    ends: int = 0
    redriven: bool = False
    stopped: bool = False  # cancelled, or out of time: from then on nothing begins but `finally`

    @property
    def ended(self) -> dict[Place, str]:
        return {place: unit.end for place, unit in self.units.items() if unit.end is not None}

    def spot(self, place: Place) -> tuple[GraphSpec, Expected, NodeSpec, Place]:
        """The graph a unit is in, how that should end, the unit's node, and where the graph is."""
        graph, found, at = self.spec.graph, self.expected, 1
        while True:
            node = graph.node(str(place[at]))
            end = at + (2 if node.fans_out else 1)
            if node.graph is None:
                assert end == len(place), f"there is no such unit: {place}"
                return graph, found, node, place[:at]
            graph, found, at = node.graph, self.expected.inner[place[:end]], end


class Drive:
    def __init__(
        self,
        open_store: Callable[[], Awaitable[Store]],
        submit: Submit,
        kills: Kills,
        clock: ManualClock,
        seed: int,
    ) -> None:
        self.open_store, self._submit, self.kills, self.clock = open_store, submit, kills, clock
        self.chance = random.Random(seed)
        self.alone = seed % 2 == 1
        self.account, self.type = new_id(), f"fuzz.{new_id()}"
        self.stores: list[Store] = []
        self.workers: list[str] = []
        self.flows: dict[str, Flow] = {}
        self.running: dict[tuple[str, int], tuple[Assignment, int]] = {}  # and which worker's it is
        self.saying: set[tuple[str, int]] = (
            set()
        )  # of which the end is being told; nobody dies while two are at it

    # --- the story -------------------------------------------------------------------------------------------------------

    async def run(self, specs: Sequence[WorkflowSpec]) -> None:
        for number in range(2):
            self.stores.append(await self.open_store())
            self.workers.append("")
            await self._register(number)
        try:
            for number, spec in enumerate(specs):
                await self._begin(spec, f"w{number}")
            await self._until_ended()
            for flow in self.flows.values():
                await self._compare(flow)
        finally:
            for store in self.stores:
                await store.close()

    async def _begin(self, spec: WorkflowSpec, name: str) -> None:
        flow = self.flows[name] = Flow(spec, name, expected=expected(spec.graph, (name,), spec.cut))
        deadline = DEADLINE_S if spec.interrupt == "deadline" else None
        flow.id = await self._submit(
            self.stores[0], self.account, request(spec, name, self.type, deadline=deadline)
        )
        if spec.cut:
            nodes = (await self._view(flow.id)).nodes or {}
            ids = [id for node in sorted(spec.cut) if (id := nodes[node].task_id) is not None]
            await self._ask(lambda store: store.cancel(self.account, ids))

    async def _until_ended(self) -> None:
        usual = [self._lease] * 4 + [self._end] * 6 + [self._pass_time] * 2
        steps = usual * (6 if self.alone else 1) + [self._die, self._say_again]
        open_flows = list(self.flows.values())
        for number in range(STEPS):
            await self.chance.choice(steps)()
            await self._interrupt()
            if number % 8 == 7 or not self.running:
                await self._lease()
                await self._pass_time()
                if not self.running:
                    open_flows = await self._still_open(open_flows)
                    if not open_flows:
                        return
        raise AssertionError(f"never ends: {[flow.spec for flow in open_flows]}")

    async def _still_open(self, flows: Sequence[Flow]) -> list[Flow]:
        where = WorkflowFilter(status=(WorkflowState.RUNNING,))
        page = await self.stores[0].workflows(self.account, where, limit=len(flows))
        run = {one.id for one in page.items}
        return [flow for flow in flows if flow.id in run or not await self._is_over(flow)]

    async def _is_over(self, flow: Flow) -> bool:
        """Of one that has ended: is that the end of the story?"""
        if not flow.spec.again or flow.redriven or flow.expected.status == "success":
            return True
        await self._compare(flow)
        await self._redrive(flow)
        return False

    async def _redrive(self, flow: Flow) -> None:
        await self._ask(lambda store: store.redrive_workflow(self.account, flow.id))
        flow.redriven, flow.expected = True, redriven(flow.spec.graph, (flow.name,), flow.expected)
        again = {place: Unit("", rerun=True) for place in flow.expected.rerun}
        kept = {place: unit for place, unit in flow.units.items() if place in flow.expected.units}
        flow.units = kept | again

    def _somebody(self) -> int:
        return int(self.chance.random() < (0.01 if self.alone else 0.5))

    # --- steps -----------------------------------------------------------------------------------------------------------

    async def _lease(self) -> None:
        number = self._somebody()
        leased = await self._call(
            number, lambda store: store.lease([self.workers[number]], self.chance.randint(1, 100))
        )
        for lease in leased.leases if leased else ():
            self._started(lease.assignment, number)

    async def _end(self) -> None:
        """Some that run, as their fates say; on both stores at once, but where one of them is about to die."""
        most = self.chance.choice((1, 2, 30)) if self.alone else 30
        some = self.chance.sample(sorted(self.running), min(len(self.running), self.chance.randint(1, most)))
        by_store: tuple[list[Any], list[Any]] = ([], [])
        for key in some:
            by_store[self._somebody()].append(key)
        ends = [self._end_these(number, keys) for number, keys in enumerate(by_store)]
        if not self.kills.armed:
            await asyncio.gather(*ends)
        else:
            for end in ends:
                await end

    async def _end_these(self, number: int, keys: Sequence[tuple[str, int]]) -> None:
        of: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for key in keys:
            if key not in self.running:
                continue
            flow, place = self._whose(self.running[key][0])
            node = flow.spot(place)[2]
            unit = flow.units[place]
            of[unit.fate(node, place).step(unit.step)].append(key)
        for how, those in of.items():
            some = [key for key in those if key in self.running]  # a process may have died just now
            self.saying = set(some)
            verdicts = await self._say(number, how, some)
            self.saying = set()
            for key, verdict in zip(some, verdicts or [], strict=False):
                self._heard(key, how, verdict)

    async def _say(self, number: int, how: str, keys: Sequence[tuple[str, int]]) -> Sequence[Verdict] | None:
        def fence(key: tuple[str, int]) -> dict[str, Any]:
            return {"id": key[0], "attempt": key[1], "ran_s": 0.5}

        match how:
            case "ok":
                items = [
                    moves.Succeed(**fence(key), result=self._result(self.running[key][0])) for key in keys
                ]
                return await self._call(number, lambda store: store.succeed(items))
            case "fail":
                fails = [moves.Fail(**fence(key), reason=Reason.HANDLER, error=OOPS) for key in keys]
                return await self._call(number, lambda store: store.fail(fails))
            case "retry":
                retries = [moves.Retry(**fence(key), delay_s=1.0, error=OOPS) for key in keys]
                return await self._call(number, lambda store: store.retry(retries))
            case "snooze":
                snoozes = [moves.Snooze(**fence(key), delay_s=1.0) for key in keys]
                return await self._call(number, lambda store: store.snooze(snoozes))
            case "release":
                releases = [moves.Release(**fence(key)) for key in keys]
                return await self._call(number, lambda store: store.release(releases))
            case "lose":
                loses = [
                    moves.Lose(
                        id=key[0],
                        attempt=key[1],
                        worker=self.workers[self.running[key][1]],
                        outcome=AttemptOutcome.LOST,
                    )
                    for key in keys
                ]
                return await self._call(number, lambda store: store.lose(loses))
            case _:  # cancel: a person asks, and the worker obeys
                ids = [key[0] for key in keys]
                if await self._call(number, lambda store: store.cancel(self.account, ids)) is None:
                    return None
                aborts = [moves.Abort(**fence(key)) for key in keys]
                return await self._call(number, lambda store: store.abort(aborts))

    async def _pass_time(self) -> None:
        self.clock.advance(1.5)
        number = self._somebody()
        await self._call(number, lambda store: store.promote_due(1_000))
        await self._call(number, lambda store: store.expire_workflows(1_000))

    async def _interrupt(self) -> None:
        for flow in self.flows.values():
            if (
                not flow.stopped
                and flow.spec.interrupt is not None
                and flow.ends >= flow.spec.interrupt_after
            ):
                await (self._run_out() if flow.spec.interrupt == "deadline" else self._cancel(flow))

    async def _cancel(self, flow: Flow) -> None:
        await self._ask(lambda store: store.cancel_workflow(self.account, flow.id))
        flow.stopped = True

    async def _run_out(self) -> None:
        """The deadline of all that have one."""
        self.clock.advance(DEADLINE_S)
        await self._ask(lambda store: store.expire_workflows(1_000))
        for flow in self.flows.values():
            flow.stopped = flow.stopped or flow.spec.interrupt == "deadline"

    async def _die(self) -> None:
        """Somewhere in the next few statements a process ends; what it says then is not heard."""
        self.kills.arm(self.chance)
        await self.chance.choice([self._lease, self._end, self._end, self._end, self._pass_time])()
        self.kills.spare()

    async def _say_again(self) -> None:
        """What has ended is said to have ended once more: nothing comes of it."""
        over = [
            (flow, unit)
            for flow in self.flows.values()
            for unit in flow.units.values()
            if unit.end == "success"
        ]
        if over:
            _, unit = self.chance.choice(over)
            task = (await self.stores[0].tasks([unit.task]))[unit.task]
            again = [moves.Succeed(id=task.id, attempt=task.attempt, ran_s=0.5, result=Raw(b'"twice"'))]
            assert await self.stores[1].succeed(again) == [Verdict.DUPLICATE]

    # --- what is seen ----------------------------------------------------------------------------------------------------

    def _whose(self, assignment: Assignment) -> tuple[Flow, Place]:
        place: Place = tuple(_flat(msgspec.json.decode(assignment.payload)["at"]))
        return self.flows[str(place[0])], place

    def _started(self, assignment: Assignment, number: int) -> None:
        flow, place = self._whose(assignment)
        graph, found, node, here = flow.spot(place)
        unit = flow.units.setdefault(place, Unit(assignment.id))
        unit.task = unit.task or assignment.id
        assert unit.task == assignment.id, f"{place} has two tasks"
        assert unit.end is None, f"{place} runs although it has ended"
        if not flow.stopped:
            assert found.nodes[node.name] != "skipped", f"{place} runs although its branch is not taken"
            waits_for = early(graph, node.name, here, found, flow.ended)
            assert waits_for is None, f"{place} runs before {waits_for} has ended"
            if not (unit.rerun and node.fans_out):  # an item was told when its list was gone through
                self._check_told(flow, place, msgspec.json.decode(assignment.payload)["parents"])
        else:
            assert unit.step or node.name == FINALLY, f"{place} begins although its workflow was stopped"
        self.running[assignment.id, assignment.attempt] = (assignment, number)

    def _check_told(self, flow: Flow, place: Place, told: dict[str, Any]) -> None:
        graph, found, node, here = flow.spot(place)
        if node is graph.last:
            before = [
                name
                for name, end in found.nodes.items()
                if name != FINALLY and end in {"failed", "cancelled"}
            ]
            failed = any(not graph.node(name).allow_failure for name in before)
            assert told == {"": {"status": "failed" if failed else "success"}}, f"{place} was told {told}"
            return
        for name, of_it in told.items():
            parent = graph.node(name)
            assert of_it["status"] == found.nodes[name], f"{place} was told {of_it} of {name}"
            if parent.kind == "task":
                expects = self._result_of(graph, (*here, name)) if found.nodes[name] == "success" else None
                assert of_it["result"] == expects, f"{place} was told {of_it} of {name}"
            elif parent.kind == "each" and found.nodes[name] != "skipped":
                units = [(*here, name, item) for item in range(parent.items)]
                answers = [
                    self._result_of(graph, unit) if found.units[unit] == "success" else None for unit in units
                ]
                assert of_it["result"] == answers, f"{place} was told {of_it} of {name}"
            elif parent.kind == "sub" and found.nodes[name] == "success":
                assert _flat(of_it["result"]["of"]) == [*here, name], f"{place} was told {of_it} of {name}"

    def _result(self, assignment: Assignment) -> Raw:
        flow, place = self._whose(assignment)
        return Raw(msgspec.json.encode(self._result_of(flow.spot(place)[0], place)))

    @staticmethod
    def _result_of(graph: GraphSpec, place: Place) -> dict[str, Any]:
        lists = {} if isinstance(place[-1], int) else graph.lists_of(str(place[-1]))
        return {"at": [*place], "lists": lists}

    def _heard(self, key: tuple[str, int], how: str, verdict: Verdict) -> None:
        assignment, _ = self.running.pop(key)
        flow, place = self._whose(assignment)
        unit = flow.units[place]
        assert verdict in HEARD, f"{place}: {how} was {verdict}"
        asked = verdict is Verdict.ABORTED or how == "cancel"
        assert not asked or how == "cancel" or flow.stopped, f"{place} was cancelled by nobody"
        unit.step += 1
        if asked or how in {"ok", "fail"}:
            unit.end = "cancelled" if asked else {"ok": "success", "fail": "failed"}[how]
            flow.ends += 1

    # --- at the end ------------------------------------------------------------------------------------------------------

    async def _view(self, id: str) -> Workflow:
        view = await self.stores[0].workflow(self.account, id)
        assert view is not None, f"there is no workflow {id}"
        return view

    async def _compare(self, flow: Flow) -> None:
        view = await self._view(flow.id)
        assert view.finished_at is not None
        late = view.error is not None and view.error.type == "DeadlineExceeded"
        if late or view.cancel_requested_at is not None:
            await self._check_stopped(flow, view, late=late)
            return
        assert flow.ended == flow.expected.units, f"{flow.ended}, not {flow.expected.units}: {flow.spec}"
        await self._compare_nodes(flow.spec.graph, flow.expected, (flow.name,), view)

    async def _compare_nodes(self, graph: GraphSpec, found: Expected, here: Place, view: Workflow) -> None:
        assert view.nodes is not None
        nodes = {name: str(node.status) for name, node in view.nodes.items()}
        assert nodes == found.nodes, f"{nodes}, not {found.nodes}: {graph}"
        assert view.status == found.status, f"{view.status}, not {found.status}: {graph}"
        for name, node in view.nodes.items():
            spec = graph.node(name)
            if spec.kind in {"each", "subs"} and found.nodes[name] != "skipped":
                self._compare_items(spec, found, (*here, name), node)
            if spec.kind == "sub" and spec.graph is not None and found.nodes[name] != "skipped":
                assert node.workflow_id is not None
                inner = await self._view(node.workflow_id)
                await self._compare_nodes(spec.graph, found.inner[*here, name], (*here, name), inner)

    @staticmethod
    def _compare_items(spec: NodeSpec, found: Expected, here: Place, node: NodeView) -> None:
        places = [(*here, item) for item in range(spec.items)]
        ends = [found.units[one] if spec.graph is None else found.inner[one].status for one in places]
        assert node.items is not None
        counts = (node.items.total, node.items.success, node.items.failed, node.items.cancelled)
        assert counts == (spec.items, ends.count("success"), ends.count("failed"), ends.count("cancelled"))

    async def _check_stopped(self, flow: Flow, view: Workflow, *, late: bool) -> None:
        """Nobody knows how far it came. But what began has ended as it should, or was cancelled; and `finally` ran."""
        assert flow.stopped, f"{flow.name} was stopped by nobody"
        assert view.nodes is not None
        waited = [unit for unit in flow.units.values() if unit.end is None]  # for another attempt
        tasks = await self.stores[0].tasks([unit.task for unit in waited])
        for unit in waited:
            unit.end = str(tasks[unit.task].status)
        ends = flow.ended
        for place, end in ends.items():
            assert end in {flow.expected.units[place], "cancelled"}, f"{place} was {end}"
        for name, node in view.nodes.items():
            mine = ends.get((flow.name, name))  # of a plain node that ran
            possible = {mine} if mine else {"cancelled", "skipped"}
            if node.task_id is None:
                possible |= {"success", "failed"}
            assert str(node.status) in possible, f"{name} is {node.status}"
        spoilt = False
        if flow.spec.graph.last is not None:
            last = (flow.name, FINALLY)
            assert ends[last] == flow.expected.units[last] == str(view.nodes[FINALLY].status)
            spoilt = ends[last] == "failed"  # its failure fails the workflow, however it ended before
        assert view.status == ("failed" if late or spoilt else "cancelled")

    # --- processes that die ----------------------------------------------------------------------------------------------

    async def _call(self, number: int, call: Callable[[Store], Awaitable[T]]) -> T | None:
        """None: the process died of it. Another one begins, and the dead one's work is lost by the reaper."""
        try:
            return await call(self.stores[number])
        except Killed:
            await self._revive(number)
            return None

    async def _ask(self, call: Callable[[Store], Awaitable[T]]) -> None:
        """What a person, or a clock, asks for; who is killed asks again."""
        if self.chance.random() < (0.03 if self.alone else 0.3):
            self.kills.arm(self.chance)
        while await self._call(0, call) is None:
            pass
        self.kills.spare()

    async def _revive(self, number: int) -> None:
        self.kills.spare()
        await self.stores[number].close()
        self.stores[number] = await self.open_store()
        await self._bury(number)
        await self._register(number)

    async def _bury(self, number: int) -> None:
        store, dead = self.stores[number], self.workers[number]
        await store.bury(dead)
        while orphans := [one for one in await store.orphans(1_000) if one.worker == dead]:
            await store.lose(
                [
                    moves.Lose(id=one.id, attempt=one.attempt, worker=dead, outcome=AttemptOutcome.LOST)
                    for one in orphans
                ]
            )
        await self._forget(number)

    async def _forget(self, number: int) -> None:
        """What the dead one held runs no more; and what it said last, of whatever ran, may be stored, though unheard."""
        tasks = await self.stores[number].tasks([id for id, _ in self.running])
        for key, (assignment, whose) in list(self.running.items()):
            task = tasks[key[0]]
            if task.status is State.RUNNING and task.attempt == key[1]:
                assert whose != number, f"{assignment} runs on, though its worker is dead"
                continue
            del self.running[key]
            flow, place = self._whose(assignment)
            unit = flow.units[place]
            if task.finished_at is not None:
                unit.end = str(task.status)
                unit.step += 1
                flow.ends += 1
            elif key in self.saying:
                unit.step += await self._told_before(task.id, key[1], number)

    async def _told_before(self, id: str, attempt: int, number: int) -> int:
        """1 if this attempt's own end was stored, 0 if the reaper ended it."""
        attempts = await self.stores[number].attempts(self.account, id) or []
        mine = next((one for one in attempts if one.attempt == attempt), None)
        return int(mine is not None and mine.outcome in {"failed", "snoozed", "released"})

    async def _register(self, number: int) -> None:
        self.workers[number] = new_id()
        await self.stores[number].register(
            Register(
                worker=self.workers[number],
                name="w",
                host="h",
                pid=1,
                version="1",
                slots=SLOTS,
                window=0,
                types=(TaskType(type=self.type),),
            )
        )


def _flat(at: Sequence[Any]) -> list[str | int]:
    """A place as it is put together by references: a list in a list begins it."""
    return [part for one in at for part in (_flat(one) if isinstance(one, list) else [one])]
