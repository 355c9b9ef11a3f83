"""No link leads nowhere."""

from urllib.parse import unquote

import pytest
from tests.docs.pages import PAGES, ROOT, anchors, links


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    broken = [f"{page}:{link.line}: {link.target}" for link in links(page) if not _leads(page, link.target)]
    assert not broken, "\n".join(broken)


def _leads(page: str, target: str) -> bool:
    if target.startswith(("https://", "http://127.0.0.1:8080", "mailto:")):
        return True  # of the world outside we prove nothing
    path, _, anchor = unquote(target).partition("#")
    file = ((ROOT / page).parent / path).resolve() if path else ROOT / page
    if not file.is_relative_to(ROOT) or not file.exists():
        return False
    return not anchor or anchor in anchors(str(file.relative_to(ROOT)))


def test_every_page_can_be_reached_from_the_readme() -> None:
    """By links alone; a page that nobody links to is one that nobody reads."""
    seen: set[str] = set()
    waiting = ["README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in links(page):
            path = link.target.partition("#")[0]
            file = ((ROOT / page).parent / path).resolve()
            if path.endswith(".md") and file.exists():
                waiting.append(str(file.relative_to(ROOT)))
    assert set(PAGES) - seen == set()


def test_every_picture_is_shown() -> None:
    shown = {
        ((ROOT / page).parent / link.target).resolve()
        for page in PAGES
        for link in links(page)
        if "." in link.target
    }
    pictures = {path.resolve() for path in (ROOT / "docs" / "img").iterdir()}
    assert pictures - shown == set()
