"""The past of a hub that has just been started, for its pictures: what it answers of now is left as it is."""

import math
import re
from typing import Any, Final

from playwright.sync_api import Page, Route

AWAY: Final = range(21, 25)  # minutes in which the hub was not there
FAILED: Final = "mail.send"


def give_it_a_past(page: Page) -> None:
    for path in ("**/overview?*", "**/trend?*"):
        page.route(path, _answer)


def _answer(route: Route) -> None:
    answer = route.fetch()
    said: dict[str, Any] = answer.json()
    queue = re.search(r"/queues/(\w+)/", route.request.url)
    past = said["points"][:-1]  # of the present minute the hub knows by itself
    for n, point in enumerate(past):
        made = (
            _minute(n, size=1.0) if queue is None else _minute(n + 11 * len(queue[1]), size=len(queue[1]) / 9)
        )
        point.update((name, value) for name, value in made.items() if name in point)
    if queue is None:
        sums = {name: sum(point[name] for point in past) for name in said["totals"]}
        for name, number in sums.items():
            said["totals"][name] += number
        said["types"].insert(0, {"type": FAILED, **sums, "success": sums["success"] // 3})
    route.fulfill(response=answer, json=said)


def _minute(n: int, *, size: float) -> dict[str, Any]:
    """Uneven, and each time the same."""
    wave, noise = math.sin(n / 8), (n * 7919 % 13) / 13
    if n in AWAY:
        names = ("queued", "running", "oldest_age", "wait_p50", "wait_p95", "run_p50", "run_p95")
        return {"success": 0, "failed": 0, "cancelled": 0, **dict.fromkeys(names)}
    crowd = max(0.0, wave + noise / 2)
    return {
        "success": round(size * (52 + 24 * wave + 11 * noise)),
        "failed": round(size * 6 * noise) if n % 4 == 0 else 0,
        "cancelled": 1 if n % 11 == 5 else 0,
        "queued": round(size * 18 * crowd),
        "running": round(size * (4 + 3 * wave + 3 * noise)),
        "oldest_age": 0.1 + size * 6 * crowd * (1 + noise),
        "wait_p50": 0.006 + 0.4 * crowd * crowd,
        "wait_p95": 0.05 + 4 * crowd * crowd * (1 + noise),
        "run_p50": 0.18 + 0.05 * noise,
        "run_p95": 1.6 + 2.4 * noise,
    }
