"""The table of states and moves is whole, and says what docs and stores rely on."""

import pytest

from taskflow_hub.domain.events import event_name
from taskflow_hub.domain.lifecycle import (
    FENCED,
    FINAL,
    FIRST,
    LIFECYCLE,
    UNFINISHED,
    UNSTARTED,
    YIELDS_TO_CANCEL,
    Move,
    State,
    mermaid,
)

CELLS = [(source, move, target) for source, row in LIFECYCLE.items() for move, target in row.items()]


def reachable(*starts: State) -> set[State]:
    seen, ahead = set[State](), set(starts)
    while ahead:
        state = ahead.pop()
        seen.add(state)
        ahead |= set(LIFECYCLE[state].values()) - seen
    return seen


def test_every_state_has_a_row() -> None:
    assert set(LIFECYCLE) == set(State)


def test_every_move_is_used() -> None:
    assert {move for _, move, _ in CELLS} == set(Move)


def test_every_state_can_be_reached_from_a_submit() -> None:
    assert reachable(*FIRST) == set(State), "a state nobody can reach is dead weight"


@pytest.mark.parametrize("state", State)
def test_from_every_state_a_task_can_still_end(state: State) -> None:
    assert reachable(state) & FINAL, f"{state} is a trap"


def test_states_are_either_unfinished_or_final() -> None:
    assert set(State) == UNFINISHED | FINAL
    assert not UNFINISHED & FINAL


def test_only_an_operator_wakes_a_final_state() -> None:
    woken = {(state, move) for state in FINAL for move in LIFECYCLE[state]}
    assert woken == {
        (State.FAILED, Move.REDRIVE),
        (State.FAILED, Move.RESET),
        (State.CANCELLED, Move.REDRIVE),
        (State.CANCELLED, Move.RESET),
        (State.SKIPPED, Move.RESET),
    }


def test_success_is_for_ever() -> None:
    assert LIFECYCLE[State.SUCCESS] == {}


def test_no_move_leads_back_to_where_it_began() -> None:
    assert [cell for cell in CELLS if cell[0] is cell[2]] == []


def test_only_a_lease_starts_an_attempt() -> None:
    assert [(source, move) for source, move, target in CELLS if target is State.RUNNING] == [
        (State.QUEUED, Move.LEASE)
    ]


def test_exactly_the_moves_out_of_running_are_fenced() -> None:
    assert set(LIFECYCLE[State.RUNNING]) == FENCED
    unfenced = {move for state in set(State) - {State.RUNNING} for move in LIFECYCLE[state]}
    assert not FENCED & unfenced, "a move is fenced everywhere or nowhere"


def test_with_a_cancel_requested_what_would_run_again_becomes_an_abort() -> None:
    again = {move for move, target in LIFECYCLE[State.RUNNING].items() if target not in FINAL}
    assert again == YIELDS_TO_CANCEL


@pytest.mark.parametrize("state", sorted(UNSTARTED))
def test_every_unstarted_task_can_expire_and_be_cancelled(state: State) -> None:
    assert LIFECYCLE[state][Move.EXPIRE] is State.FAILED
    assert LIFECYCLE[state][Move.CANCEL] is State.CANCELLED


def test_a_running_task_is_never_cancelled_or_expired_from_outside() -> None:
    assert not {Move.CANCEL, Move.EXPIRE} & set(LIFECYCLE[State.RUNNING])


def test_a_submit_makes_only_unstarted_tasks() -> None:
    assert set(FIRST) == UNSTARTED


def test_the_diagram_shows_every_submit_and_every_move_and_nothing_else() -> None:
    first, *lines = mermaid().splitlines()
    assert first == "stateDiagram-v2"
    assert lines == [
        *(f"  [*] --> {state}: submit" for state in FIRST),
        *(f"  {source} --> {target}: {move}" for source, move, target in CELLS),
    ]


def test_events_are_named_by_where_the_task_ended_up() -> None:
    assert [event_name(state) for state in (State.SUCCESS, State.QUEUED)] == ["task.success", "task.queued"]
