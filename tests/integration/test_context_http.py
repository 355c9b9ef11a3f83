"""`ctx.http` in handlers of every kind, in a hub at work."""

import asyncio

import pytest
from tests.support.web_server import WebServer, answer

from taskflow_hub import AllowPrivate, Context, Hub, Invalid, NetSettings, OutboundUrl, RefusedUrl, TaskFailed
from taskflow_hub.testing.handlers import RecordedContext, working

hub = Hub()


@hub.task("page.awaited", max_retries=0)
async def awaited(ctx: Context, url: OutboundUrl) -> str:
    return (await ctx.http.fetch(url, max_body=100)).body.decode()


@hub.task("page.in_thread", max_retries=0)
def in_thread(ctx: Context, url: OutboundUrl) -> str:
    return asyncio.run(ctx.http.fetch(url, max_body=100)).body.decode()


@hub.task("page.in_child", max_retries=0, cpu=True)
def in_child(ctx: Context, url: str) -> None:
    assert ctx.http is not None


async def test_every_handler_has_the_client_of_its_worker() -> None:
    async with WebServer() as server:
        server.pages["/"] = answer("hello")
        async with working(hub, net=NetSettings(allow_private=AllowPrivate.parse("127.0.0.1"))):
            for _ in range(2):
                assert await (await awaited.submit(url=server.url())).result(timeout=20) == "hello"
            assert server.connections == 1, "kept from one task to the next"
            assert await (await in_thread.submit(url=server.url())).result(timeout=20) == "hello"
            with pytest.raises(TaskFailed, match="not there in a child process"):
                await (await in_child.submit(url=server.url())).result(timeout=20)


async def test_what_may_not_be_reached_is_refused_at_submit() -> None:
    async with working(hub):
        with pytest.raises(Invalid, match="is a loopback address"):
            await awaited.submit(url="http://127.0.0.1/")


async def test_a_handler_alone_reaches_the_public_internet_only() -> None:
    with pytest.raises(RefusedUrl, match="loopback"):
        await awaited.handler(RecordedContext(), "http://127.0.0.1:9/")
