"""Which hub a command goes to, and under which name: flags, then variables, then the default."""

import os
from typing import Final
from urllib.parse import urlsplit

from taskflow_hub.cli import credentials
from taskflow_hub.cli.credentials import Place
from taskflow_hub.client.api import server_url
from taskflow_hub.domain.errors import Misconfigured

PROFILE_VARIABLE: Final = "TASKFLOW_PROFILE"
_PORTS: Final = {"http": 80, "https": 443}


def find(server: str | None, profile: str | None) -> Place:
    """`server` and `profile` as the flags give them.

    Raises Misconfigured for an unknown profile, and for one of another server: what is kept for a hub goes to no other.
    """
    name = profile or os.environ.get(PROFILE_VARIABLE)
    if not name:
        return Place(address(server))
    known = credentials.read().profiles.get(name)
    if known is not None and (not server or known.server == address(server)):
        return Place(known.server, name, chosen=bool(profile))
    if server and not profile:
        return Place(address(server))
    if known is None:
        raise Misconfigured(
            f"There is no profile {name}. Make it with: taskflow login --profile {name} --server URL"
        )
    raise Misconfigured(f"The profile {name} is for {known.server}: leave out either --profile or --server.")


def to_log_in(server: str | None, profile: str | None) -> Place:
    """The same for who is about to log in, which makes a profile, or moves it to another server."""
    name = profile or (None if server else os.environ.get(PROFILE_VARIABLE))
    if not name:
        return Place(address(server))
    known = credentials.read().profiles.get(name)
    if server:
        return Place(address(server), name, chosen=True)
    if known is None:
        raise Misconfigured(f"The profile {name} is new: say where its hub is, with --server URL.")
    return Place(known.server, name, chosen=bool(profile))


def address(server: str | None) -> str:
    """The hub's address in one spelling, for what is kept must be found again. Raises Misconfigured."""
    parts = urlsplit(server_url(server))
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, _PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}{parts.path}"
