"""docs/lifecycle.md shows the table as it is."""

from pathlib import Path

import pytest

from taskflow_hub.domain.lifecycle import Move, State, mermaid
from taskflow_hub.domain.model import Reason
from taskflow_hub.testing import lifecycle_page

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"


def test_the_page_is_current() -> None:
    assert lifecycle_page.main(["--check", str(PAGE)]) == 0, (
        "docs/lifecycle.md is not current: python -m taskflow_hub.testing.lifecycle_page"
    )


def test_every_move_is_explained_once_in_the_order_of_the_table() -> None:
    assert list(lifecycle_page.SAID) == list(Move)


def test_the_page_shows_the_diagram_and_a_row_for_every_move() -> None:
    made = lifecycle_page.generated()
    assert f"```mermaid\n{mermaid()}\n```" in made
    for move in Move:
        assert f"\n| {move} | " in made


@pytest.mark.parametrize("word", [*State, *Reason])
def test_every_state_and_reason_is_explained(word: str) -> None:
    assert f"\n| `{word}` | " in PAGE.read_text("utf-8")


def test_a_page_that_is_not_current_is_found_and_renewed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{lifecycle_page.BEGIN}\nold\n{lifecycle_page.END}\nafter\n")
    assert lifecycle_page.main(["--check", str(page)]) == 1
    assert "old" in page.read_text(), "--check changes nothing"
    assert lifecycle_page.main([str(page)]) == 0
    assert lifecycle_page.main(["--check", str(page)]) == 0
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("\nafter\n")


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="marker"):
        lifecycle_page.renewed("nothing here")
