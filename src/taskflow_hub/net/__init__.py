"""The one guarded way to URLs that users give.

`check_url` says at submit what can be said without DNS; `GuardedClient` makes the request and checks every address as it
dials it. Importing this package is cheap: h11 comes with the first request.
"""

from taskflow_hub.net.allow import AllowPrivate
from taskflow_hub.net.client import Answer, GuardedClient
from taskflow_hub.net.errors import (
    BadAnswer,
    NetError,
    RefusedUrl,
    TimedOut,
    TooLarge,
    TooManyRedirects,
    Unreachable,
)
from taskflow_hub.net.headers import (
    NAME_FORMAT,
    VALUE_FORMAT,
    header_problem,
    name_problem,
    retry_after_s,
    value_problem,
)
from taskflow_hub.net.resolve import Resolver, system_resolve
from taskflow_hub.net.settings import NetSettings
from taskflow_hub.net.url import MAX_URL, URL_FORMAT, OutboundUrl, check_url

__all__ = [
    "MAX_URL",
    "NAME_FORMAT",
    "URL_FORMAT",
    "VALUE_FORMAT",
    "AllowPrivate",
    "Answer",
    "BadAnswer",
    "GuardedClient",
    "NetError",
    "NetSettings",
    "OutboundUrl",
    "RefusedUrl",
    "Resolver",
    "TimedOut",
    "TooLarge",
    "TooManyRedirects",
    "Unreachable",
    "check_url",
    "header_problem",
    "name_problem",
    "retry_after_s",
    "system_resolve",
    "value_problem",
]
