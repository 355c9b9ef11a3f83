"""The documentation's pages, taken apart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (
    *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("*.md")),
    *sorted(
        str(page.relative_to(ROOT))
        for folder in ("docs", "examples", "protocol")
        for page in (ROOT / folder).rglob("*.md")
    ),
)

_HTML_LINK: Final = re.compile(r"""\b(?:href|src|srcset)=["']([^"' ]+)""")
_NOT_IN_SLUGS: Final = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Block:
    """A fenced block. `language` is the first word after the fence."""

    page: str
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the block is: its first line says so, `# tasks.py`."""
        first = re.match(r"# ([\w./-]+\.(?:py|toml))(?:,.*)?\n", self.text)
        return first[1] if first else None


@dataclass(frozen=True)
class Link:
    page: str
    line: int
    target: str


@dataclass(frozen=True)
class Command:
    """What is typed at the prompt of a console block, and what the block says comes back."""

    block: Block
    line: int
    typed: str
    answer: tuple[str, ...]

    @property
    def where(self) -> str:
        return f"{self.block.page}:{self.line}: {self.typed.splitlines()[0]}"


@cache
def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def _tokens(page: str) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(text(page)))


def blocks(page: str) -> list[Block]:
    return [
        Block(page, (token.map or [0])[0] + 1, (token.info.split() or [""])[0], token.content)
        for token in _tokens(page)
        if token.type in {"fence", "code_block"}
    ]


def commands(block: Block) -> list[Command]:
    """`$ ` begins a command, `> ` goes on with it; everything else is what comes back."""
    found: list[Command] = []
    for offset, line in enumerate(block.text.splitlines(), start=1):
        if line.startswith("$ "):
            found.append(Command(block, block.line + offset, line[2:], ()))
            continue
        assert found, f"{block.where}: a console block begins with a command"
        last = found[-1]
        if line.startswith("> ") and not last.answer:
            found[-1] = Command(block, last.line, f"{last.typed}\n{line[2:]}", ())
        else:
            found[-1] = Command(block, last.line, last.typed, (*last.answer, line))
    return found


def links(page: str) -> Iterator[Link]:
    for token in _tokens(page):
        line = (token.map or [0])[0] + 1
        if token.type == "html_block":
            yield from (Link(page, line, target) for target in _HTML_LINK.findall(token.content))
        for child in token.children or ():
            match child.type:
                case "link_open":
                    yield Link(page, line, str(child.attrs["href"]))
                case "image":
                    yield Link(page, line, str(child.attrs["src"]))
                case "html_inline":
                    yield from (Link(page, line, target) for target in _HTML_LINK.findall(child.content))


def anchors(page: str) -> set[str]:
    """What `#…` may name, as GitHub makes it from headings."""
    tokens = _tokens(page)
    made: set[str] = set()
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open":
            words = "".join(child.content for child in inline.children or ())
            slug = _NOT_IN_SLUGS.sub("", words.lower()).replace(" ", "-")
            number = 1
            while (unique := slug if number == 1 else f"{slug}-{number - 1}") in made:
                number += 1
            made.add(unique)
    return made


def codes(page: str) -> set[str]:
    """Every `code` span of a page, and every word of them."""
    spans = {
        child.content
        for token in _tokens(page)
        for child in token.children or ()
        if child.type == "code_inline"
    }
    return spans | {word for span in spans for word in re.findall(r"[\w.]+", span)}
