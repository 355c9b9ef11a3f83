"""What is read as a URL, and what is refused before any name is looked up."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from taskflow_hub.net import AllowPrivate, NetSettings, OutboundUrl, RefusedUrl, check_url
from taskflow_hub.net.url import MAX_URL, read_url

PUBLIC_ONLY = NetSettings()
LOOPBACK = NetSettings(allow_private=AllowPrivate.parse("127.0.0.0/8,::1/128"))

LOOPBACK_SPELLINGS = [
    *["http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://017700000001/"],
    *[
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://0x7F.0.0.0x1/",
        "http://127.0.0.1./",
    ],
    *["http://[::1]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"],
    *[
        "http://１２７.0.0.1/",
        "http://127。0。0。1/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
    ],
]


@pytest.mark.parametrize("url", LOOPBACK_SPELLINGS)
def test_every_spelling_of_loopback_is_known(url: str) -> None:
    assert "loopback" in (check_url(url, PUBLIC_ONLY) or "")
    assert check_url(url, LOOPBACK) is None


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "scheme must be http or https, not 'file'"),
        ("ftp://example.com/", "scheme"),
        ("gopher://example.com/", "scheme"),
        ("//example.com/", "scheme"),
        ("example.com", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("http://user@example.com/", "credentials"),
        ("http://user:secret@example.com/", "credentials"),
        ("http://@example.com/", "credentials"),
        ("http://example.com@127.0.0.1/", "credentials"),
        ("http:///path", "no host"),
        ("http://", "no host"),
        ("http://./", "no host"),
        ("http:example.com", "no host"),
        ("http://exa mple.com/", "whitespace"),
        (" http://example.com/", "whitespace"),
        ("http://example.com/\r\nX: y", "whitespace"),
        ("http://example.com/\t", "whitespace"),
        ("http://example.com\\@127.0.0.1/", "backslashes"),
        ("http://example.com/\x00", "control"),
        ("http://example.com/\u200b", "control"),
        ("http://example.com/\u202e", "control"),
        ("http://example.com/\ud800", "control"),
        ("http://example.com:0/", "port"),
        ("http://example.com:65536/", "port"),
        ("http://example.com:http/", "port"),
        ("http://example.com:-1/", "port"),
        ("http://example.com:٣/", "port"),
        ("http://[fe80::1%25eth0]/", "zone"),
        ("http://[::1/", "cannot be read"),
        ("http://[v1.x]/", "not a valid IPv6 address"),
        ("http://[127.0.0.1]/", "IPv"),
        ("http://127%2e0.0.1/", "not a valid name"),
        ("http://a..b/", "not a valid name"),
        ("http://-a.b/", "not a valid name"),
        (f"http://{'a' * 64}.b/", "not a valid name"),
        (f"http://{'a.' * 127}b/", "not a valid name"),
        ("http://exa$mple.com/", "not a valid name"),
        ("http://\u2024/", "valid"),
        ("http://ü_ü.de/", "not a valid name"),
        ("http://1.2.3.4.5/", "not a valid IPv4 address"),
        ("http://256.1.1.1/", "not a valid IPv4 address"),
        ("http://1.2.3.08/", "not a valid IPv4 address"),
        ("http://example.1/", "not a valid IPv4 address"),
        ("http://0x/", "not a valid IPv4 address"),
        ("http://169.254.169.254/latest/meta-data/", "link-local"),
        ("http://[fd00:ec2::254]/", "metadata"),
        ("http://0/", "this network"),
        ("http://[::]/", "unspecified"),
        ("http://[64:ff9b::7f00:1]/", "NAT64"),
        ("http://[2002:7f00:1::]/", "6to4"),
    ],
)
def test_refused(url: str, reason: str) -> None:
    assert reason in (check_url(url, PUBLIC_ONLY) or "nothing")


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTP://EXAMPLE.com:80/A?b#c", "http://example.com/A?b"),
        ("https://example.com.:443/", "https://example.com/"),
        ("https://example.com:8443/?q=1", "https://example.com:8443/?q=1"),
        ("http://пример.рф/путь", "http://xn--e1afmkfd.xn--p1ai/путь"),
        ("http://faß.de/", "http://xn--fa-hia.de/"),
        ("http://my_host.example.com/", "http://my_host.example.com/"),
        ("http://0x08.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700::0001]:81/", "http://[2606:4700::1]:81/"),
        ("http://[::ffff:8.8.8.8]/", "http://8.8.8.8/"),
        ("http://a--b.example/", "http://a--b.example/"),
    ],
)
def test_accepted_and_spelled_in_one_way(url: str, read: str) -> None:
    assert check_url(url, PUBLIC_ONLY) is None
    assert read_url(url).url == read


def test_a_port_that_is_not_listed_is_refused_at_submit() -> None:
    listed = NetSettings(allow_ports=(443,))
    assert check_url("https://example.com/", listed) is None
    assert "port 80 is none" in (check_url("http://example.com/", listed) or "")


def test_the_length_is_limited_and_the_message_is_short() -> None:
    url = "http://example.com/" + "a" * 70 * 1024
    assert check_url(url, PUBLIC_ONLY) == f"the URL has {len(url)} characters; at most 2048 are allowed"
    assert check_url("http://example.com/".ljust(MAX_URL, "a"), PUBLIC_ONLY) is None
    assert len(check_url(f"http://{'a$' * 900}/", PUBLIC_ONLY) or "") < 200
    assert len(check_url(f"{'a' * 2000}://x/", PUBLIC_ONLY) or "") < 200


def test_places_for_messages_hold_no_secrets() -> None:
    assert read_url("https://example.com:8443/token/abc?key=secret").place == "https://example.com:8443"


@given(st.ip_addresses(v=4))
def test_numbers_are_read_as_the_dialler_reads_them(address: IPv4Address) -> None:
    bits = int(address)
    a, b, c, d = address.packed
    for host in (
        str(bits),
        hex(bits),
        f"0{bits:o}",
        f"{a}.{bits & 0xFFFFFF}",
        f"{a:#x}.0{b:o}.{c}.{d}",
        f"{address}.",
    ):
        assert read_url(f"http://{host}/").literal == address


@given(st.ip_addresses(v=6))
def test_ipv6_is_read_in_any_spelling(address: IPv6Address) -> None:
    expected = address.ipv4_mapped or address
    for host in (address.compressed, address.exploded, address.compressed.upper()):
        assert read_url(f"http://[{host}]/").literal == expected


AUTHORITY = st.text(alphabet=st.sampled_from("a.1:@[]%-_0xX7/?#ä。\u2024Ａ１"), max_size=20)


@given(st.one_of(AUTHORITY, st.text(max_size=40)))
@example("[::ffff:1.2.3.4]:80")
@example("ａ.de")
def test_httpx_reads_the_same_place_from_what_we_let_through(rest: str) -> None:
    """Two parsers that disagree are how guards are passed."""
    try:
        target = read_url(f"http://{rest}")
    except RefusedUrl:
        return
    theirs = httpx.URL(target.url)
    assert (theirs.scheme, theirs.raw_host.decode(), theirs.port or 80) == (
        target.scheme,
        target.host,
        target.port,
    )
    assert not theirs.userinfo
    assert read_url(target.url) == target


def test_the_type_documents_itself() -> None:
    schema = TypeAdapter(OutboundUrl).json_schema()
    assert schema["format"] == "outbound-url"
    assert schema["maxLength"] == MAX_URL
    assert schema["pattern"] == r"^https?://[^\s\\]+$"


@pytest.mark.parametrize("value", ["file:///x", "http://a b/", "http://" + "a" * 3000, "", 7])
def test_the_type_refuses_what_needs_no_setting_to_refuse(value: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(OutboundUrl).validate_python(value)
