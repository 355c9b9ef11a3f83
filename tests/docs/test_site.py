"""The documentation's site: built whole, strictly, once; and what must not be in it."""

import json
import re
from pathlib import Path

import pytest
from docs import make_site
from tests.docs.pages import PAGES, ROOT

OUTSIDE = re.compile(
    r"""<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href|srcset)=["']?(https?:)?//[^>]*>"""
)
ALLOWED = ('rel="canonical"',)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("docs")
    make_site.stage(into)
    assert make_site.build(into) == ""
    return into / "site"


def test_every_page_is_there(site: Path) -> None:
    for page in PAGES:
        made = site / ("index.html" if page == "README.md" else page.replace(".md", ".html"))
        if made.name == "README.html":
            made = made.with_name("index.html")
        assert made.is_file(), page


def test_every_page_of_docs_stands_in_the_order() -> None:
    listed = json.dumps(make_site.nav())
    missing = [page for page in PAGES if page.startswith("docs/") and f'"{page}"' not in listed]
    assert missing == [], "list them in docs/README.md"


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loaded = [
        f"{page.relative_to(site)}: {found[0]}"
        for page in site.rglob("*.html")
        for found in OUTSIDE.finditer(page.read_text(encoding="utf-8"))
        if not any(word in found[0] for word in ALLOWED)
    ]
    assert loaded == []
    for sheet in site.rglob("*.css"):
        assert not re.search(
            r"(?:@import|url\()[\s\"'(]*(?:https?:)?//", sheet.read_text(encoding="utf-8")
        ), sheet


def test_what_is_linked_is_there(site: Path) -> None:
    """Also what the builder does not look at: pictures, and pages that show a program."""
    broken = []
    for page in site.rglob("*.html"):
        for target in re.findall(r"""(?:href|src)="([^"#?]+)["#?]""", page.read_text(encoding="utf-8")):
            if page.name == "404.html" or re.match(r"[a-z]+:|//|/", target):
                continue
            if not (page.parent / target).resolve().exists():
                broken.append(f"{page.relative_to(site)}: {target}")
    assert broken == []


def test_it_can_be_searched(site: Path) -> None:
    found = (site / "search.json").read_text(encoding="utf-8")
    assert "taskflow doctor" in found
    assert "docs/how-to/run.html" in found
    assert "test_kill.py.html" not in found


def test_a_program_is_shown_on_a_page(site: Path) -> None:
    assert "welcome" in (site / "examples" / "welcome.py.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text", ["[a page](missing.md)", "[a heading](other.md#missing)"], ids=["page", "anchor"]
)
def test_a_link_that_leads_nowhere_fails(tmp_path: Path, text: str) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "index.md").write_text(f"# Here\n\n{text}\n")
    (pages / "other.md").write_text("# There\n")
    (tmp_path / "zensical.toml").write_text((ROOT / "docs" / "zensical.toml").read_text())
    assert "does not exist" in make_site.build(tmp_path)
