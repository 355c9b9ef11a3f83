"""Other processes change the same store; this loop hears of it and passes it on as hints."""

from typing import Final

from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.store.base import Upkeep
from taskflow_hub.store.values import News

WAIT_S: Final = 1.0


class Listener(Loop):
    def __init__(self, store: Upkeep, hints: Hints) -> None:
        super().__init__(interval_s=1.0, grace_s=0.0)  # it only waits, so a stop need not
        self._store, self._hints = store, hints

    async def tick(self) -> float | None:
        news = await self._store.changed(WAIT_S)
        if News.OTHER in news:
            self._hints.outside(*Topic)
        elif News.TASKS in news:
            self._hints.outside(Topic.TASKS, Topic.WORKFLOWS)
        if News.WORK in news:
            self._hints.tell(Topic.WORK)
        return 0.0
