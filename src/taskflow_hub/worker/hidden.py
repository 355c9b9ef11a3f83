"""Secrets of one attempt, as they must not be told: in its errors, tracebacks, log lines and progress."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar, cast

import msgspec

from taskflow_hub.domain.model import TaskError

SHORTEST: Final = 4  # characters: what is shorter stands in too many words that tell nothing
STARS: Final = "••••••"

T = TypeVar("T")


class Hidden:
    """Made of the JSON texts that were decrypted. It knows them as they are, not what a handler may have made of them."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        found = {word for text in texts for word in _words(msgspec.json.decode(text))}
        # The longest first: one may contain another.
        self._words = sorted((word for word in found if len(word) >= SHORTEST), key=len, reverse=True)

    def __repr__(self) -> str:
        return f"<Hidden of {len(self._words)}>"

    def text(self, text: str) -> str:
        for word in self._words:
            text = text.replace(word, STARS)
        return text

    def value(self, value: T) -> T:
        """A JSON value, with all texts in it changed."""
        return cast(T, self._changed(value))

    def hidden_in(self, error: TaskError) -> TaskError:
        trace = error.traceback
        return TaskError(error.type, self.text(error.message), None if trace is None else self.text(trace))

    def _changed(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(name): self._changed(part) for name, part in value.items()}
            case list():
                return [self._changed(part) for part in value]
            case int() | float() if not isinstance(value, bool) and str(value) in self._words:
                return STARS
        return value


def _words(value: Any) -> Iterator[str]:
    """Texts as they are, line by line (a traceback may indent them), and as Python and JSON write them in quotes; numbers; all
    that is in them.
    """
    match value:
        case str():
            yield from {
                value,
                repr(value)[1:-1],
                msgspec.json.encode(value).decode()[1:-1],
                *value.splitlines(),
            }
        case int() | float() if not isinstance(value, bool):
            yield str(value)
        case dict():
            for part in value.values():
                yield from _words(part)
        case list():
            for part in value:
                yield from _words(part)
