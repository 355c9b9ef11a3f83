"""Why a request to a URL that a user gave was not made, or did not end well.

* NetError
  x RefusedUrl         not allowed, now or later (a ValueError too)
  x TooLarge           the answer is larger than the hub reads
  x TooManyRedirects
  x BadAnswer          what came back is not the HTTP it claims to be
  x Unreachable        no address, no connection, or it broke
    - TimedOut
"""

from typing import ClassVar


class NetError(Exception):
    """The request did not end well. The message names the host and the reason, never the URL's query."""

    retryable: ClassVar[bool] = True  # could the same request end otherwise, later?


class RefusedUrl(NetError, ValueError):
    """The URL, or an address its host stands for, is not allowed. Nothing was sent there."""

    retryable = False


class TooLarge(NetError):
    """The answer is larger than the hub is willing to read."""

    retryable = False


class TooManyRedirects(NetError):
    """Redirects led on and on."""

    retryable = False


class BadAnswer(NetError):
    """The server's answer cannot be understood."""


class Unreachable(NetError):
    """The server could not be reached, or the connection broke."""


class TimedOut(Unreachable):
    """The server took too long."""
