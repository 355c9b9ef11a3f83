"""What a command presents to its hub: TASKFLOW_KEY, else what is kept; a login that has run out is renewed on the way."""

import os
import time
from typing import TYPE_CHECKING, Final

from taskflow_hub.cli import credentials
from taskflow_hub.cli.clients import client
from taskflow_hub.cli.credentials import ApiKey, Login, Place
from taskflow_hub.domain.errors import AccountsOff, Unauthenticated

if TYPE_CHECKING:
    from taskflow_hub.client import model
    from taskflow_hub.client.bearer import KeySource

KEY_VARIABLE: Final = "TASKFLOW_KEY"


def key_for(place: Place, *, renewing: bool = True) -> "KeySource":
    """Empty for who is not known there. A profile on the command line beats TASKFLOW_KEY, as a flag beats a variable."""
    given = os.environ.get(KEY_VARIABLE)
    if given and not place.chosen:
        return given
    match credentials.read().credential(place):
        case ApiKey(key=key):
            return key
        case Login() as login if renewing:
            return Renewing(place, login)
        case Login() as login:
            return login.access_token
        case None:
            return ""


class Renewing:
    """The access token of a login, which is another one whenever it has run out."""

    def __init__(self, place: Place, login: Login) -> None:
        self._place, self._login = place, login

    def __call__(self, refused: str | None) -> str:
        """Raises Unauthenticated when the login has ended."""
        if refused is None and self._login.fresh(time.time()):
            return self._login.access_token
        stale = self._login.access_token if refused is None else refused
        with credentials.locked():
            match credentials.read().credential(self._place):
                case Login() as kept if kept.access_token != stale and kept.fresh(time.time()):
                    self._login = kept  # another process was here first
                case Login() as kept:
                    self._login = renew(self._place, kept)
                case ApiKey(key=key):
                    return key
                case None:
                    raise _ended(self._place)
        return self._login.access_token


def renew(place: Place, login: Login) -> Login:
    """The next pair of tokens, kept. The lock must be held: the refresh token is good once, and a second use ends the login.

    Raises Unauthenticated when it has ended.
    """
    with client(place.server, "") as asking:
        try:
            after = kept_form(asking.refresh(login.refresh_token))
        except AccountsOff:
            return login  # whoever asks is served, whatever they present
        except Unauthenticated:
            raise _ended(place) from None
    credentials.write(credentials.read().having(place, after))
    return after


def kept_form(login: "model.Login") -> Login:
    return Login(login.access_token, login.refresh_token, time.time() + login.expires_in)


def _ended(place: Place) -> Unauthenticated:
    how = "taskflow login" if place.profile is None else f"taskflow login --profile {place.profile}"
    return Unauthenticated(f"The login at {place.server} has ended; log in again: {how}")
