"""Secrets of one attempt, as they must not be told: in its errors, tracebacks, log lines and progress."""

from collections.abc import Iterable, Iterator, Mapping, Set
from enum import Enum
from typing import Any, Final, Self, TypeVar, cast

import msgspec

from taskflow_hub.domain.secret_fields import attributes
from taskflow_hub.worker.text import MAX_MESSAGE, clean

SHORTEST: Final = 4  # characters: what is shorter stands in too many words that tell nothing
STARS: Final = "••••••"

T = TypeVar("T")


class Hidden:
    """Made of words that must not be told. It knows secrets as they are, not what a handler may have made of them."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        # The longest first: one may contain another.
        self.words = tuple(
            sorted({word for word in words if len(word) >= SHORTEST}, key=lambda word: (-len(word), word))
        )

    @classmethod
    def of_json(cls, texts: Iterable[bytes]) -> Self:
        """What was decrypted."""
        return cls(word for text in texts for word in _words(msgspec.json.decode(text)))

    def and_values(self, values: Iterable[object]) -> "Hidden":
        """With what a handler is called with, too: defaults were never encrypted."""
        found = {word for value in values for word in _words(value)}
        return Hidden({*self.words, *found}) if found else self

    def __repr__(self) -> str:
        return f"<Hidden of {len(self.words)}>"

    def text(self, text: str) -> str:
        for word in self.words:
            text = text.replace(word, STARS)
        return text

    def clean(self, text: str, limit: int = MAX_MESSAGE) -> str:
        """Fit to store, as `text.clean` makes it. Starred first, for half a secret that is left by a cut would not be known."""
        return clean(self.text(text), limit)

    def value(self, value: T) -> T:
        """A JSON value, with all texts in it changed."""
        return cast(T, self._changed(value)) if self.words else value

    def _changed(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(name): self._changed(part) for name, part in value.items()}
            case list():
                return [self._changed(part) for part in value]
            case int() | float() if not isinstance(value, bool) and str(value) in self.words:
                return STARS
        return value


def _words(value: Any) -> Iterator[str]:
    """Texts as they are, line by line (a traceback may indent them), and as Python and JSON write them in quotes; numbers; all
    that is in them.
    """
    if hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    match value:
        case None | bool():
            return
        case str():
            written = msgspec.json.encode(value).decode()[1:-1]
            yield from {value, repr(value)[1:-1], written, *value.splitlines()}
        case bytes():
            yield repr(value)[2:-1]
            yield from _words(value.decode("utf-8", "replace"))
        case Mapping():
            for part in value.values():
                yield from _words(part)
        case list() | tuple() | Set():
            for part in value:
                yield from _words(part)
        case Enum():
            yield value.name
            yield from _words(value.value)
        case _ if (parts := attributes(value)) is not None:
            yield from _words(parts)
        case _:  # a number, a time, a path
            yield str(value)


NOTHING_HIDDEN: Final = Hidden()
