"""The title of a page, whatever the page looks like."""

import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.builtin.html_title import MAX_TITLE, find_title


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ('<TITLE lang="ru">А &amp; Б</TITLE>', "А & Б"),
        ("<html><head><title>plain</title></head><body></body></html>", "plain"),
        ("<title>\n  two\n\t lines \u00a0 </title>", "two lines"),
        ("<title>a <b>not bold</b> c</title>", "a <b>not bold</b> c"),
        ("<title>&lt;&#1040;&#x411;&hellip;&nbsp;&notit;</title>", "<АБ… ¬it;"),
        ("<title>first</title><title>second</title>", "first"),
        ("<body><svg><title>drawing</title></svg><p><title>late</title>", "late"),
        ("<head><svg><title>drawing</title></svg></head><title>page</title>", "page"),
        ("<body><svg><title>drawing</title></svg>", None),
        ("<svg/><title>page</title>", "page"),
        ("<body><math><title>formula</title></math>", None),
        ("<template><title>mould</title></template><title>page</title>", "page"),
        ("<!-- <title>comment</title> --><title>page</title>", "page"),
        ("<script>'<title>script</title>'</script><title>page</title>", "page"),
        ("<style><title>style</title></style><title>page</title>", "page"),
        ("<textarea><title>text</title></textarea>", None),
        ("<meta content='<title>attribute</title>'><title>page</title>", "page"),
        ("<title>unclosed", "unclosed"),
        ("<title>emoji 🎉 \U0001f468\u200d\U0001f469</title>", "emoji 🎉 \U0001f468\u200d\U0001f469"),
        ("<title>nul \0 &#0; &#xd800; end</title>", "nul \ufffd \ufffd \ufffd end"),
        ("<title></title>", None),
        ("<title> \n </title>", None),
        ("<p>no title", None),
        ("just text", None),
        ("{}", None),
        ("   ", None),
        ("", None),
        ("<", None),
        (
            "<?xml version='1.0'?><!DOCTYPE html><html xmlns='x'><head><title>xhtml</title></head></html>",
            "xhtml",
        ),
    ],
)
def test_titles(page: str, title: str | None) -> None:
    assert find_title(page) == title


def test_a_title_across_chunks_is_whole() -> None:
    for before in range(65_530, 65_550):
        assert find_title("<!--" + "x" * before + "--><title>здесь &amp; там</title>") == "здесь & там"


def test_a_very_long_title_is_cut() -> None:
    title = find_title("<title>" + "x" * 5_000_000)
    assert title == "x" * (MAX_TITLE - 1) + "…"


@pytest.mark.parametrize(
    "page",
    [
        "<b><p>" * 800_000,
        "<p><b>a</b> " * 400_000,
        "<" * 5_000_000,
        "<a " + "x=1 " * 1_000_000,
        "<!-- " * 1_000_000,
    ],
    ids=["nested", "flat", "angles", "attributes", "comments"],
)
def test_a_hostile_page_costs_no_tree(page: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert find_title(page) is None
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    )  # KiB; a tree would take a gigabyte


PIECES = [
    "<title>",
    "</title>",
    "<svg>",
    "</svg>",
    "<!--",
    "-->",
    "<script>",
    "</script>",
    "&amp;",
    "x",
    "\0",
    "<",
    "é",
]


@given(st.one_of(st.text(max_size=50), st.lists(st.sampled_from(PIECES), max_size=15).map("".join)))
def test_nothing_breaks_it(page: str) -> None:
    title = find_title(page)
    assert title is None or title == " ".join(title.split()) != ""
