"""Cookies for as long as one fetch: some sites set one and redirect until they see it."""

from email.message import Message
from typing import TYPE_CHECKING

from taskflow_hub.net.url import Target

if TYPE_CHECKING:
    from http.cookiejar import CookieJar


class Cookies:
    """None are kept unless an answer that redirects sets one, which is rare: the jar is made then."""

    def __init__(self) -> None:
        self._jar: CookieJar | None = None

    def learn(self, target: Target, set_cookie: list[str]) -> None:
        if not set_cookie:
            return
        from http.cookiejar import CookieJar
        from urllib.request import Request

        self._jar = self._jar or CookieJar()
        self._jar.extract_cookies(_Said(set_cookie), Request(target.url))  # type: ignore[arg-type]  # noqa: S310

    def header(self, target: Target) -> str | None:
        """What to send there."""
        if self._jar is None:
            return None
        from urllib.request import Request

        request = Request(target.url)  # noqa: S310 (nothing is opened)
        self._jar.add_cookie_header(request)
        return request.get_header("Cookie")


class _Said:
    """An answer as `http.cookiejar` wants to see it."""

    def __init__(self, set_cookie: list[str]) -> None:
        self._message = Message()
        for value in set_cookie:
            self._message.add_header("Set-Cookie", value)

    def info(self) -> Message:
        return self._message
