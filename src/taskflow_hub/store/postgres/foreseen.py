"""Ends of which it is known beforehand what follows take one statement, instead of six one after the other.

Most ends count an item of a fan-out, or release the next node. Where all that they mean can be told from memory (known.py), the
decision is made first, on copies, and written together with the ends, if the roots still are as they were remembered and all
attempts own their tasks. If not, nothing has happened, and it is done the long way (ends.py).
"""

from collections.abc import Sequence
from copy import copy
from typing import Final

from msgspec import Struct

from taskflow_hub.domain import moves
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.store.advance import Advance
from taskflow_hub.store.asks import NO_ITEM, Answer, Answers, Nodes, Place, Release, Released, Save, Work
from taskflow_hub.store.documents import json_text
from taskflow_hub.store.plans import PLANS
from taskflow_hub.store.postgres.advance import saved_values
from taskflow_hub.store.postgres.known import Known, KnownTrees, Lessons
from taskflow_hub.store.postgres.moves import succeed_values
from taskflow_hub.store.postgres.running import OfWorkflows
from taskflow_hub.store.postgres.shard import shard
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.tree import Tree
from taskflow_hub.store.values import News
from taskflow_hub.store.verdicts import APPLIED

SUCCEED_FORESEEN: Final = statement("only/succeed_foreseen")


class _Outlook(Struct):
    """What follows."""

    roots: list[Known]
    save: Save
    released: list[Released]
    lessons: Lessons


class Foresight:
    """Of one lane: `sees` is asked before each try of `write`, for the same items."""

    def __init__(self, of_workflows: OfWorkflows, trees: KnownTrees) -> None:
        self._of_workflows, self._trees = of_workflows, trees
        self._outlook: _Outlook | None = None

    def sees(self, items: Sequence[moves.Succeed]) -> bool:
        self._outlook = self._look(items)
        return self._outlook is not None

    async def write(self, tx: Transaction, items: Sequence[moves.Succeed]) -> list[Verdict | None]:
        """All of them, or none: then nothing is remembered of these, so it does not come to this again."""
        outlook = self._outlook
        assert outlook is not None, "sees() has been asked"
        ids = [item.id for item in items]
        rows = await tx.fetch(
            SUCCEED_FORESEEN,
            tx.now,
            shard(long=False),
            [tree.root.id for tree in outlook.roots],
            [tree.rev for tree in outlook.roots],
            *succeed_values(items),
            *saved_values(outlook.save, outlook.released),
        )
        if not rows[0]["done"]:
            self._of_workflows.forget(ids)
            for tree in outlook.roots:
                self._trees.forget(tree.root.id)
            return [None] * len(items)
        tx.decided = True
        tx.note(News.TASKS)
        tx.note_ready(tuple(row)[1:] for row in rows if row["queue"] is not None)
        tx.lessons += outlook.lessons.learned()
        return [APPLIED] * len(items)

    def _look(self, items: Sequence[moves.Succeed]) -> _Outlook | None:
        trees: dict[str, Known] = {}
        work: dict[str, Work] = {}
        answered: dict[Place, Answer] = {}
        for item in items:
            root = self._of_workflows.root_of(item.id)
            tree = None if root is None else self._trees.get(root)
            its = None if tree is None else tree.work.get(item.id)
            if root is None or tree is None or its is None or not _releases_only(its):
                return None
            trees[root], work[item.id] = tree, its
            if its.item == NO_ITEM and item.result is not None:
                result = (item.result,)
                answered[root, its.node] = Answer(its.node, NO_ITEM, State.SUCCESS, result, False, None)
        if len(work) < len(items):
            return None
        roots = [trees[id] for id in sorted(trees)]
        rows = [copy(tree.root) for tree in roots]
        how = dict.fromkeys(work, State.SUCCESS)
        lessons = Lessons([(row, tree.rev) for row, tree in zip(rows, roots, strict=True)], how)
        asking = Advance(Tree(PLANS, rows)).ended(how, list(work.values()))
        released: list[Released] = []
        saved: list[Save] = []
        answer: object = None
        while True:
            try:
                ask = asking.send(answer)
            except StopIteration:
                return _Outlook(roots, saved[0], released, lessons) if len(saved) == 1 else None
            match ask:
                case Nodes(places):
                    known = [trees[id].nodes.get(name) if id in trees else None for id, name in places]
                    nodes = [copy(node) for node in known if node is not None]
                    if len(nodes) < len(places):
                        return None
                    lessons.saw(nodes)
                    answer = nodes
                case Answers(workflow, names, octets):
                    answers = [one for name in names if (one := answered.get((workflow.id, name)))]
                    if len(answers) < len(names) or not all(_may_be_pasted(one, octets) for one in answers):
                        return None
                    answer = answers
                case Release(_, tasks) if not ask.stating():
                    released += tasks
                    answer = {}
                case Save([], [], _, _):
                    saved.append(ask)
                    lessons.saved(ask)
                    answer = None
                case _:
                    return None


def _releases_only(work: Work) -> bool:
    """Does nothing come right after this node whose tasks must be made first? That is not done twice, once in vain."""
    plan = PLANS.get(work.workflow_id)
    return plan is not None and all(plan.node(name).is_plain for name, _ in plan.children.get(work.node, ()))


def _may_be_pasted(answer: Answer, octets: int) -> bool:
    """A result that is no JSON is refused by who would store it."""
    assert answer.result is not None
    (result,) = answer.result
    try:
        json_text(result, "/result")
        return len(result) <= octets
    except Invalid:
        return False
