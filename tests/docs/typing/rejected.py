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


async def exact_signatures() -> None:
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
    await hub.submit("plain", options={"dealy": 60})  # E: arg-type
    await hub.submit(42)  # E: arg-type


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
