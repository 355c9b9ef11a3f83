"""From a page's bytes to its text, whatever it says about its encoding. Imports w3lib: import this file late.

The order is that of browsers: byte order mark, HTTP header, <meta>, detection. But pages lie, so a label is believed only
as far as the bytes agree with it.
"""

import codecs
from typing import Final

from w3lib.encoding import (
    html_body_declared_encoding,
    http_content_type_encoding,
    read_bom,
    resolve_encoding,
)

# The encodings of the web (https://encoding.spec.whatwg.org/#names-and-labels), by Python's names. Python knows more, and
# some of those (unicode_escape, punycode) have no business in a page or take quadratic time.
_SINGLE_BYTE: Final = frozenset(
    {"cp866", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "cp874", "ascii"}
    | {f"cp125{n}" for n in range(9)}
    | {f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)}
)
_MULTI_BYTE: Final = frozenset(
    {
        "utf-8",
        "utf-16-le",
        "utf-16-be",
        "gb18030",
        "big5hkscs",
        "euc_jp",
        "iso2022_jp",
        "cp932",
        "cp949",
    }
)


def decode_html(body: bytes, content_type: str | None, tld: str = "") -> str:
    """The text of an HTML page; what cannot be decoded becomes U+FFFD. `tld` helps to guess when nothing is declared."""
    by_mark, mark = read_bom(body)
    encoding = by_mark or _encoding(body, content_type, tld)
    return body[len(mark or b"") :].decode(encoding, "replace")


def decode_text(body: bytes, content_type: str | None, *, cut: bool) -> str:
    """The text of any body: as its header says, else UTF-8. If it was cut, so is a character that was cut in half."""
    by_mark, mark = read_bom(body)
    encoding = by_mark or _known(http_content_type_encoding(content_type)) or "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return decoder.decode(body[len(mark or b"") :], final=not cut)


def _encoding(body: bytes, content_type: str | None, tld: str) -> str:
    labels = _labels(body, content_type)
    # Text in another encoding is hardly ever valid UTF-8 by chance, so this outdoes any label of one byte per character.
    if _is_utf8(body) and not any(label in _MULTI_BYTE for label in labels):
        return "utf-8"
    return next((label for label in (*labels, "utf-8") if _fits(body, label)), None) or _guess(body, tld)


def _labels(body: bytes, content_type: str | None) -> list[str]:
    in_header = _known(http_content_type_encoding(content_type))
    in_body = _known(html_body_declared_encoding(body))
    if in_body and in_body.startswith("utf-16"):
        in_body = "utf-8"  # it was read as ASCII, so it cannot be true; the standard says what is meant
    return [label for label in (in_header, in_body) if label]


def _known(encoding: str | None) -> str | None:
    if encoding == "utf-16":  # to Python this demands a byte order mark; on the web it means little-endian
        return "utf-16-le"
    return encoding if encoding in _SINGLE_BYTE | _MULTI_BYTE else None


def _is_utf8(body: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(
            body
        )  # not final: a cut body may end within a character
    except UnicodeDecodeError:
        return False
    return True


def _fits(body: bytes, encoding: str) -> bool:
    """Whether the label can be true: a few broken characters are common in honest pages, many mean it is a lie."""
    if encoding.startswith("utf-16") and b"\0" not in body:
        return False
    text = body.decode(encoding, "replace")
    foreign = len(text) - len(text.encode("ascii", "ignore"))
    return text.count("\ufffd") * 10 <= foreign


def _guess(body: bytes, tld: str) -> str:
    from chardetng_py import detect  # type: ignore[import-untyped]

    usable = tld.isascii() and tld.isalpha() and tld.islower()
    guessed = detect(body, allow_utf8=True, tld=tld.encode() if usable else None)
    return _known(resolve_encoding(guessed)) or "utf-8"
