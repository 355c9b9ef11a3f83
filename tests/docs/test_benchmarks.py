"""The page of benchmarks says what the results say."""

import pytest
from bench import results
from bench.pages import DOCS, PAGE, RESULTS, page, plots


@pytest.mark.skipif(not RESULTS.exists(), reason="nothing has been measured yet: make bench")
def test_page_and_plots_are_made_of_the_results() -> None:
    found = results.read(RESULTS)
    assert PAGE.read_text() == page(found), "python -m bench pages"
    for name, svg in plots(found).items():
        assert (DOCS / "img" / name).read_text() == svg, name
