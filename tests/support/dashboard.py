"""Handlers whose tasks the dashboard shows, and how a test finds them there."""

import asyncio
import base64
import io
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Page
from tests.support.http_api import Threaded

from taskflow_hub.worker.context import Context
from taskflow_hub.worker.registry import Registry

AXE: Final = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE: Final = (
    "<img src=x onerror=\"document.title='taken over'\"><script>document.title='taken over'</script>"
)
LARGE: Final = 80_000  # characters of a result that is kept beside the database


async def title(url: str) -> dict[str, str]:
    """Fetch a page and read its title."""
    return {"title": "Example", "url": url}


async def hold(ctx: Context) -> None:
    ctx.progress(0.4, "page 4 of 10")
    ctx.log.info("holding on", why="because")
    ctx.log.warning("still holding on")
    await asyncio.Event().wait()


async def fail(text: str) -> None:
    raise ValueError(text)


mended: set[str] = set()  # the words of which `charge` complains no more


async def charge(card: str) -> str:
    if card not in mended:
        raise PermissionError(f"card {card} is refused")
    return "paid"


async def draw() -> dict[str, str]:
    """Draw a picture."""
    drawn = io.BytesIO()
    Image.new("RGB", (10, 10), "red").save(drawn, "PNG")
    return {"picture": f"data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()}"}


async def speak(text: str, ctx: Context) -> dict[str, str]:
    ctx.log.info(text, field=text)
    return {text: text}


async def large() -> str:
    return "x" * LARGE


def handlers() -> Registry:
    made = Registry()
    made.add("web.title", title)
    made.add("demo.hold", hold, queue="slow")
    made.add("demo.fail", fail, max_retries=0)
    made.add("demo.charge", charge, max_retries=0)
    made.add("demo.draw", draw)
    made.add("demo.speak", speak)
    made.add("demo.large", large)
    return made


def submit(server: Threaded, *given: Any, **fields: Any) -> str:
    task_id: str = server.run(server.hub.submit(*given, **fields))["id"]
    return task_id


def flows(server: Threaded, text: str = "no") -> str:
    """A workflow that fails: a failure and what comes after it, a fan-out of three, and a name as long as may be."""
    nodes = {
        "fetch": {"type": "web.title", "payload": {"url": "http://a"}},
        "each": {
            "type": "web.title",
            "payload": {"url": "http://b"},
            "for_each": [1, 2, 3],
            "after": ["fetch"],
        },
        "check": {"type": "demo.fail", "payload": {"text": text}, "after": ["fetch"]},
        "apologise": {"type": "demo.draw", "after": [{"node": "check", "on": "failure"}]},
        "store": {"type": "demo.draw", "after": ["check", "each"]},
    }
    answer = server.run(
        server.hub.client.post("/workflows", json={"name": "w" * 100, "nodes": nodes, "tags": [text[:64]]})
    )
    assert answer.status_code in {200, 202}, answer.text
    workflow_id: str = answer.json()["id"]
    return workflow_id


def scheduled(server: Threaded, schedule: dict[str, Any]) -> str:
    answer = server.run(server.hub.client.post("/schedules", json=schedule))
    assert answer.status_code == 201, answer.text
    schedule_id: str = answer.json()["id"]
    return schedule_id


def kind_of(server: Threaded, task_id: str) -> str:
    """The fingerprint of a task that fails."""
    server.run(ended(server, task_id))
    for group in server.run(server.hub.client.get("/failures")).json()["items"]:
        listed = server.run(server.hub.client.get("/tasks", params={"fingerprint": group["fingerprint"]}))
        if task_id in {task["id"] for task in listed.json()["items"]}:
            return str(group["fingerprint"])
    raise AssertionError(f"{task_id} is in no group")


async def ended(server: Threaded, task_id: str) -> None:
    """Its stream of events ends when it does."""
    answer = await server.hub.client.get(f"/tasks/{task_id}/events", timeout=30.0)
    assert answer.status_code == 200, answer.text


def violations(page: Page) -> list[str]:
    """What axe finds serious or worse. Its script is evaluated by the browser's tools, which no policy of the page concerns."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
