"""A workflow in a terminal: readable at 80 columns and at 120, in ASCII, without colour, and when it is too large to draw."""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.test_cli_terminal import OBEYED, Screen, screen

from taskflow_hub.cli import graph_text, graph_view, show_workflows
from taskflow_hub.cli.drawing import Row
from taskflow_hub.cli.graph_view import ALPHABET, ASCII_SIGNS, SIGNS, Drawn
from taskflow_hub.cli.table import width
from taskflow_hub.client.model import Workflow
from taskflow_hub.domain.graph import Edge, On
from taskflow_hub.domain.lifecycle import State

__all__ = ["screen"]

START = datetime(2030, 1, 1, 12, tzinfo=UTC)
NOW = START + timedelta(seconds=100)
ID = "01a2074b-0000-7000-8000-000000000001"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def node(type: str | None, status: str, *after: str, **more: Any) -> dict[str, Any]:
    """`after` as "store" or "store:failure"."""
    edges = [
        {"parent": parent, "on": on or "success"} for parent, _, on in (one.partition(":") for one in after)
    ]
    return {"type": type, "status": status, "after": edges, **more}


def ran(start: float, end: float | None = None) -> dict[str, Any]:
    return {"started_at": at(start), "finished_at": None if end is None else at(end)}


REPORT: dict[str, Any] = {
    "list": node("app.list", "success", **ran(0, 0.4)),
    "fetch": node("web.title", "success", **ran(0, 1.2)),
    "each": node(
        "http.request", "failed", "list", items={"total": 10_000, "success": 9_998, "failed": 2}, **ran(1, 95)
    ),
    "store": node(
        "app.store", "failed", "fetch", error={"type": "ValueError", "message": "disk full"}, **ran(2, 3)
    ),
    "alarm": node("sms.send", "running", "store:failure", **ran(3)),
    "bill": node(None, "blocked", "each"),
    "sum": node("app.sum", "skipped", "each", "store"),
    "finally": node("app.clean", "blocked"),
}


def workflow(nodes: dict[str, Any], **fields: Any) -> Workflow:
    whole = {
        "id": ID,
        "name": "report",
        "status": "running",
        "rev": 3,
        "created_at": START,
        "counts": {},
        "nodes": nodes,
        **fields,
    }
    return msgspec.convert(whole, Workflow)


def texts(rows: list[Row]) -> list[str]:
    return ["".join(text for text, _ in row) for row in rows]


def shown(nodes: dict[str, Any], columns: int = 80, *, plain: bool = False) -> str:
    return "\n".join(
        texts(graph_view.rows(graph_view.of_workflow(workflow(nodes), NOW), columns, plain=plain))
    )


def test_a_graph_is_drawn_with_signs_types_times_items_and_labels() -> None:
    assert (
        shown(REPORT)
        == """\
    ┌─────────────────┐     ┌─────────────────┐
    │ ✓ list  400 ms  │     │ ✓ fetch  1.2 s  │
    │ app.list        │     │ web.title       │
    └────────┬────────┘     └────────┬────────┘
             │                       │
┌────────────▼────────────┐  ┌───────▼───────┐
│ ✗ each ×10 000  1.6 min │  │ ✗ store  1 s  │
│ http.request            │  │ app.store     │
│ 9 998 ok, 2 failed      │  └──────┬─┬──────┘
└────────────┬────────────┘         │ │
          ┌──┴─────────┐ ┌──────────┘ └───┐
          │            │ │             failure
    ╔═════▼═════╗  ┌───▼─▼───┐  ┌─────────▼─────────┐
    ║ · bill    ║  │ – sum   │  │ ▶ alarm  1.6 min  │
    ║ workflow  ║  │ app.sum │  │ sms.send          │
    ╚═══════════╝  └─────────┘  └───────────────────┘
╌╌ when all have ended ╌╌
┌───────────┐
│ · finally │
│ app.clean │
└───────────┘

· 2 blocked   ▶ 1 running   ✓ 2 success   ✗ 2 failed   – 1 skipped"""
    )


def test_where_it_does_not_fit_it_is_a_list_with_arrows() -> None:
    nodes = graph_view.of_workflow(workflow(REPORT), NOW)
    assert texts(graph_view.listing(nodes, 80)) == [
        "✓ list                                 app.list       400 ms",
        "✓ fetch                                web.title       1.2 s",
        "  ✗ each ×10 000 (9 998 ok, 2 failed)  http.request  1.6 min  ← list",
        "  ✗ store                              app.store         1 s  ← fetch",
        "    ▶ alarm                            sms.send      1.6 min  ← store (failure)",
        "    · bill                             workflow               ← each",
        "    – sum                              app.sum                ← each, store",
        "· finally                              app.clean              ← all",
    ]
    assert "▼" not in shown(REPORT, 40)
    assert "✗ each ×10 000 (9 998 ok, 2" in shown(REPORT, 40)


def test_without_types_more_fits() -> None:
    wide = {
        "a": node("x" * 100, "success"),
        "b": node("y" * 100, "success"),
        "c": node("z", "success", "a", "b"),
    }
    assert "xxx…" in shown(wide, 80)
    narrow = shown(wide, 30)
    assert "x" not in narrow
    assert "▼" in narrow


def test_more_than_sixty_nodes_are_a_list() -> None:
    chain = {f"n{n}": node("t", "success", *([f"n{n - 1}"] if n else [])) for n in range(61)}
    lines = shown(chain).split("\n")
    assert len(lines) == 61 + 2
    assert "▼" not in "".join(lines)
    assert "▼" in shown(dict(list(chain.items())[:60]))


@pytest.mark.parametrize("columns", [80, 120])
def test_in_ascii_it_says_the_same(columns: int) -> None:
    plain = shown(REPORT, columns, plain=True)
    assert plain.isascii()
    assert "! each x10 000" in plain
    assert "- 1 skipped" in plain
    assert [len(line) for line in plain.split("\n")] == [
        len(line) for line in shown(REPORT, columns).split("\n")
    ]


@pytest.mark.parametrize("signs", [SIGNS, ASCII_SIGNS])
def test_states_differ_by_sign_and_not_only_by_colour(signs: dict[State, str]) -> None:
    assert set(signs) == set(State)
    assert len(set(signs.values())) == len(State)
    assert all(width(sign) == 1 for sign in signs.values())


def test_everything_that_is_drawn_takes_one_column() -> None:
    assert width(ALPHABET) == len(ALPHABET)


NAMES = st.text("abc0-_", min_size=1, max_size=64)


@st.composite
def any_nodes(draw: st.DrawFn) -> list[Drawn]:
    names = draw(st.lists(NAMES, min_size=1, max_size=12, unique=True))
    return [
        Drawn(
            name=name,
            after=tuple(
                Edge(parent, draw(st.sampled_from(On)))
                for parent in (draw(st.sets(st.sampled_from(names[:place]), max_size=3)) if place else ())
            ),
            kind=draw(st.sampled_from(["workflow", "x", "y" * 100])),
            status=draw(st.sampled_from([None, *State])),
            took=draw(st.sampled_from(["", "1.2 s"])),
            times=draw(st.sampled_from(["", "×10 000"])),
            items=draw(st.sampled_from(["", "9 998 ok, 2 failed, 17 running, 4 queued"])),
            nested=draw(st.booleans()),
        )
        for place, name in enumerate(names)
    ]


@given(any_nodes(), st.integers(24, 140), st.booleans())
def test_no_line_is_wider_than_the_terminal(nodes: list[Drawn], columns: int, plain: bool) -> None:
    for line in texts(graph_view.rows(nodes, columns, plain=plain)) + texts(
        graph_view.listing(nodes, columns)
    ):
        assert len(line) <= columns, line
        assert line == line.rstrip() or "│" in line


# --- the terminal that is there ----------------------------------------------------------------------------------------


def test_colours_only_where_they_are_wanted(screen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    screen(80)
    assert "\x1b[31m" in graph_text.drawn(workflow(REPORT))
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in graph_text.drawn(workflow(REPORT))


def test_a_terminal_that_knows_ascii_only_gets_that(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old(Screen):
        encoding = "ascii"

    monkeypatch.setattr(sys, "stdout", Old())
    monkeypatch.setenv("NO_COLOR", "1")
    assert graph_text.drawn(workflow(REPORT)).isascii()
    assert graph_text.listed(workflow(REPORT)).isascii()


def test_what_follows_live_fits_the_screen(screen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    screen(80)
    monkeypatch.setenv("NO_COLOR", "1")
    big = {f"n{n}": node("t", "running" if n > 990 else "success") for n in range(1000)}
    for lines in (50, 24, 12, 8):
        monkeypatch.setenv("LINES", str(lines))
        for nodes in (REPORT, big):
            told = graph_text.fitting(workflow(nodes)).split("\n")
            assert len(told) < lines
            assert any("running" in line for line in told)
    monkeypatch.setenv("LINES", "12")
    assert "▶ n991" in graph_text.fitting(workflow(big)), "what runs is what one looks for"


def test_what_others_wrote_is_not_obeyed(screen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = screen(80)
    monkeypatch.setenv("NO_COLOR", "1")
    evil = "\x1b]0;t\x07\x1b[2J\u202e"
    hostile = workflow(
        {f"a{evil}": node(f"t{evil}", "failed", error={"type": evil, "message": evil})},
        name=f"n{evil}",
        tags=(evil,),
        status="failed",
        error={"type": evil, "message": evil},
    )
    print(graph_text.drawn(hostile), graph_text.listed(hostile), *graph_view.failures(hostile), file=made)
    show_workflows.workflow(hostile)
    show_workflows.workflows([hostile])
    assert not OBEYED.search(made.getvalue())
