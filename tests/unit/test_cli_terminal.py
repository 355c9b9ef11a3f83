"""Nothing that others wrote is obeyed by a terminal, and nothing gets lost that a person needs."""

import io
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.cli import loglines, output, show, table, terminal
from taskflow_hub.cli.table import Cell, Column, cell, fit, print_fields, print_table, width
from taskflow_hub.client.model import Queue, Task
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import LogLine, Worker
from taskflow_hub.domain.why import Cause, CauseKind, Why

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\r\b\x7f\u202eevil\u2066\u2028[red]x[/red]\x00"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e\u2066]")
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
TASK: dict[str, Any] = {
    "id": "0198c0de-0000-7000-8000-000000000001",
    "type": "demo.noop",
    "queue": "default",
    "priority": 5,
    "status": "queued",
    "rev": 1,
    "payload": {},
    "retry": {},
    "created_at": NOW,
}


def task(**fields: Any) -> Task:
    return msgspec.convert({**TASK, **fields}, Task)


class Screen(io.StringIO):
    """A terminal of some width."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Screen]:
    def make(columns: int) -> Screen:
        made = Screen()
        monkeypatch.setattr(sys, "stdout", made)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        return made

    return make


# --- making harmless


@given(st.text(st.characters(exclude_categories=[])))
def test_whatever_it_is_one_line_without_controls_comes_out(text: str) -> None:
    assert not re.search(
        "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", terminal.clean(text)
    )


@given(st.text())
def test_harmless_text_is_left_alone(text: str) -> None:
    plain = re.sub(terminal._UNSAFE, "", text)
    assert terminal.clean(plain) == plain


def test_several_lines_keep_their_breaks() -> None:
    assert terminal.clean_text("a\r\n\tb\x1b[1m\nc\r") == "a\n\tb\\x1b[1m\nc\\x0d"


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_stays_the_same_json(value: Any) -> None:
    shown = output.pretty(value)
    assert json.loads(shown) == value
    assert not OBEYED.search(shown)


@pytest.mark.parametrize(
    ("variables", "tty", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colours_only_where_they_are_wanted(
    variables: dict[str, str], tty: bool, coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.coloured(Screen() if tty else io.StringIO()) is coloured


def test_every_field_of_a_task_is_made_harmless(screen: Callable[[int], Screen]) -> None:
    stdout = screen(200)
    one = task(
        type=HOSTILE,
        queue=HOSTILE,
        status="failed",
        reason="handler",
        tags=[HOSTILE],
        worker=HOSTILE,
        payload={HOSTILE: HOSTILE},
        error={"type": HOSTILE, "message": HOSTILE, "traceback": HOSTILE},
        progress={"fraction": 0.5, "message": HOSTILE, "at": NOW},
    )
    show.task(one)
    show.tasks([one])
    show.queues([Queue(name=HOSTILE, unserved_types=(HOSTILE,))])
    at = {"registered_at": NOW, "last_beat_at": NOW, "pid": 1, "slots": 1, "window": 1}
    worker = {"id": HOSTILE, "name": HOSTILE, "host": HOSTILE, "version": HOSTILE, "state": "alive", **at}
    show.workers([msgspec.convert(worker, Worker)])
    loglines.show(LogLine(attempt=1, n=1, at=NOW, level=HOSTILE, message=HOSTILE, fields={HOSTILE: HOSTILE}))
    ours = re.sub("\x1b\\[[0-9;]+m", "", stdout.getvalue())
    assert "[red]x[/red]" in ours, "markup is text"
    assert not OBEYED.search(ours)


# --- tables


def test_a_pipe_gets_everything(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(
        (Column("ID"), Column("NOTE", least=8)), [(cell("1"), cell("n" * 500)), (cell(""), cell(None))]
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["ID  NOTE", "1   " + "n" * 500, "–   –"]


@pytest.mark.parametrize("columns", [30, 60, 80, 100, 140, 200])
def test_a_terminal_gets_lines_that_fit_and_ids_that_can_be_copied(
    columns: int, screen: Callable[[int], Screen]
) -> None:
    stdout = screen(columns)
    show.tasks(
        [
            task(
                status="failed",
                reason="handler",
                error={"type": "E", "message": "m" * 300},
                type="t" * 90,
                queue="q" * 60,
            )
        ]
    )
    lines = re.sub("\x1b\\[[0-9;]+m", "", stdout.getvalue()).splitlines()
    assert TASK["id"] in lines[1]
    assert "failed" in lines[1]
    assert max(map(width, lines)) <= max(columns, 72)


@given(
    st.lists(
        st.tuples(st.integers(1, 80), st.none() | st.integers(1, 10), st.integers(0, 3)),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 200),
)
def test_columns_are_cut_then_left_out_and_never_widened(
    shapes: list[tuple[int, int | None, int]], room: int
) -> None:
    columns = [Column("c", least=least, minor=minor) for _, least, minor in shapes]
    widths = [size for size, _, _ in shapes]
    fitted = fit(columns, widths, room)
    for (size, least, minor), got in zip(shapes, fitted, strict=True):
        assert got <= size
        assert got == size or (least is not None and got >= min(least, size)) or (got == 0 and minor)
    total = sum(fitted) + 2 * (sum(map(bool, fitted)) - 1)
    must = [min(least, size) if least is not None else size for size, least, minor in shapes if not minor]
    assert total <= max(room, sum(must) + 2 * (len(must) - 1))


def test_wide_characters_take_two_columns() -> None:
    assert width("数据") == 4
    assert width("é") == 1
    assert width("e\u0301") == 1


def test_a_cut_cell_says_so_and_fits() -> None:
    assert table._padded(Cell("数据数据"), 6, last=True) == "数据…"
    assert table._padded(Cell("short"), 8, last=False) == "short   "


def test_fields_of_several_lines_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields([("id", cell("1")), ("payload", Cell('{\n  "a": 1\n}'))])
    assert capsys.readouterr().out.splitlines() == [
        "id       1",
        "payload  {",
        '           "a": 1',
        "         }",
    ]


def test_an_explanation_names_who_runs_instead_and_is_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    limit = Cause(kind=CauseKind.LIMIT, text=f"Full {HOSTILE}.", key="k", running=5, tasks=("a", HOSTILE))
    unnamed = Cause(kind=CauseKind.LIMIT, text="Full, too.", key="l", running=2)
    turn = Cause(kind=CauseKind.TURN, text="Last.", help=HOSTILE, ahead=1)
    show.why(Why(id="x", status=State.QUEUED, hold="limit:k", summary="Full.", causes=(limit, unnamed, turn)))
    out = capsys.readouterr().out
    assert not OBEYED.search(out)
    lines = [
        line.split("  ")[0] if line.startswith(("status", "limit", "turn")) else ""
        for line in out.splitlines()
    ]
    assert lines == ["status", "limit", "", "", "", "limit", "", "turn", ""]
    assert "a runs\n" in out
    assert "… and 3 more\n" in out
    assert "2 run\n" in out


# --- words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.0004, "0 ms"),
        (0.25, "250 ms"),
        (1, "1 s"),
        (1.26, "1.3 s"),
        (59.9, "60 s"),
        (90, "1.5 min"),
        (3600, "1 h"),
        (86_400 * 12, "12 d"),
        (-5, "0 ms"),
    ],
)
def test_durations_are_short(seconds: float, words: str) -> None:
    assert show.span(seconds) == words


@pytest.mark.parametrize(
    ("after", "words"),
    [(0.3, "now"), (-0.3, "now"), (-12, "12 s ago"), (7200, "in 2 h"), (-86_400 * 3, "3 d ago")],
)
def test_times_are_told_from_now(after: float, words: str) -> None:
    assert show.ago(NOW + timedelta(seconds=after), NOW) == words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"hold": "no_worker"}, "no worker serves it"),
        ({"hold": "limit:x"}, "limit x is full"),
        ({"status": "failed", "reason": "expired"}, "expired"),
        ({"status": "failed", "reason": "handler", "error": {"type": "E", "message": "m"}}, "handler: E: m"),
        ({"status": "running", "progress": {"fraction": 0.4, "message": "page 4", "at": NOW}}, "40% page 4"),
        ({"status": "running", "cancel_requested_at": NOW}, "asked to end"),
        ({"status": "scheduled", "run_at": NOW}, "runs"),
        ({"status": "success"}, ""),
    ],
)
def test_a_task_says_the_one_thing_worth_knowing(fields: dict[str, Any], words: str) -> None:
    said = show.note(task(**fields))
    assert said.startswith(words)
    assert bool(said) is bool(words)
