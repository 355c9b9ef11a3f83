"""A span around each request that is made, and its context along with it."""

import functools
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from taskflow_hub import tracing
from taskflow_hub.net.url import read_url

if TYPE_CHECKING:
    from taskflow_hub.net.client import Answer
    from taskflow_hub.tracing.spans import Tracer

P = ParamSpec("P")


def traced(fetch: "Callable[P, Coroutine[Any, Any, Answer]]") -> "Callable[P, Coroutine[Any, Any, Answer]]":
    """Of a URL its span says where it leads, never more: path and query may hold secrets. A `traceparent` that the caller gives
    stays as it is."""
    plain = cast("Callable[..., Coroutine[Any, Any, Answer]]", fetch)

    @functools.wraps(fetch)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> "Answer":
        if (tracer := tracing.tracer) is None:
            return await fetch(*args, **kwargs)
        return await _within(tracer, plain, *args, **kwargs)

    return wrapped


async def _within(
    tracer: "Tracer", fetch: "Callable[..., Coroutine[Any, Any, Answer]]", *args: Any, **options: Any
) -> "Answer":
    client, url = args if len(args) == 2 else (*args, options.pop("url"))
    target = read_url(url)
    about = {"url.scheme": target.scheme, "server.address": target.host, "server.port": target.port}
    with tracer.calling(options.get("method", "GET"), about) as exchange:
        headers = dict(options.pop("headers", None) or {})
        if "traceparent" not in map(str.lower, headers):
            headers["traceparent"] = exchange.traceparent
        answer = await fetch(client, url, headers=headers, **options)
        exchange.answered(answer.status)
        return answer
