"""What is remembered of workflows: only what has been committed, in order, and not without end."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import NULL
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.store.asks import NO_ITEM, NewRow, NodeRow, Save, Work, WorkflowRow
from taskflow_hub.store.postgres import known
from taskflow_hub.store.postgres.known import FIRST_REV, KnownTrees, Lesson, Lessons


def root(
    id: str = "w", status: WorkflowState = WorkflowState.RUNNING, parent: str | None = None
) -> WorkflowRow:
    of = id if parent is None else parent
    return WorkflowRow(id, of, parent, None, None, "a", None, "n", (), status, (), None, None, None, 1, 0)


def step(name: str, status: State = State.BLOCKED, task: str | None = None, of: str = "w") -> NodeRow:
    return NodeRow(of, name, status, 0, task_id=task)


def change(rev: int, *nodes: NodeRow, row: WorkflowRow | None = None, ended: Iterable[str] = ()) -> Lesson:
    """What a decision has learned that changed these nodes of a root which had this `rev`."""
    row = row or root()
    lessons = Lessons([(row, rev)], list(ended))
    lessons.saved(Save([], [], [row], nodes))
    (found,) = lessons.learned()
    return found


def test_a_change_of_what_is_remembered_is_added_to_it() -> None:
    trees = KnownTrees()
    trees.learn(change(1, step("a", task="t1"), step("b", task="t2")))
    trees.learn(change(2, step("a", State.SUCCESS, "t1"), ended=["t1"]))
    tree = trees.get("w")
    assert tree is not None
    assert tree.rev == 3
    assert {name: node.status for name, node in tree.nodes.items()} == {"a": "success", "b": "blocked"}
    assert tree.work == {"t2": Work("w", "b", NO_ITEM, "t2")}


def test_of_a_new_workflow_everything_is_known() -> None:
    lessons = Lessons()
    items = [Work("w", "each", item, f"t{item}") for item in range(3)]
    lessons.made([*items, Work("inner", "x", NO_ITEM, "t9")])
    news = [NewRow(root(), NULL), NewRow(root("inner", parent="w"), NULL)]
    lessons.saved(Save(news, [step("a", task="t"), step("x", of="inner")], [], []))
    (lesson,) = lessons.learned()
    trees = KnownTrees()
    trees.learn(lesson)
    tree = trees.get("w", FIRST_REV)
    assert tree is not None
    assert list(tree.nodes) == ["a"]
    assert set(tree.work) == {"t", "t0", "t1", "t2"}
    assert trees.get("w", FIRST_REV + 1) is None
    assert trees.get("inner") is None


def test_what_others_have_changed_meanwhile_is_not_remembered() -> None:
    trees = KnownTrees()
    trees.learn(change(1, step("a"), step("b", task="t2")))
    trees.learn(change(5, step("a", State.RUNNING)))
    tree = trees.get("w")
    assert tree is not None
    assert tree.rev == 6
    assert list(tree.nodes) == ["a"]
    assert tree.work == {}


def test_a_lesson_that_comes_late_is_no_lesson() -> None:
    trees = KnownTrees()
    trees.learn(change(2, step("a")))
    trees.learn(change(1, step("b")))
    assert trees.get("w") is None


def test_a_workflow_that_has_ended_is_forgotten() -> None:
    trees = KnownTrees()
    trees.learn(change(1, step("a")))
    trees.learn(change(2, row=root(status=WorkflowState.SUCCESS)))
    assert trees.get("w") is None


def test_those_that_were_not_used_for_long_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST_REMEMBERED", 10)
    trees = KnownTrees()
    for id in ("u", "v", "w"):
        trees.learn(change(1, *(step(name, of=id) for name in "abc"), row=root(id)))
        if id == "v":
            trees.learn(change(2, row=root("u")))
    assert trees.get("v") is None
    assert trees.get("u") is not None
    assert trees.get("w") is not None
    trees.learn(change(1, *(step(str(n), of="x") for n in range(10)), row=root("x")))
    assert trees.get("x") is None  # it is too large by itself
    assert trees.get("u") is not None
    trees.forget("u")
    trees.forget("w")
    assert trees._size == 0


def test_who_changes_a_workflow_raises_its_rev() -> None:
    """Else a memory would be taken for true that is not. What is set aside belongs to a node that the same decision saves."""
    folder = Path(known.__file__).parent / "sql"
    changes = re.compile(r"UPDATE (workflows|workflow_nodes|workflow_tasks)\b")
    found = {
        path.stem: path.read_text() for path in folder.rglob("*.sql") if changes.search(path.read_text())
    }
    assert found.keys() == {"saved", "set_aside"}
    assert "rev = workflow.rev + 1" in found["saved"]
