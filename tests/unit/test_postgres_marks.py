"""Where a lease begins to look: what is told while it looks is never forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.store.postgres.marks import Marks

LINE, OTHER = ("q", "t", 5, "a"), ("q", "t", 9, "a")


def test_a_line_that_was_read_to_its_end_is_forgotten_until_it_is_told_of_again() -> None:
    marks = Marks()
    assert marks.lower({LINE: 10})
    assert marks.begin() == {LINE: 10}
    marks.end({LINE: None})
    assert len(marks) == 0
    assert marks.lower({LINE: 12})
    assert marks.begin() == {LINE: 12}


def test_a_scan_moves_the_mark_to_where_it_ended() -> None:
    marks = Marks()
    marks.lower({LINE: 10, OTHER: 3})
    marks.begin()
    marks.end({LINE: 60})
    assert marks.begin() == {LINE: 60, OTHER: 3}
    assert not marks.lower({LINE: 70}), "the mark covers it"
    assert marks.lower({LINE: 20}), "a commit that came late"
    assert marks.begin() == {LINE: 20, OTHER: 3}


def test_what_is_told_during_a_scan_outlives_it() -> None:
    marks = Marks()
    marks.lower({LINE: 10})
    marks.begin()
    marks.lower({LINE: 40})  # committed after the scan's snapshot
    marks.end({LINE: None})
    assert marks.begin() == {LINE: 40}
    marks.lower({LINE: 5})
    marks.end({LINE: 90})
    assert marks.begin() == {LINE: 5}
    marks.end({LINE: 90})
    assert marks.begin() == {LINE: 90}, "a hint holds a mark back for one scan, not for ever"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["told", "begin", "end"]), st.integers(1, 50), st.sampled_from([LINE, OTHER])
        )
    )
)
def test_nothing_told_since_the_last_begin_lies_below_a_mark(
    steps: list[tuple[str, int, tuple[str, str, int, str]]],
) -> None:
    """The one promise of the marks, whatever order things happen in."""
    marks = Marks()
    told: dict[tuple[str, str, int, str], int] = {}
    for step, place, line in steps:
        if step == "told":
            marks.lower({line: place})
            told[line] = min(place, told.get(line, place))
        elif step == "begin":
            begun = marks.begin()
            assert all(line in begun and begun[line] <= seq for line, seq in told.items())
            told.clear()
        else:
            marks.end({line: place if place > 25 else None})
    begun = marks.begin()
    assert all(line in begun and begun[line] <= seq for line, seq in told.items())
