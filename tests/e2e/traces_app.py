"""A user's module whose handlers are traced: tests/e2e/test_traces.py."""

import httpx
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

from taskflow_hub import Context, Hub
from taskflow_hub.tracing import carried, current_trace_id

hub = Hub()
HTTPXClientInstrumentor().instrument()


@hub.task("traces.call")
async def call(url: str, secret: str) -> dict[str, object]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url)
    return {"status": answer.status_code, "trace": current_trace_id(), "secret": secret}


@hub.task("traces.thread")
def thread(url: str) -> str | None:
    with httpx.Client(trust_env=False) as client:
        client.get(url)
    return current_trace_id()


@hub.task("traces.child", cpu=True)
def child() -> str | None:
    return carried()


@hub.task("traces.family")
async def family(ctx: Context) -> str:
    return await ctx.submit("traces.leaf")


@hub.task("traces.leaf")
async def leaf() -> None:
    pass


@hub.task("traces.flaky", max_retries=1)
async def flaky(ctx: Context, secret: str) -> None:
    if ctx.attempt == 1:
        raise LookupError(f"nothing is known of {secret}")
