"""The text of a page that says the right, the wrong or nothing about its encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.builtin.charset import decode_html, decode_text

RU = "<title>Новости дня: курсы валют и погода</title>"


def page(text: str, encoding: str, declared: str = "") -> bytes:
    return (f'<meta charset="{declared}">{text}' if declared else text).encode(encoding)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (page(RU, "utf-8"), "text/html; charset=utf-8"),
        (page(RU, "cp1251"), "text/html; charset=windows-1251"),
        (page(RU, "cp1251"), 'text/html; charset="CP1251"'),
        (page(RU, "koi8-r"), "text/html;charset=koi8-r"),
        (page(RU, "utf-16-le"), "text/html; charset=utf-16le"),
        (page(RU, "utf-16"), None),  # with a byte order mark
        (b"\xef\xbb\xbf" + page(RU, "utf-8"), "text/html; charset=windows-1251"),  # the mark wins
        (page(RU, "cp1251", "windows-1251"), "text/html"),
        (page(RU, "cp1251", "windows-1251"), None),
        (page(RU, "utf-8", "utf-16"), None),  # cannot be true
        (b'<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">' + page(RU, "koi8-r"), None),
        (page(RU, "utf-8"), None),  # missing
        (page(RU, "cp1251"), None),
        (page(RU, "koi8-r"), None),
        (page(RU, "utf-8"), "text/html; charset=iso-8859-1"),  # wrong
        (page(RU, "utf-8"), "text/html; charset=windows-1251"),
        (page(RU, "utf-8", "iso-8859-1"), "text/html"),
        (page(RU, "cp1251"), "text/html; charset=utf-8"),
        (page(RU, "cp1251", "utf-8"), "text/html"),
        (page(RU, "cp1251", "windows-1251"), "text/html; charset=utf-8"),
        (page(RU, "utf-8"), "text/html; charset=utf-16"),
        (page(RU, "utf-8"), "text/html; charset=klingon"),  # unknown
        (page(RU, "utf-8"), "text/html; charset="),
        (page(RU, "utf-8"), ";;charset;="),
    ],
)
def test_russian_is_readable(body: bytes, content_type: str | None) -> None:
    assert "Новости дня" in decode_html(body, content_type)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("東京の天気と交通情報", "shift_jis"),
        ("東京の天気と交通情報", "euc_jp"),
        ("東京の天気", "iso2022_jp"),
        ("新闻中心", "gbk"),
        ("新聞中心", "big5"),
        ("한국어 뉴스", "euc_kr"),
        ("Grüße – “schön”", "windows-1252"),
        ("Příliš žluťoučký kůň", "windows-1250"),
        ("שלום עולם", "windows-1255"),
    ],
)
def test_declared_encodings_of_the_world(text: str, encoding: str) -> None:
    assert decode_html(text.encode(encoding), f"text/html; charset={encoding}") == text


def test_the_latin_1_label_means_windows_1252_as_in_every_browser() -> None:
    assert decode_html("„Größe“".encode("cp1252"), "text/html; charset=iso-8859-1") == "„Größe“"


def test_a_page_that_is_cut_within_a_character_is_still_utf_8() -> None:
    body = RU.encode() + "я".encode()[:1]
    assert decode_html(body, None) == RU + "\ufffd"


def test_one_broken_character_does_not_change_the_encoding() -> None:
    body = RU.encode() + b"\xff<p>" + ("Ещё немного русского текста. " * 5).encode()
    assert "Новости дня" in decode_html(body, "text/html; charset=utf-8")
    assert "Новости дня" in decode_html(body, None)


def test_the_top_level_domain_helps_when_nothing_else_does() -> None:
    body = "<title>Ж</title>".encode("cp1251")
    assert isinstance(decode_html(body, None, "ru"), str)
    assert isinstance(decode_html(body, None, "РФ"), str)


@pytest.mark.parametrize(
    "label", ["utf-7", "unicode_escape", "punycode", "idna", "rot13", "zlib", "hex", "mbcs", "undefined"]
)
def test_encodings_that_are_none_of_the_web_are_ignored(label: str) -> None:
    assert decode_html(b"\\u0041 +ADw- x", f"text/html; charset={label}") == "\\u0041 +ADw- x"
    assert decode_text(b"\\u0041", f"text/plain; charset={label}", cut=False) == "\\u0041"


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "utf-8", "utf-16", "gb18030", "big5", "iso-2022-jp", "koi8-u", "x"]),
)
def test_anything_becomes_text(body: bytes, label: str) -> None:
    for text in (
        decode_html(body, f"text/html; charset={label}"),
        decode_text(body, f"a/b; charset={label}", cut=True),
    ):
        text.encode("utf-8")  # no lone surrogates


@pytest.mark.parametrize(
    ("body", "content_type", "cut", "text"),
    [
        ("ж".encode() * 3, "text/plain", False, "жжж"),
        ("ж".encode() * 3 + b"\xd0", "text/plain", True, "жжж"),
        ("ж".encode() * 3 + b"\xd0", "text/plain", False, "жжж\ufffd"),
        ("жж".encode("cp1251"), "text/plain; charset=windows-1251", True, "жж"),
        (b"\xff\xff", None, False, "\ufffd\ufffd"),
        ("жж".encode("utf-16"), "text/plain", False, "жж"),
        ("жж".encode("utf-16-le"), "text/plain; charset=utf-16", False, "жж"),
    ],
)
def test_plain_text(body: bytes, content_type: str | None, cut: bool, text: str) -> None:
    assert decode_text(body, content_type, cut=cut) == text
