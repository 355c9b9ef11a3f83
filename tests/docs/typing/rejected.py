"""What `mypy --strict` must reject, each line with the code it must be rejected for."""

from taskflow_hub import (
    Client,
    Context,
    Hub,
    Limit,
    OnConflict,
    Retry,
    RetryPolicy,
    Secret,
    Snooze,
    Submission,
    SyncClient,
    Unique,
    Workflow,
    task,
)

hub = Hub()


@hub.task("plain")
async def plain(a: int, b: str = "b") -> float:
    return 0.5


@hub.task("thread")
def thread(a: int) -> str:
    return ""


@hub.task("first")
async def first(ctx: Context, a: int) -> float:
    return 0.5


@hub.task("last")
async def last(user_id: int, ctx: Context) -> str:
    return ""


@hub.task("secret")
async def secret(password: Secret[str]) -> int:
    return len(password)


@hub.task("nothing")
async def nothing() -> None: ...


@hub.schedule("* * * * *", overlap="never")  # E: arg-type
@hub.task("scheduled")
async def scheduled(a: int) -> float:
    return 0.5


@hub.schedule(5)  # E: arg-type
@hub.task("scheduled.too")
async def scheduled_too(a: int) -> float:
    return 0.5


async def exact_signatures() -> None:
    await scheduled.submit("one")  # E: call-overload
    await plain.submit("one")  # E: call-overload
    await plain.submit()  # E: call-overload
    await plain.submit(1, "b", 3)  # E: call-overload
    await plain.submit(1, c=3)  # E: call-overload
    await plain.submit(a=1, b=2)  # E: call-overload
    await thread.submit(a="one")  # E: call-overload
    await first.submit("one")  # E: call-overload
    await first.submit()  # E: call-overload
    await nothing.submit(1)  # E: call-overload
    await secret.submit(password=5)  # E: call-overload


async def the_context_is_not_given_by_the_submitter(ctx: Context) -> None:
    await first.submit(ctx, 1)  # E: call-overload
    await last.submit(ctx, 1)  # E: arg-type


async def context_last_checks_types() -> None:
    await last.submit(user_id="forty-two")  # E: arg-type
    await last.submit("forty-two", delay=60)  # E: arg-type
    await last.submit(42, delay="soon")  # E: arg-type


async def options() -> None:
    await plain.submit(1, delay="soon")  # E: call-overload
    await plain.submit(1, priority="high")  # E: call-overload
    await plain.submit(1, unique="key")  # E: call-overload
    await plain.submit(1, limits=["key"])  # E: list-item
    plain.options(dealy=60)  # E: call-arg
    plain.options(delay="soon")  # E: arg-type
    await plain.options(delay=60).submit("one")  # E: call-overload
    await plain.options(connection=object()).submit("one")  # E: call-overload
    await hub.submit("plain", options={"dealy": 60})  # E: call-overload
    await hub.submit(42)  # E: call-overload


async def results() -> None:
    handle = await plain.submit(1)
    wrong: str = await handle.result()  # E: assignment
    await handle.result(timeout="soon")  # E: arg-type
    other: int = await (await last.submit(42)).result()  # E: assignment
    print(wrong, other)


def decorators() -> None:
    hub.task("x", on_lost="shrug")  # E: arg-type
    hub.task("x", retry={"base": 1})  # E: arg-type
    hub.task("x", limits=["crm"])  # E: list-item
    hub.task("x", limits=Limit("crm", running=1))  # E: arg-type
    hub.task("x", timout=30)  # E: call-arg
    hub.task()  # E: call-arg


def values() -> None:
    Retry(after="soon")  # E: arg-type
    Snooze(until="tomorrow")  # E: arg-type
    RetryPolicy(bas=1)  # E: call-arg
    Unique(key=1, on_conflict=OnConflict.RETURN)  # E: arg-type
    Submission(payload=b"{}")  # E: call-arg, arg-type


async def clients() -> None:
    await Client().submit("x", priority="high")  # E: arg-type
    SyncClient().submit("x", delay="soon")  # E: arg-type
    SyncClient().submit(42)  # E: arg-type
    SyncClient(port=80)  # E: call-arg


async def contexts(ctx: Context) -> None:
    ctx.progress("half")  # E: arg-type
    await ctx.submit("x", dealy=1)  # E: call-arg
    ctx.attempt = 3  # E: misc


@hub.task("page")
async def page(url: str, depth: int = 1) -> list[str]:
    return [url]


@hub.task("keep")
def keep(ctx: Context, title: str) -> int:
    return len(title)


async def workflows(ctx: Context) -> None:
    with Workflow("pages", max_concurrent=5) as flow:  # E: call-arg
        first = page.node(url="https://example.com")
        page.node()  # E: call-arg
        page.node(uri="https://example.com")  # E: call-arg
        page.node(url=3)  # E: arg-type
        keep.node(title=first.result)  # E: arg-type
        keep.node(title=first)  # E: arg-type
        keep.node(ctx, title="x")  # E: misc, arg-type
        keep.node(title=first.result[0], delay=60)  # E: call-arg
        keep.node(title=first.results)  # E: attr-defined
        each = page.map(first.result, limit="3")  # E: arg-type
        keep.node(title=each.results[0])  # E: arg-type
        keep.node(title=each.result)  # E: attr-defined
        first >> keep  # E: operator
        first.on_failure(keep)  # E: arg-type
        task("x").options(delay=3)  # E: call-arg
        flow.add(keep)  # E: call-overload
    await hub.submit(flow, {"url": "x"})  # E: call-overload
    await flow.submit()  # E: call-arg


async def charge(order: str, cents: int) -> str:
    return order * cents


def count_words(text: str) -> int:
    return len(text)


async def in_steps(ctx: Context) -> None:
    await ctx.step("charge", charge, "x")  # E: call-overload
    await ctx.step("charge", charge, 5, 5)  # E: call-overload
    await ctx.step("charge", charge, "x", cent=5)  # E: call-arg
    await ctx.step(charge, "x", 5)  # E: call-overload
    wrong: int = await ctx.step("charge", charge, "x", 5)  # E: call-overload
    await ctx.step("count", count_words, 5)  # E: call-overload
    ctx.step("count", count_words, "x")  # E: unused-coroutine
    ctx.sleep(5)  # E: unused-coroutine
    await ctx.sleep(None)  # E: arg-type
    await ctx.wait_event("approved", 5)  # E: call-arg
    print(wrong)


def in_steps_sync(ctx: Context) -> None:
    ctx.step_sync("count", count_words, 5)  # E: arg-type
    ctx.step_sync("count", count_words)  # E: call-arg
    for one in ctx.inputs("each"):  # E: attr-defined
        print(one)
