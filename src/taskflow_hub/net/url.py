"""Reading a URL that a user gave: strictly, and once. What is dialled later is built from what was read here."""

import re
import socket
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Final, Literal
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from pydantic import Field

from taskflow_hub.net.address import Address, canonical
from taskflow_hub.net.allow import AllowPrivate
from taskflow_hub.net.errors import RefusedUrl
from taskflow_hub.net.settings import NetSettings

MAX_URL: Final = 2048  # characters
URL_FORMAT: Final = "outbound-url"

OutboundUrl = Annotated[
    str,
    Field(
        max_length=MAX_URL,
        pattern=r"^https?://[^\s\\]+$",
        description="An http or https URL without credentials. Private, loopback and other special addresses are "
        "refused unless the setting net.allow_private allows them; names are checked when they are dialled.",
        examples=["https://example.com/"],
        json_schema_extra={"format": URL_FORMAT},
    ),
]

_PORTS: Final = {"http": 80, "https": 443}
_AS_IT_IS: Final = "!$%&'()*+,/:;=?@[]~|^"  # in a path and a query; who wrote a % meant it
_HIDDEN: Final = frozenset(
    {"Cc", "Cf", "Cs", "Co", "Zs", "Zl", "Zp"}
)  # controls, formats, blanks: what eyes miss
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads. `host` is lower-case ASCII (IDNA, no trailing dot, literal addresses in their one spelling)."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    literal: Address | None  # the host, if it is an address and not a name
    url: str  # the whole URL again, spelled with this host

    @property
    def place(self) -> str:
        """For messages: scheme and host, and the port if it is unusual. Paths and queries may hold secrets."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def netloc(self) -> str:
        """As the Host header says it."""
        return self.url.split("/", 3)[2]

    @property
    def path(self) -> str:
        """What is asked for there, query included, in ASCII."""
        return "/" + quote(self.url.split("/", 3)[3], safe=_AS_IT_IS)

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


def check_url(url: str, settings: NetSettings) -> str | None:
    """Why this URL is refused, as far as that can be told without asking DNS; None if it is not.

    For use at submit. It is a courtesy: what protects is the check of each address as it is dialled.
    """
    try:
        target = read_url(url)
    except RefusedUrl as refused:
        return str(refused)
    if refusal := settings.refusal_of_port(target.port):
        return refusal
    allow = settings.allow_private
    if target.literal is not None:
        return allow.refusal(target.literal)
    if target.host == "localhost" or target.host.endswith(
        ".localhost"
    ):  # RFC 6761: loopback, whatever DNS says
        return _refusal_of_localhost(allow)
    return None


def _refusal_of_localhost(allow: AllowPrivate) -> str | None:
    if allow.permits(IPv6Address("::1")):
        return None
    return allow.refusal(IPv4Address("127.0.0.1"))


def read_url(url: str) -> Target:
    """Take a URL apart. Raises RefusedUrl for everything that is not plainly an http or https URL of a valid host."""
    parts = _split(url)
    scheme = parts.scheme
    if scheme not in {"http", "https"}:
        raise RefusedUrl(f"the scheme must be http or https, not {_shown(scheme)}")
    if "@" in parts.netloc:
        raise RefusedUrl("credentials in the URL are not allowed; send them in a header")
    host, literal = _host(parts)
    port = _port(parts)
    netloc = f"[{host}]" if isinstance(literal, IPv6Address) else host
    if port != _PORTS[scheme]:
        netloc += f":{port}"
    whole = urlunsplit((scheme, netloc, parts.path or "/", parts.query, ""))
    return Target("https" if scheme == "https" else "http", host, port, literal, whole)


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL:
        raise RefusedUrl(f"the URL has {len(url)} characters; at most {MAX_URL} are allowed")
    # urlsplit drops some of these silently, and other parsers differ on the backslash
    if "\\" in url or _hides_something(url):
        raise RefusedUrl("the URL must not contain whitespace, control characters or backslashes")
    try:
        return urlsplit(url)
    except ValueError as error:
        raise RefusedUrl(f"the URL cannot be read: {error}") from None


def _hides_something(url: str) -> bool:
    if url.isascii():
        return " " in url or not url.isprintable()  # the same, at once
    return any(unicodedata.category(char) in _HIDDEN for char in url)


def _port(parts: SplitResult) -> int:
    try:
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise RefusedUrl("the port must be a number from 1 to 65535")
    return port


def _host(parts: SplitResult) -> tuple[str, Address | None]:
    raw = parts.hostname or ""
    literal = _ipv6(raw) if parts.netloc.startswith("[") else None
    if literal is None:
        raw = _ascii(raw)
        literal = _ipv4(raw)
    return (raw, None) if literal is None else (str(literal), literal)


def _ipv6(text: str) -> Address:
    if "%" in text:
        raise RefusedUrl("an address with a zone id is not allowed")
    try:
        return canonical(IPv6Address(text))
    except ValueError:
        raise RefusedUrl(f"the host [{_shown(text)}] is not a valid IPv6 address") from None


def _ascii(name: str) -> str:
    """The name as DNS has it. Look-alikes such as full-width digits become what they look like before anyone checks."""
    if not name.isascii():
        import idna  # its tables cost memory, and few hosts need them

        try:
            name = idna.encode(name, uts46=True).decode("ascii").lower()
        except idna.IDNAError as error:
            raise RefusedUrl(f"the host {_shown(name)} is not a valid name: {error}") from None
    name = name.removesuffix(".")
    if not name:
        raise RefusedUrl("the URL has no host")
    if len(name) > 253 or not _NAME.fullmatch(name):
        raise RefusedUrl(f"the host {_shown(name)} is not a valid name")
    return name


def _ipv4(name: str) -> IPv4Address | None:
    """The address that the dialler's libc would see here: it reads 2130706433, 0x7f.1 and 0177.0.0.1 as 127.0.0.1.

    A name that ends in a number and is no address is refused: no top-level domain is a number.
    """
    if not _NUMBER.fullmatch(name.rpartition(".")[2]):
        return None
    try:
        return IPv4Address(socket.inet_aton(name))
    except OSError:
        raise RefusedUrl(f"the host {_shown(name)} is not a valid IPv4 address") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
