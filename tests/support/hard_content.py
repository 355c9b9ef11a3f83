"""A hub full of what is hard to show: long, many, deep, from right to left."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from tests.support.dashboard import scheduled, submit
from tests.support.http_api import Threaded

from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import TaskType

LONG: Final = "w" * 100
ARABIC: Final = "خطأ في الاتصال بالخادم: انتهت المهلة"
HEBREW: Final = "שגיאה בעיבוד התמונה"
EMOJI: Final = "🙈👩‍👩‍👧‍👦 e\u0301"
TURNED: Final = "safe\u202egnp.exe"  # is seen as "safeexe.png" where it may turn what is around it
LINES: Final = "\n".join(f"line {n} of an error that is not short" for n in range(200))


@dataclass(frozen=True)
class Hard:
    tasks: dict[str, str]
    flows: dict[str, str]
    schedule: str


def deep(levels: int) -> Any:
    made: Any = {"end": [1, 2, 3]}
    for level in range(levels):
        made = {f"level {level}": made}
    return made


def wide_graph(size: int) -> dict[str, Any]:
    """Layers of ten; every node after two of the layer before."""
    nodes: dict[str, Any] = {}
    for n in range(size):
        after = [] if n < 10 else sorted({f"node-{n - 10}", f"node-{n - n % 10 - 10 + (n * 7) % 10}"})
        nodes[f"node-{n}"] = {"type": "web.title", "payload": {"url": "http://a"}, "after": after}
    return nodes


def long_edges() -> dict[str, Any]:
    """A chain whose ends are joined past all that is between them."""
    nodes: dict[str, Any] = {}
    for n in range(8):
        after: list[Any] = [f"step-{n - 1}"] if n else []
        if n == 7:
            after = ["step-6", {"node": "step-0", "on": "success"}, {"node": "step-2", "on": "done"}]
        if n == 5:
            after.append({"node": "step-0", "on": "done"})
        nodes[f"step-{n}"] = {"type": "web.title", "payload": {"url": "http://a"}, "after": after}
    nodes["rescue"] = {"type": "demo.draw", "after": [{"node": "step-1", "on": "failure"}]}
    nodes["report"] = {
        "type": "demo.draw",
        "after": [{"node": "rescue", "on": "done"}, {"node": "step-7", "on": "done"}],
    }
    return nodes


def flow(server: Threaded, name: str, nodes: dict[str, Any], **fields: Any) -> str:
    answer = server.run(server.hub.client.post("/workflows", json={"name": name, "nodes": nodes, **fields}))
    assert answer.status_code in {200, 202}, answer.text
    flow_id: str = answer.json()["id"]
    return flow_id


def fill(server: Threaded, *, queues: int, workers: int, schedules: int, nodes: int, items: int) -> Hard:
    client = server.hub.client
    tags = [ARABIC[:64], HEBREW, EMOJI, TURNED, "t" * 64]
    tasks = {
        "long": submit(server, "demo.fail", {"text": "x" * 3000}, tags=tags),
        "lines": submit(server, "demo.fail", {"text": LINES}),
        "arabic": submit(server, "demo.fail", {"text": ARABIC}, tags=tags),
        "speaks": submit(server, "demo.speak", {"text": f"{HEBREW}\n{ARABIC} {EMOJI} {TURNED}"}),
        "deep": submit(
            server,
            "x" * 100,
            {"deep": deep(40), **{f"k{n}": n for n in range(200)}, ARABIC: HEBREW},
            queue="y" * 64,
        ),
        "held": submit(server, "demo.hold"),
        "drawn": submit(server, "demo.draw"),
        "large": submit(server, "demo.large"),
    }
    batch = [
        {"type": "nobody.serves", "queue": f"queue-{n}", "delay": 3600 if n % 3 else 0} for n in range(queues)
    ]
    if batch:
        answer = server.run(client.post("/tasks/batch", json={"tasks": batch}))
        assert answer.status_code == 202, answer.text
    title: dict[str, Any] = {"type": "web.title", "payload": {"url": "http://a"}}
    flows = {
        "fan": flow(
            server,
            "fan-out",
            {
                "each": {**title, "for_each": list(range(items)), "max_concurrency": 100},
                "big": {"type": "demo.large", "for_each": [1, 2]},
                "one": {"type": "demo.large"},
                "last": {**title, "after": ["each"]},
            },
        ),
        "wide": flow(server, LONG, wide_graph(nodes), tags=tags),
        "edges": flow(server, "long-edges", long_edges()),
        "failed": flow(
            server,
            "fails",
            {"a": {"type": "demo.fail", "payload": {"text": ARABIC}}, LONG[:64]: {**title, "after": ["a"]}},
        ),
        "small": flow(server, "one", {"only": title}),
    }

    async def rest() -> None:
        declared = tuple(TaskType(type=f"{'t' * 60}.{n}") for n in range(20))
        for n in range(workers):
            name = f"worker-{n}" if n else LONG
            said = Register(
                worker=f"w{n}",
                name=name,
                host="h" * 60,
                pid=n,
                version="1",
                slots=20,
                window=2,
                types=declared,
            )
            await server.hub.engine.workers.answer(said)
        await asyncio.gather(
            *(
                client.post(
                    "/schedules",
                    json={"name": f"schedule-{n}", "cron": f"{n % 60} {n % 24} * * *", "task": title},
                )
                for n in range(schedules)
            )
        )

    server.run(rest())
    plan = scheduled(
        server, {"name": LONG, "every": "1s", "task": {"type": "demo.fail", "payload": {"text": ARABIC}}}
    )
    return Hard(tasks, flows, plan)
