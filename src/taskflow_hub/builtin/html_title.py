"""Finding a page's title. Imports lxml: import this file late.

The parser streams: it builds no tree, because the tree of a hostile page of 5 MB takes a gigabyte.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from lxml import etree

MAX_TITLE: Final = 2000  # characters

_CHUNK: Final = 64 * 1024
_ELSEWHERE: Final = frozenset({"svg", "math", "template"})  # a <title> in these is not the page's


def find_title(text: str) -> str | None:
    """The first title of the page, its whitespace collapsed and its end cut off if it is very long.

    None if the page has none, or a blank one.
    """
    seen = _Seen()
    target = cast("Any", seen)  # the stubs ask for more methods than lxml does
    parser = etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True)
    data = text.encode("utf-8", "replace")
    for start in range(0, len(data), _CHUNK):
        parser.feed(data[start : start + _CHUNK])
        if seen.complete:
            break
    else:
        if data:
            parser.close()
    title = " ".join("".join(seen.parts).split())
    return (title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 1] + "…") or None


class _Seen:
    """Receives the parser's events."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.complete = False
        self._inside = False
        self._elsewhere = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in _ELSEWHERE:
            self._elsewhere += 1
        elif tag == "title" and not self._elsewhere and not self.complete:
            self._inside = True

    def end(self, tag: str) -> None:
        if tag in _ELSEWHERE:
            self._elsewhere -= 1
        elif tag == "title" and self._inside:
            self._inside, self.complete = False, True

    def data(self, text: str) -> None:
        if self._inside:
            self.parts.append(text)

    def close(self) -> None:
        return
