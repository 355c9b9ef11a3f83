"""`web.title`: fetch a page and tell its title."""

import asyncio
from typing import Annotated, Final

from pydantic import Field
from typing_extensions import TypedDict

from taskflow_hub.builtin.answers import unanswered, unexpected
from taskflow_hub.domain.outcomes import Fail, Retry
from taskflow_hub.net import Answer, NetError, OutboundUrl
from taskflow_hub.worker.context import Context

MAX_BODY: Final = 5 * 1024 * 1024
_HTML: Final = frozenset({"", "text/html", "application/xhtml+xml"})
_HEADERS: Final = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.1"}


class Title(TypedDict):
    title: Annotated[
        str | None,
        Field(
            description="The page's title, whitespace collapsed, at most 2000 characters; "
            "null if it has none, or is not HTML."
        ),
    ]
    length: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_BODY,
            description="Bytes of the body that were read, after decompression; at most 5 MB.",
        ),
    ]
    status: Annotated[int, Field(ge=200, le=299, description="The HTTP status.")]
    final_url: Annotated[str, Field(description="The page's URL after redirects.")]


async def web_title(url: OutboundUrl, ctx: Context) -> Title | Fail | Retry:
    """Fetch a web page and tell its title.

    Of a page larger than 5 MB the first 5 MB are read, and a title that stands in them is found. A status other than 2xx
    is a failure that says so; 408, 425, 429 and 5xx are tried again.
    """
    try:
        answer = await ctx.http.fetch(url, headers=_HEADERS, max_body=MAX_BODY)
    except NetError as error:
        return unanswered(error)
    if not 200 <= answer.status <= 299:
        return unexpected(answer)
    if answer.truncated:
        ctx.log.warning("the page is larger than 5 MB; only its beginning was read", url=answer.url)
    # The worst page takes the parser a second, which the event loop must not wait for.
    title = await asyncio.to_thread(_title, answer)
    return Title(title=title, length=len(answer.body), status=answer.status, final_url=answer.url)


def _title(answer: Answer) -> str | None:
    from taskflow_hub.builtin.charset import decode_html
    from taskflow_hub.builtin.html_title import find_title

    content_type = answer.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() not in _HTML:
        return None
    return find_title(decode_html(answer.body, content_type, answer.host.rpartition(".")[2]))
