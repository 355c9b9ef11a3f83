"""`taskflow login`, `register`, `logout`, `whoami`, `password`: who one is to a hub."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.connection import common, connect, output_of, place_of
from taskflow_hub.cli.exits import UNAVAILABLE
from taskflow_hub.cli.options import Output, OutputOption, ProfileOption, ServerOption
from taskflow_hub.cli.terminal import say

if TYPE_CHECKING:
    from taskflow_hub.cli.credentials import Credential, Login, Place
    from taskflow_hub.client.model import Me

EmailOption: TypeAlias = Annotated[
    str | None, typer.Option("--email", metavar="EMAIL", help="Default: it is asked for.")
]


def add_to(app: Commands) -> None:
    for name, command in (
        ("login", login),
        ("register", register),
        ("logout", logout),
        ("whoami", whoami),
        ("password", password),
    ):
        app.command(name)(command)


def login(
    ctx: typer.Context,
    email: EmailOption = None,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Ask for an API key instead of e-mail address and password.")
    ] = False,
    profile: ProfileOption = None,
    server: ServerOption = None,
) -> None:
    """Log in to a hub; later commands go on as who that is.

    The password or key is asked for, or read from standard input if that is no terminal. The login is kept for this hub's
    address (with --profile: under that name, together with the address) in taskflow/credentials.json below $XDG_CONFIG_HOME, by
    default ~/.config, where only this user can read it. It renews itself, and ends with `taskflow logout`.
    """
    from taskflow_hub.cli import asking
    from taskflow_hub.cli.clients import client
    from taskflow_hub.cli.credentials import ApiKey
    from taskflow_hub.cli.errors import explain
    from taskflow_hub.cli.presenting import kept_form
    from taskflow_hub.domain.errors import Invalid, Unauthenticated

    place = _to_log_in(ctx, server, profile)
    if with_key and email:
        raise Invalid("An API key goes without an e-mail address: leave out either --email or --with-key.")
    try:
        if with_key:
            _enter(place, ApiKey(asking.ask_secret("API key").strip()))
            return
        email = email or asking.ask("E-mail address")
        with client(place.server, "") as asked:
            answer = asked.login(email, asking.ask_secret("Password"))
        _enter(place, kept_form(answer))
    except Unauthenticated as error:  # without the advice to log in
        raise typer.Exit(explain(error, debug=common(ctx).debug, hint=False)) from None


def register(
    ctx: typer.Context,
    email: EmailOption = None,
    profile: ProfileOption = None,
    server: ServerOption = None,
) -> None:
    """Add yourself as a user, and log in. The first user of a hub becomes its admin."""
    from taskflow_hub.cli import asking
    from taskflow_hub.cli.clients import client
    from taskflow_hub.cli.presenting import kept_form

    place = _to_log_in(ctx, server, profile)
    email = email or asking.ask("E-mail address")
    with client(place.server, "") as asked:
        answer = asked.register(email, asking.ask_new_password("Password"))
    _enter(place, kept_form(answer))


def logout(ctx: typer.Context, profile: ProfileOption = None, server: ServerOption = None) -> None:
    """End the login, here and at the hub. Without one it does nothing.

    It is forgotten even if the hub cannot be told; the exit status is 5 then.
    """
    from taskflow_hub.cli import credentials
    from taskflow_hub.cli.credentials import ApiKey, Login
    from taskflow_hub.domain.errors import TaskflowError

    place = place_of(ctx, server, profile)
    if credentials.read().credential(place) is None:
        say(f"You are not logged in to {place.server}.")
        return
    untold: TaskflowError | None = None
    with credentials.locked():
        found = credentials.read().credential(place)
        if isinstance(found, Login):
            try:
                _end(place, found)
            except TaskflowError as error:
                untold = error
        credentials.write(credentials.read().having(place, None))
    if untold is not None:
        say(f"The login is forgotten here, but the hub does not know: {untold.detail}")
        raise typer.Exit(UNAVAILABLE)
    if isinstance(found, ApiKey):
        say(f"The key for {place.server} is forgotten here. To revoke it: taskflow key revoke ID")
    else:
        say(f"Logged out of {place.server}.")


def whoami(
    ctx: typer.Context,
    output: OutputOption = None,
    profile: ProfileOption = None,
    server: ServerOption = None,
) -> None:
    """Show who one is to the hub, and what one may do."""
    from taskflow_hub.cli import show_access
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server, profile=profile) as client:
        me = client.me()
        print_json(me) if output_of(ctx, output) is Output.JSON else show_access.me(me, client.server)


def password(ctx: typer.Context, profile: ProfileOption = None, server: ServerOption = None) -> None:
    """Change your password. All your other logins end."""
    from taskflow_hub.cli import asking, credentials
    from taskflow_hub.cli.clients import client
    from taskflow_hub.cli.presenting import Renewing, kept_form, key_for
    from taskflow_hub.domain.errors import Forbidden, Unauthenticated

    place = place_of(ctx, server, profile)
    key = key_for(place)
    if not key:
        raise Unauthenticated
    if not isinstance(key, Renewing):
        raise Forbidden("A key has no password; a login has.")
    old, new = asking.ask_secret("Present password"), asking.ask_new_password()
    token = key(None)
    with credentials.locked(), client(place.server, token) as asked:
        after = kept_form(asked.change_password(old, new))
        credentials.write(credentials.read().having(place, after))
    say("The password is changed, and all your other logins have ended.")


def _to_log_in(ctx: typer.Context, server: str | None, profile: str | None) -> "Place":
    from taskflow_hub.cli import place

    return place.to_log_in(server or common(ctx).server, profile or common(ctx).profile)


def _enter(place: "Place", credential: "Credential") -> None:
    """Keep it, once the hub has said who that is. Raises Unauthenticated, and AccountsOff where nobody needs it."""
    from taskflow_hub.cli import credentials
    from taskflow_hub.cli.clients import client
    from taskflow_hub.cli.credentials import ApiKey
    from taskflow_hub.domain.errors import AccountsOff

    shown = credential.key if isinstance(credential, ApiKey) else credential.access_token
    with client(place.server, shown) as asked:
        me = asked.me()
    if not me.accounts:
        raise AccountsOff
    credentials.keep(place, credential)
    name = "" if place.profile is None else f" Use it with: taskflow --profile {place.profile} …"
    say(f"You are {_who(me)} at {place.server}.{name}")
    if os.environ.get("TASKFLOW_KEY") and place.profile is None:
        say("TASKFLOW_KEY is set, though, and is presented instead.")


def _who(me: "Me") -> str:
    if me.user is not None:
        return f"{me.user.email} ({me.user.role}, account {me.account_id})"
    name = "a key" if me.key is None else f"the key {me.key.name}"
    return f"{name} ({', '.join(me.scopes)}; account {me.account_id})"


def _end(place: "Place", login: "Login") -> None:
    """At the hub. One that has ended already is as good. Raises Unavailable."""
    from taskflow_hub.cli.clients import client
    from taskflow_hub.cli.presenting import renew
    from taskflow_hub.domain.errors import AccountsOff, Unauthenticated

    with suppress(AccountsOff, Unauthenticated):
        try:
            with client(place.server, login.access_token) as asked:
                asked.logout()
        except Unauthenticated:  # the access token may just have run out
            with client(place.server, renew(place, login).access_token) as asked:
                asked.logout()
