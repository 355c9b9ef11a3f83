"""Schedules that are declared in code: what a worker says of them, and what is refused before it starts."""

from datetime import UTC, datetime
from importlib.machinery import ModuleSpec
from typing import Any

import pytest
from msgspec import UNSET

from taskflow_hub import INPUT, Context, Hub, Invalid, Misconfigured, Secret, Workflow, task
from taskflow_hub.hub.bound import BoundHandler
from taskflow_hub.worker.registry import Registry


def test_a_schedule_stands_above_its_task() -> None:
    hub = Hub("sqlite:///:memory:")

    @hub.schedule(
        "*/5 * * * *",
        tz="Europe/Amsterdam",
        payload={"month": 7},
        overlap="queue_one",
        catch_up="all",
        catch_up_limit=3,
        jitter=2,
        name="monthly",
        start_at=datetime(2030, 1, 1, tzinfo=UTC),
        queue="slow",
        tags=["a"],
    )
    @hub.schedule(every="5m", payload={"month": 8})
    @hub.schedule(every=90, payload={"month": 9})
    @hub.task("report.make")
    async def make(month: int, ctx: Context) -> None: ...

    assert make.type == "report.make"
    found = {spec.name: spec for spec in hub.registry.schedules()}
    assert set(found) == {"monthly", "report.make", "report.make.2"}
    monthly = found["monthly"]
    assert (monthly.cron, monthly.tz, monthly.overlap, monthly.catch_up, monthly.jitter) == (
        *("*/5 * * * *", "Europe/Amsterdam"),
        *("queue_one", "all", 2),
    )
    assert monthly.task is not None
    assert (bytes(monthly.task.payload), monthly.task.queue, monthly.task.tags) == (
        b'{"month":7}',
        "slow",
        ("a",),
    )
    assert (found["report.make"].every, found["report.make.2"].every) == (90, "5m")


def test_a_registry_takes_over_schedules_with_their_handlers() -> None:
    mine, theirs = Registry(), Registry()
    theirs.add("a", lambda: None)
    theirs.schedule("a", every=60)
    mine.include(theirs)
    mine.include(theirs)
    assert [spec.name for spec in mine.schedules()] == ["a"]


@pytest.mark.parametrize(
    ("cron", "options", "said"),
    [
        ("61 * * * *", {}, "/cron: its field minute, '61', is not understood"),
        (None, {}, "give either `cron` or `every`"),
        ("* * * * *", {"every": 5}, "give either `cron` or `every`"),
        ("* * * * *", {"tz": "Mars"}, "/tz: 'Mars' is no time zone"),
        (None, {"every": "soon"}, "/every: 'soon' is not understood"),
        (None, {"every": 60, "name": "No Name"}, "/name"),
        (None, {"every": 60, "overlap": "never"}, "/overlap"),
        (None, {"every": 60, "priority": 11}, "/task/priority"),
        (None, {"every": 60, "payload": {"a": object()}}, "/payload"),
        (None, {"every": 60, "colour": "red"}, "/colour"),
        (None, {"every": 60, "start_at": datetime(2030, 1, 1)}, "/start_at"),  # noqa: DTZ001
    ],
)
def test_what_is_wrong_is_said_where_it_is_declared(cron: str | None, options: Any, said: str) -> None:
    registry = Registry()
    registry.add("work", lambda: None)
    with pytest.raises(Misconfigured) as caught:
        registry.schedule("work", cron, **options)
    assert said in caught.value.detail
    assert "task type 'work'" in caught.value.detail
    assert registry.schedules() == ()


def test_a_payload_must_fit_the_handler() -> None:
    registry = Registry()

    @registry.task("work")
    async def work(n: int) -> None: ...

    registry.schedule("work", every=60, payload={"n": "x"})
    with pytest.raises(Misconfigured, match="/payload/n"):
        registry.schedules()


def test_a_payload_may_refer_to_its_tick() -> None:
    registry = Registry()

    @registry.task("work")
    async def work(day: datetime) -> None: ...

    registry.schedule("work", every=60, payload={"day": {"$ref": "input.local"}})
    (spec,) = registry.schedules()
    assert spec.task is not None
    assert bytes(spec.task.payload) == b'{"day":{"$ref":"input.local"}}'
    registry.schedule("work", every=60, name="bad", payload={"day": {"$ref": "input.schedule.name"}})
    with pytest.raises(Misconfigured, match="/payload/day"):
        registry.schedules()


# --- workflows


def two_handlers() -> tuple[Hub, BoundHandler[..., Any], BoundHandler[..., Any]]:
    hub = Hub("sqlite:///:memory:")

    @hub.task("report.fetch")
    async def fetch(day: datetime) -> dict[str, int]:
        return {"orders": day.day}

    @hub.task("report.store")
    async def store(orders: int, pin: Secret[str] | None = None) -> None: ...

    return hub, fetch, store


def flow_of(fetch: BoundHandler[..., Any], store: BoundHandler[..., Any], name: str = "report") -> Workflow:
    with Workflow(name) as flow:
        found = fetch.node(day=INPUT["local"])
        store.node(orders=found.result["orders"])
    return flow


def test_a_workflow_has_schedules() -> None:
    hub, fetch, store = two_handlers()
    flow = flow_of(fetch, store)
    assert hub.schedule("0 3 * * *", tz="Europe/Amsterdam", catch_up="last")(flow) is flow
    hub.schedule(every="5m", input={"local": "2026-01-01T00:00:00Z"})(flow)
    hub.schedule("@daily", name="daily")(flow)
    found = {spec.name: spec for spec in hub.registry.schedules()}
    assert set(found) == {"report", "report.2", "daily"}
    first = found["report"]
    assert (first.cron, first.tz, first.catch_up, first.task) == (
        "0 3 * * *",
        "Europe/Amsterdam",
        "last",
        None,
    )
    assert first.workflow is not None
    assert set(first.workflow.nodes) == {"fetch", "store"}
    assert first.workflow.input is UNSET
    second = found["report.2"].workflow
    assert second is not None
    assert bytes(second.input) == b'{"local":"2026-01-01T00:00:00Z"}'  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"payload": {"a": 1}}, "/payload: is for tasks; a workflow has `input`"),
        ({"queue": "q"}, "/queue: is for tasks"),
        ({"tags": ["a"]}, "/tags: is for tasks"),
        ({"jitter": 5.0}, "/jitter: is for tasks: a workflow begins at its tick"),
        ({"every": None}, "give either `cron` or `every`"),
    ],
)
def test_what_no_workflow_takes(options: Any, said: str) -> None:
    hub, fetch, store = two_handlers()
    with pytest.raises(Misconfigured) as caught:
        hub.schedule(**{"every": 60, **options})(flow_of(fetch, store))
    assert said in caught.value.detail
    assert "workflow 'report'" in caught.value.detail
    assert hub.registry.schedules() == ()


def test_input_is_for_workflows() -> None:
    hub, fetch, _ = two_handlers()
    with pytest.raises(Misconfigured, match="`input` is for workflows"):
        hub.schedule(every=60, input={})(fetch)


def test_a_graph_that_is_wrong_is_told_at_once() -> None:
    hub, *_ = two_handlers()
    with pytest.raises(Invalid, match="has no node"):
        hub.schedule(every=60)(Workflow("empty"))


def test_a_workflows_nodes_must_lead_somewhere_and_fit_their_handlers() -> None:
    hub, fetch, store = two_handlers()
    with Workflow("lost") as lost:
        fetch.node(day=INPUT["night"])
    hub.schedule(every=60)(lost)
    with pytest.raises(
        Misconfigured, match=r"/nodes/fetch/payload/day/.ref: leads nowhere: input has no member"
    ):
        hub.registry.schedules()

    hub, fetch, store = two_handlers()
    with Workflow("unfit") as unfit:
        task("report.store").node(orders="many")
    hub.schedule(every=60)(unfit)
    with pytest.raises(Misconfigured, match="/nodes/store/payload/orders"):
        hub.registry.schedules()

    hub, fetch, store = two_handlers()
    with Workflow("inner") as inner:
        store.node(orders=1, pin="hunter2")
    with Workflow("secret") as secret:
        inner.node()
    hub.schedule(every=60)(secret)
    with pytest.raises(Misconfigured, match="has no secret fields in its payload") as caught:
        hub.registry.schedules()
    assert "hunter2" not in str(caught.value)


def test_a_workflow_of_others_alone_belongs_to_nobody() -> None:
    hub, *_ = two_handlers()
    with Workflow("foreign") as foreign:
        task("demo.noop").node()
    hub.schedule(every=60)(foreign)
    with pytest.raises(Misconfigured, match="none of its nodes is of a task type that has a handler here"):
        hub.registry.schedules()


def test_a_secret_is_not_declared_in_code() -> None:
    registry = Registry()

    @registry.task("work")
    async def work(password: Secret[str] | None = None) -> None: ...

    registry.schedule("work", every=60)
    assert len(registry.schedules()) == 1
    registry.schedule("work", every=60, payload={"password": "hunter2"}, name="bad")
    with pytest.raises(Misconfigured, match=r"no secret fields in its payload \(/password\)") as caught:
        registry.schedules()
    assert "hunter2" not in caught.value.detail


def test_names_are_told_apart() -> None:
    registry = Registry()
    registry.add("work", lambda: None)
    registry.schedule("work", every=60, name="n")
    registry.schedule("work", every=90, name="n")
    with pytest.raises(Misconfigured, match="'n' is declared twice"):
        registry.schedules()


def test_it_needs_a_task_type() -> None:
    hub = Hub("sqlite:///:memory:")
    with pytest.raises(Misconfigured, match=r"put @hub\.schedule above @hub\.task"):

        @hub.task("a")  # type: ignore[type-var]
        @hub.schedule(every=5)
        def handler() -> None: ...

    with pytest.raises(Misconfigured, match="has no handler here"):
        Registry().schedule("nobody", every=60)


def hub_of_a_script(**more: Any) -> Hub:
    script: dict[str, Any] = {"__name__": "__main__", "Hub": Hub, **more}
    exec("hub = Hub()", script)
    found: Hub = script["hub"]
    return found


def test_a_hub_is_called_as_its_module_is() -> None:
    assert Hub().registry.application == __name__
    assert hub_of_a_script().registry.application is None
    by_name = hub_of_a_script(__spec__=ModuleSpec("examples.nightly_report", None))  # python -m
    builtin = Registry()
    builtin.include(by_name.registry)
    assert builtin.application == "examples.nightly_report"
