"""What reaches the terminal: colours only where they are wanted, and nothing that others wrote is obeyed.

Task fields come from anybody. A control character in them could move the cursor, rewrite lines, set the window's title; a
bidirectional override could show a name backwards. They are shown as escapes instead.
"""

import os
import re
import sys
from typing import Final, TextIO

# C0 and C1 controls, DEL, line and paragraph separators, bidirectional overrides and isolates, lone surrogates.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_UNSAFE_IN_TEXT: Final = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def clean(value: object) -> str:
    """One line that is safe to show."""
    return _UNSAFE.sub(_escape, str(value))


def clean_text(value: str) -> str:
    """Several lines that are safe to show: line breaks and tabs stay."""
    return _UNSAFE_IN_TEXT.sub(_escape, value.replace("\r\n", "\n"))


def clean_json(text: str) -> str:
    """The same JSON, with what a terminal might obey written as JSON escapes."""
    return _UNSAFE_IN_TEXT.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def coloured(stream: TextIO) -> bool:
    """https://no-color.org; FORCE_COLOR beats a stream that is no terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def styled(text: str, code: str, stream: TextIO) -> str:
    """`text`, which must be clean already, with an ANSI style such as "1;31" (empty: none) where the stream has colours."""
    return f"\x1b[{code}m{text}\x1b[0m" if code and coloured(stream) else text


def say(words: str, *, style: str = "") -> None:
    """A line for people, on stderr."""
    print(styled(clean_text(words), style, sys.stderr), file=sys.stderr, flush=True)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
