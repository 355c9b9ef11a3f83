"""What a process remembers of the workflows that it has begun or moved: how their nodes are, and whose work their tasks are.

Whoever changes anything in a workflow raises its `rev`, and holds its root's row until the commit. So all that is remembered is
true if the root has, once it is locked, the `rev` that it had then. That is found out by whoever locks it: a memory that is
wrong costs a question, and decides nothing. Of a tree only the root is remembered, not the sub-workflows in it.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from typing import Final

from msgspec import Struct

from taskflow_hub.store.asks import NO_ITEM, NodeRow, Save, Work, WorkflowRow

MOST_REMEMBERED: Final = 50_000  # rows, of all trees together: some 20 MB
FIRST_REV: Final = 1


class Known(Struct):
    """A root at this `rev`, with those of its nodes that were met, and whose work its tasks are."""

    root: WorkflowRow
    rev: int
    nodes: dict[str, NodeRow]
    work: dict[str, Work]  # by task

    def __len__(self) -> int:
        return 1 + len(self.nodes) + len(self.work)


class Lesson(Struct):
    """What one transaction has seen, and has changed, of a root that had the `rev` `before`."""

    before: int
    now: Known
    ended: Collection[str]  # tasks


class Lessons:
    """Those of one decision. The rows are its own: it changes them, and what it has changed is what it saves."""

    def __init__(self, roots: Iterable[tuple[WorkflowRow, int]] = (), ended: Collection[str] = ()) -> None:
        """`roots`: with the `rev` that each has."""
        self._of = {row.id: Lesson(rev, Known(row, rev, {}, {}), ended) for row, rev in roots}
        self._made: list[Work] = []

    def saw(self, nodes: Iterable[NodeRow]) -> None:
        for node in nodes:
            if (lesson := self._of.get(node.workflow_id)) is not None:
                lesson.now.nodes[node.node] = node

    def made(self, work: Iterable[Work]) -> None:
        self._made += work

    def saved(self, save: Save) -> None:
        for new in save.new_workflows:
            if new.row.id == new.row.root_id:
                self._of[new.row.id] = Lesson(0, Known(new.row, FIRST_REV, {}, {}), ())
        for row in save.touched:
            if (lesson := self._of.get(row.id)) is not None:
                lesson.now.rev += 1
        self.saw(save.new_nodes)
        self.saw(save.nodes)

    def learned(self) -> list[Lesson]:
        for work in self._made:
            if (lesson := self._of.get(work.workflow_id)) is not None:
                lesson.now.work[work.task_id] = work
        return list(self._of.values())


class KnownTrees:
    """By root; those that were used last. On the store's loop."""

    def __init__(self) -> None:
        self._trees: OrderedDict[str, Known] = OrderedDict()
        self._size = 0

    def get(self, root: str, rev: int | None = None) -> Known | None:
        """`rev`: only if it is the one."""
        found = self._trees.get(root)
        return found if found is None or rev is None or found.rev == rev else None

    def learn(self, lesson: Lesson) -> None:
        """Once it is committed."""
        now = lesson.now
        tree = self.forget(now.root.id)
        if tree is None or tree.rev < lesson.before:
            tree = Known(now.root, now.rev, {}, {})
        elif tree.rev > lesson.before:  # two have committed, and this is the earlier one
            return
        tree.root, tree.rev = now.root, now.rev
        tree.nodes |= now.nodes
        tree.work |= now.work
        for node in now.nodes.values():
            if node.task_id is not None and not node.is_over:
                tree.work[node.task_id] = Work(now.root.id, node.node, NO_ITEM, node.task_id)
        for task in lesson.ended:
            tree.work.pop(task, None)
        if now.root.is_running and len(tree) <= MOST_REMEMBERED:
            self._trees[now.root.id] = tree
            self._size += len(tree)
            while self._size > MOST_REMEMBERED:
                self.forget(next(iter(self._trees)))

    def forget(self, root: str) -> Known | None:
        found = self._trees.pop(root, None)
        if found is not None:
            self._size -= len(found)
        return found
