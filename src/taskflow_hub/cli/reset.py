"""A new password, written into the database by whoever can write it."""

import asyncio
from typing import TYPE_CHECKING

import msgspec

from taskflow_hub import bootstrap, settings
from taskflow_hub.cli.asking import ask_new_password
from taskflow_hub.cli.db import CHECKED
from taskflow_hub.cli.exits import OK
from taskflow_hub.cli.terminal import say
from taskflow_hub.domain.errors import Invalid, NotFound
from taskflow_hub.engine.accounts.passwords import Passwords
from taskflow_hub.http.access_schemas import NewPassword

if TYPE_CHECKING:
    from taskflow_hub.settings import Settings


def reset(email: str, database_url: str | None) -> int:
    """The exit status. The database is neither made nor brought up to date. Raises NotFound, Invalid, StoreUnavailable."""
    loaded = settings.load({"database.url": database_url}).settings
    code, words = CHECKED[str(bootstrap.schema_tools(loaded).check(loaded.database.url))]
    if code != OK:
        say(words)
        return code
    password = _acceptable(ask_new_password(f"New password for {email}"))
    known_as = asyncio.run(_replace(loaded, email, password))
    say(f"{known_as} has a new password, and all their logins have ended.")
    return OK


async def _replace(loaded: "Settings", email: str, password: str) -> str:
    store = await bootstrap.open_store(loaded)
    try:
        found = await store.login(email)
        if found is None:
            raise NotFound(f"There is no user {email}.")
        user, _ = found
        await store.set_password(user.id, await Passwords().hash(password), by=bootstrap.operator())
        return user.email
    finally:
        await store.close()


def _acceptable(password: str) -> str:
    """What the API accepts, so that nobody is locked out by what it would not."""
    try:
        return msgspec.convert(password, NewPassword)
    except msgspec.ValidationError as error:
        raise Invalid(f"This cannot be a password: {str(error).lower()}.") from None
