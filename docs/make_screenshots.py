"""Pictures of the dashboard in Chromium, in the middle of a day's work: `make screenshots`. Light and dark, desk and phone."""

import argparse
import asyncio
import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docs.an_hour import live_through
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from tests.support.hub_process import HubProcess

PICTURES: Final = Path(__file__).parent / "img"
SCHEMES: Final = ("light", "dark")
DESK: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 720}, "device_scale_factor": 2}
OVERVIEW: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 940}, "device_scale_factor": 2}
PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 720},
    "device_scale_factor": 2,
    "is_mobile": True,
}


@dataclass(frozen=True)
class Shot:
    """`path` may name one of the day's tasks, and `until` is what is there when it is drawn."""

    path: str
    until: str
    size: Mapping[str, Any]


SHOTS: Final = {
    "overview": Shot("/ui/", "[data-chart=ended] .bars", OVERVIEW),
    "tasks": Shot("/ui/tasks", "#list >> text=demo.sleep", DESK),
    "task": Shot("/ui/tasks/{failed}", ".attempts > li >> nth=2", DESK),
    "form": Shot("/ui/tasks?new=http.request", "#field-url", DESK),
    "workflow": Shot("/ui/workflows/{workflow}", '[data-node="resize"][data-status="running"]', DESK),
    "queues": Shot("/ui/queues", '[data-queue="night"] .spark', DESK),
    "phone": Shot("/ui/tasks", "#list >> text=demo.sleep", PHONE),
}


def photograph(hub: HubProcess, into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    tasks = at_work(hub)
    with sync_playwright() as playwright, chromium(playwright) as browser:
        for name, shot in SHOTS.items():
            for scheme in SCHEMES:
                page = browser.new_page(color_scheme=scheme, reduced_motion="reduce", **shot.size)
                page.goto(hub.url + shot.path.format(**tasks))
                page.locator("#live[data-state=live]").wait_for()
                page.locator(shot.until).first.wait_for()
                _keep(page.screenshot(), into / f"{name}-{scheme}.png")
                page.close()


def _keep(picture: bytes, path: Path) -> None:
    """With 256 colours, which is more than the page has: a third of the bytes."""
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(256).save(path, optimize=True)


@contextmanager
def chromium(playwright: Any) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
    try:
        yield browser
    finally:
        browser.close()


def at_work(hub: HubProcess) -> dict[str, str]:
    """A hub in the middle of a day: something in every state. Gives the ids of tasks that are shown by themselves."""
    for name in ("january", "february", "march"):
        hub.final(hub.submit("file.hash", {"path": f"{name}.csv"}, tags=[name])["id"])
    for _ in range(4):
        hub.final(hub.submit("demo.noop")["id"])
    retry = {"kind": "fixed", "base": 0.3}
    wrong = {"message": "the printer is out of paper"}
    failed = hub.submit("demo.fail", wrong, max_retries=2, retry=retry, tags=["invoices"])["id"]
    hub.final(failed)
    hub.final(hub.submit("demo.fail", {"times": 1}, retry=retry)["id"])
    cancelled = hub.submit("demo.sleep", {"seconds": 60}, delay=3600)["id"]
    hub.post(f"/tasks/{cancelled}/cancel")
    hub.submit("web.title", {"url": "https://example.com"}, delay=900, tags=["morning"])
    hub.post("/queues/night/pause")
    hub.submit("demo.noop", queue="night", tags=["night"])
    hub.submit("invoice.send", {"order": 17}, priority=8)
    for seconds in (90, 40, 20):
        hub.until(hub.submit("demo.sleep", {"seconds": seconds})["id"], "running")
    return {"failed": failed, "workflow": a_workflow(hub)}


def a_workflow(hub: HubProcess) -> str:
    """In the middle: a part has succeeded, one has failed and was answered, one is under way."""

    def after(*parents: str, type: str = "demo.noop", **payload: Any) -> dict[str, Any]:
        return {"type": type, "payload": payload, "after": list(parents)}

    nodes = {
        "fetch": {"type": "demo.noop"},
        "thumbnails": {**after("fetch"), "for_each": list(range(12))},
        "resize": after("fetch", type="demo.sleep", seconds=600),
        "virus-scan": {**after("fetch", type="demo.fail", message="no signature"), "max_retries": 0},
        "quarantine": {"type": "demo.noop", "after": [{"node": "virus-scan", "on": "failure"}]},
        "publish": after("thumbnails", "resize"),
    }
    begun = hub.client.post("/workflows", json={"name": "gallery", "nodes": nodes})
    assert begun.status_code in {200, 202}, begun.text
    workflow_id: str = begun.json()["id"]
    return workflow_id


def main() -> None:
    parser = argparse.ArgumentParser(prog="make screenshots")
    parser.add_argument("--into", type=Path, default=PICTURES, help="the folder to put them in")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        files = Path(name)
        for month in ("january", "february", "march"):
            (files / f"{month}.csv").write_text("a,b\n" * 10_000)
        environ = {"TASKFLOW_FILES_ROOT": name, "TASKFLOW_WORKER_NAME": "hub-1"}
        asyncio.run(live_through(f"sqlite:///{files}/taskflow.db"))
        with HubProcess(files, environ=environ) as hub:
            photograph(hub, wanted.into)


if __name__ == "__main__":
    main()
