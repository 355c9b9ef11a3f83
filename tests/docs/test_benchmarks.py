"""docs/benchmarks.md and its plots say what the results say; where nothing has been measured yet they are not there."""

from bench import results
from bench.pages import DOCS, PAGE, PLOTS, RESULTS, page, plots


def test_page_and_plots_are_made_of_the_results() -> None:
    made = {}
    if RESULTS.exists():
        found = results.read(RESULTS)
        made = {PAGE: page(found)} | {DOCS / "img" / name: svg for name, svg in plots(found).items()}
    places = [PAGE, *(DOCS / "img" / name for name in PLOTS)]
    assert {place: place.read_text() for place in places if place.exists()} == made, "python -m bench pages"
