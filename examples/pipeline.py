"""A workflow: download a page, count its words, keep them, tell about it; and another branch for a page that cannot be had."""

import asyncio
import json
import re
import sys
import urllib.request
from collections import Counter
from pathlib import Path

from taskflow_hub import INPUT, WORKFLOW, Context, Hub, RetryPolicy, Workflow

hub = Hub()


@hub.task("pipeline.download", max_retries=2, retry=RetryPolicy(base=0.1), timeout=30)
def download(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read(1_000_000).decode("utf-8", "replace")
    return text


@hub.task("pipeline.count")
def count(page: str, top: int = 3) -> dict[str, int]:
    words = re.findall(r"\w+", re.sub("<[^>]*>", " ", page).lower())
    return dict(Counter(words).most_common(top))


@hub.task("pipeline.keep")
def keep(ctx: Context, name: str, words: dict[str, int]) -> str:
    """Written beside and moved into place: done twice, it is as if it had been done once."""
    path = Path("library") / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    beside = path.with_suffix(f".{ctx.task.id}")
    beside.write_text(json.dumps(words))
    beside.replace(path)
    return str(path)


@hub.task("pipeline.tell")
def tell(ctx: Context, about: str, news: str) -> str:
    ctx.log.info(news, about=about)
    return f"{about}: {news}"


with Workflow("pipeline", deadline=600) as pipeline:
    page = download.node(url=INPUT["url"])
    words = count.node(page=page.result, top=2)
    kept = keep.node(name=INPUT["name"], words=words.result)
    told = tell.node(about=INPUT["name"], news=kept.result)
    page.on_failure(tell.node(about=INPUT["name"], news=page.error.message).named("apologise"))
    pipeline.finally_(tell.node(about=INPUT["name"], news=WORKFLOW.status))
    pipeline.returns({"words": words.result, "told": told.result})


async def main(name: str, url: str) -> None:
    async with hub:
        handle = await pipeline.submit(hub, input={"name": name, "url": url})
        print(await handle.result(timeout=60))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
