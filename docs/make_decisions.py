"""docs/adr/README.md, made from the decisions' titles: `python -m docs.make_decisions`."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "adr"
PAGE: Final = FOLDER / "README.md"

HEAD: Final = """# Decisions

<!-- Made by `python -m docs.make_decisions`; a test compares. -->

A page each: status, context, decision.

| | |
|---|---|
"""


def document() -> str:
    return HEAD + "".join(_row(page) for page in sorted(FOLDER.glob("[0-9]*.md")))


def _row(page: Path) -> str:
    number, _, title = page.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").partition(" ")
    return f"| [{number}]({page.name}) | {title} |\n"


if __name__ == "__main__":
    PAGE.write_text(document(), encoding="utf-8")
