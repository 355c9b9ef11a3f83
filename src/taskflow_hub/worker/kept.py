"""What one attempt knows of its task's steps: how often each name has come, and what earlier attempts have kept."""

import threading
from collections import Counter

from taskflow_hub.domain.messages import Steps, StoredStep
from taskflow_hub.domain.steps import StepKind, numbered


class Kept:
    """Any thread may use it. What was kept comes page by page, and what has been found is let go: a name is asked for once."""

    def __init__(self, attempt: int) -> None:
        self.after = 0 if attempt > 1 else None  # where the next page begins; None: there is none (left)
        self._there: dict[tuple[StepKind, str], StoredStep] = {}
        self._names: Counter[tuple[StepKind, str]] = Counter()
        self._lock = threading.Lock()

    def number(self, kind: StepKind, name: str) -> str:
        """The name with its number, in the order of calls."""
        with self._lock:
            self._names[kind, name] += 1
            return numbered(name, self._names[kind, name])

    def add(self, after: int, page: Steps) -> None:
        """What comes after so many. A page that is there already changes nothing."""
        with self._lock:
            if self.after == after:
                self.after = page.next
                self._there.update({(step.kind, step.name): step for step in page.items})

    def take(self, kind: StepKind, name: str) -> StoredStep | None:
        with self._lock:
            return self._there.pop((kind, name), None)
