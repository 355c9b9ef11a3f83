"""A user's module, as `mypy --strict` must accept it: every shape of handler, every way to submit."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from taskflow_hub import (
    INDEX,
    INPUT,
    ITEM,
    WORKFLOW,
    BoundHandler,
    Client,
    Context,
    Event,
    EventTimeout,
    Fail,
    FanOut,
    Hub,
    Limit,
    Node,
    OnConflict,
    QueueFull,
    Retry,
    RetryKind,
    RetryPolicy,
    Secret,
    Snooze,
    State,
    Submission,
    SubmitOptions,
    SyncClient,
    Task,
    TaskFailed,
    TaskHandle,
    Unique,
    Workflow,
    WorkflowFailed,
    WorkflowHandle,
    task,
)

hub = Hub()


@dataclass
class Line:
    product: str
    quantity: int = 1


@hub.task("plain.async", max_retries=5, timeout=30, retry=RetryPolicy(kind=RetryKind.FIXED, base=2))
async def plain_async(a: int, b: str = "b") -> float:
    return 0.5


@hub.task("plain.thread", queue="slow", on_lost="fail")
def plain_thread(a: int, b: str = "b") -> float:
    return 0.5


@hub.schedule("*/5 * * * *", tz="Europe/Amsterdam", payload={"a": 1}, overlap="queue_one", catch_up="last")
@hub.schedule(
    every="1h30m", payload={"a": 2}, name="often", jitter=30, start_at=datetime(2030, 1, 1, tzinfo=UTC)
)
@hub.task("scheduled")
async def scheduled(a: int, b: str = "b") -> float:
    return 0.5


@hub.schedule(every=90)
@hub.task("scheduled.last")
def scheduled_last(ctx: Context) -> None: ...


with Workflow("scheduled") as scheduled_flow:
    scheduled.node(a=1)

same_flow: Workflow = hub.schedule("0 3 * * *", tz="Europe/Amsterdam", input={"a": 1})(scheduled_flow)


async def a_schedule_leaves_the_handler_as_it_is() -> float:
    return await (await scheduled.submit(1, b="c")).result()


@hub.task("limited", limits=[Limit("customer:{customer}", running=1), Limit("crm", per_second=0.5)])
async def limited(customer: int) -> float:
    return 0.5


@hub.task("limited.too", limits=(Limit("customer:{customer}", running=1),))
def limited_too(customer: int, ctx: Context) -> float:
    return 0.5


@hub.task("plain.process", queue="cpu", cpu=True, max_retries=None, timeout=None)
def plain_process(a: int) -> list[int]:
    return []


@hub.task("nothing")
async def nothing() -> None: ...


@hub.task("first.async")
async def first_async(ctx: Context, a: int, *, b: str = "b") -> float:
    return 0.5


@hub.task("first.thread")
def first_thread(ctx: Context, a: int, b: str = "b") -> float:
    return 0.5


@hub.task("only.context")
async def only_context(ctx: Context) -> str:
    return ""


@hub.task("email.welcome", max_retries=5, timeout=30)
async def welcome(user_id: int, ctx: Context) -> dict[str, int]:
    return {}


@hub.task("last.two")
def last_two(a: int, b: str, ctx: Context) -> float:
    return 0.5


@hub.task("last.four")
async def last_four(a: int, b: str, c: float, d: list[Line], ctx: Context) -> float:
    return 0.5


@hub.task("secret")
async def secret(password: Secret[str], pin: Secret[int | None] = None) -> str:
    """To a checker, what is in the brackets."""
    await secret.submit(password="p", pin=5)
    return password + str(pin)


@hub.task("answers")
async def answers(ctx: Context, number: str) -> str | Retry | Snooze | Fail:
    match ctx.attempt:
        case 1:
            return Retry(after=1.5, reason="busy")
        case 2:
            return Snooze(until=datetime.now(UTC) + timedelta(hours=1))
        case 3:
            return Snooze(60)
        case 4:
            return Fail(number)
        case _:
            return number


@hub.task("whole.context")
async def whole_context(ctx: Context, names: list[str]) -> str:
    for done, name in enumerate(names):
        if ctx.cancelled:
            break
        ctx.progress(done / len(names), name)
        ctx.log.info("at it", name=name, done=done)
        made: str = await ctx.submit(welcome, {"user_id": 1}, delay=1.5, tags=("a",))
        await ctx.submit("some.type", {"made": made}, priority=9, unique=Unique(key=name))
    return ctx.idempotency_key + str(ctx.task.retry_count)


async def exact() -> None:
    """A handler without a Context, or with it first, keeps its signature; its result keeps its type."""
    one: TaskHandle[float] = await plain_async.submit(1, b="x")
    two: float = await (await plain_thread.submit(a=1)).result(timeout=90)
    three: list[int] = await (await plain_process.submit(1)).result()
    four: float = await (await first_async.submit(1, b="x")).result()
    five: float = await (await first_thread.submit(a=1, b="x")).result()
    six: str = await (await only_context.submit()).result()
    none: TaskHandle[None] = await nothing.submit()
    seven: float = await (await limited.submit(7)).result()
    eight: float = await (await limited_too.submit(customer=8)).result()
    print(one.id, two, three, four, five, six, none, seven, eight)


async def as_in_the_design() -> None:
    handle = await welcome.submit(user_id=42, delay=60)
    print(await handle.result(timeout=90))
    result: dict[str, int] = await handle.result(timeout=90)
    positional = await welcome.submit(42)
    print(
        result,
        await positional.status(),
        await last_two.submit(1, "x"),
        await last_four.submit(1, "x", 0.5, [Line("tea")]),
    )


async def with_options() -> None:
    now = datetime.now(UTC)
    await plain_async.submit(1, delay=60)
    await plain_async.submit(1, run_at=now, expires_at=now, priority=9, queue="other")
    await plain_async.submit(1, max_retries=None, timeout=None, retry=RetryPolicy(base=0), tags=["a"])
    await plain_async.submit(1, unique=Unique(key="k", window=60, on_conflict=OnConflict.REPLACE))
    await plain_async.submit(1, limits=[Limit("host:a", running=3, per_second=0.5), Limit("b")])
    await plain_async.options(limits=(Limit("host:a", running=3),)).submit(1, b="b")
    await plain_async.submit(1, idempotency_key="k")
    await plain_async.submit(1, connection=sqlite3.connect("app.db"))
    await plain_async.options(connection=sqlite3.connect("app.db")).submit(1, b="b")
    await welcome.submit(42, connection=sqlite3.connect("app.db"))
    await hub.submit("plain.async", {"a": 1}, connection=sqlite3.connect("app.db"))
    await hub.submit_many([Submission(type="plain.async")], connection=sqlite3.connect("app.db"))
    changed: BoundHandler[..., float] = plain_async.options(delay=60, tags=("a", "b"))
    await changed.submit(1)
    handles: list[TaskHandle[float]] = await plain_async.submit_many([{"a": 1}, {"a": 2, "b": "x"}])
    options: SubmitOptions = {"priority": 3, "tags": ["a"]}
    anything: TaskHandle[Any] = await hub.submit("some.type", {"a": 1}, options=options)
    await hub.submit_many([Submission(type="some.type"), Submission(type="some.type", delay=60)])
    print(handles, anything)


async def looking() -> None:
    async with hub:
        handle = hub.handle("01a2074b-2052-74ef-be80-d944dd8e120a")
        task: Task = await handle.task()
        state: State = await handle.cancel()
        print(task.status is State.SUCCESS, state, task.retry_count)


async def over_http() -> None:
    async with Client("http://127.0.0.1:8080", timeout=5) as client:
        task = await client.submit("web.title", {"url": "https://example.com"}, wait=True, priority=9)
        ids: list[str] = await client.submit_many([{"type": "demo.noop", "delay": 5}])
        async for seen in client.events(ids[0]):
            print(seen.done, seen.progress)
        async for found in client.list(status=State.FAILED, limit=10):
            print(found.error.message if found.error else "")
        print(task.result, task.succeeded)


def over_http_without_asyncio() -> None:
    with SyncClient() as client:
        try:
            print(client.result(client.submit("demo.noop").id, timeout=5))
        except (TaskFailed, TimeoutError, QueueFull) as error:
            print(error)
        for task in client.list(tag="night"):
            print(client.cancel(task.id).status)


def called_as_functions() -> None:
    """For tests; what comes back is whatever the function returns."""
    print(plain_thread(1), plain_process(1))


async def lines() -> AsyncIterator[Line]:
    yield Line("tea")


class Page(TypedDict):
    title: str
    links: list[str]


@hub.task("page")
async def page(url: str) -> Page:
    return {"title": url, "links": []}


@hub.task("keep")
def keep(ctx: Context, title: str, n: int = 0) -> Line:
    return Line(title)


@hub.task("all")
def all_of(lines: list[Line], ctx: Context) -> int:
    return len(lines)


async def workflows() -> WorkflowHandle:
    with Workflow("pages", max_concurrency=5, deadline=60.0, tags=["nightly"]) as flow:
        first = page.node(url="https://example.com")
        one: Node[Page] = page.node(INPUT["url"])
        kept = keep.options(queue="slow").node(title=first.result["title"], n=3).named("kept")
        links: FanOut[Page] = page.map(first.result["links"], limit=3)
        each = keep.map(links.results, title=ITEM["title"], n=INDEX).at_most(2).allow_failure()
        total = all_of.node(lines=each.results)
        told = keep.node(title=kept.result.product, n=total.result)
        other: Node[Any] = task("http.request", {"url": first.result["links"][0]})
        request = task("http.request").options(timeout=None, tags=["a"])
        many: FanOut[Any] = request.map([{"url": "a"}, {"url": "b"}], limit=1)
        first >> [kept, other] >> told
        (one >> kept >> total).on_failure(request.node(url="x", error=kept.error.message))
        told.on_done(many, other).on_success(one)
        flow.returns({"kept": kept.result, "total": total.result})
        last: Node[Line] = flow.finally_(keep.node(title=WORKFLOW.status))
        print(last.status)
    with Workflow("outer") as outer:
        inner = outer.add("inner", flow.node(url="https://example.com"))
        outer.add(flow.map([1, 2], limit=1))
        print(inner.result["kept"])
    print(outer.definition(), flow.submission({"url": "x"}).name)
    handle: WorkflowHandle = await hub.submit(outer)
    try:
        print(await handle.result(timeout=5), await handle.status(), (await handle.workflow()).nodes)
    except WorkflowFailed as error:
        print(error.workflow.error)
    await handle.cancel()
    await hub.workflow(handle.id).redrive()
    return await flow.submit(hub, input={"url": "x"}, idempotency_key="k")


async def charge(order: str, cents: int, *, note: str = "") -> Line:
    return Line(f"{order} {cents} {note}")


def count_words(text: str) -> int:
    return len(text.split())


@hub.task("steps")
async def in_steps(ctx: Context, order: str) -> int:
    line: Line = await ctx.step("charge", charge, order, 5, note="x")
    words: int = await ctx.step("count", count_words, order)
    several: tuple[Line, int] = await asyncio.gather(
        ctx.step("a", charge, order, cents=5), ctx.step("b", count_words, text=order)
    )
    later: int = await ctx.step("lambda", lambda: words + 1)
    await ctx.sleep("30m")
    await ctx.sleep(timedelta(minutes=30), name="again")
    try:
        answer: dict[str, bool] = await ctx.wait_event("approved", timeout=1.5)
    except EventTimeout as error:
        print(error.name)
        raise
    async for one in ctx.inputs("each"):
        print(one.item, one.status, one.result, one.error)
    print(line, several, answer, ctx.step_key)
    return later


@hub.task("steps.sync")
def in_steps_sync(ctx: Context, order: str) -> int:
    words: int = ctx.step_sync("count", count_words, text=order)
    ctx.sleep_sync(30)
    print(ctx.wait_event_sync("approved"), [one.result for one in ctx.inputs_sync("each")])
    return words


async def events(client: Client) -> None:
    handle = await in_steps.submit(order="x")
    sent: Event = await handle.send_event("approved", {"yes": True})
    print(sent.accepted, (await hub.send_event(handle.id, "approved")).payload)
    print([step.name async for step in client.steps(handle.id)])
    print((await client.send_event(handle.id, "approved", [1])).sent_at)
