"""Of the settings: what works, and should not be left so. (What cannot start at all, the settings refuse themselves.)"""

from collections.abc import Iterator

from msgspec import Struct

from taskflow_hub.domain.checkup.finding import Finding, warning

CHECK = "settings"


class Exposure(Struct, frozen=True, kw_only=True):
    """Who can reach the hub, and what protects it."""

    host: str
    loopback: bool  # it listens on loopback alone
    accounts: bool
    open_registration: bool
    proxies: bool  # trusted ones are named
    names: tuple[str, ...]  # by which others ask for it (http.allowed_hosts)
    private_net: bool  # every private address may be dialled for users
    broker_password: bool
    broker_elsewhere: bool


def judge_exposure(seen: Exposure) -> Iterator[Finding]:
    if not seen.loopback and not seen.proxies:
        yield warning(
            CHECK,
            f"http.host is {seen.host}, without a proxy: passwords and keys travel unencrypted",
            "Listen on 127.0.0.1 behind a proxy with TLS, and name it in http.trusted_proxies (docs/how-to/behind-a-proxy.md).",
        )
    if seen.loopback and seen.names and not seen.accounts:
        yield warning(
            CHECK,
            f"The hub answers to {', '.join(seen.names)} without accounts: whoever reaches the proxy may do everything",
            "Set auth.secret (docs/how-to/accounts.md), or let the proxy ask who it is.",
        )
    reached = not seen.loopback or bool(seen.names)
    if seen.accounts and seen.open_registration and reached:
        yield warning(
            CHECK,
            "auth.registration is open: whoever reaches the hub can make an account and run tasks",
            "Set TASKFLOW_AUTH_REGISTRATION=closed, unless that is meant; then bound it by quotas.*.",
        )
    if seen.private_net and reached:
        yield warning(
            CHECK,
            "net.allow_private is true: whoever may submit can have every address of the private network dialled",
            "List the subnets that tasks need instead: TASKFLOW_NET_ALLOW_PRIVATE=10.1.0.0/16.",
        )
    if seen.broker_elsewhere and not seen.broker_password:
        yield warning(
            CHECK,
            "broker.url names a Redis on another machine and no password: whoever reaches that can run and read tasks",
            "Give Redis a password (requirepass, or ACL) and write redis://user:password@host:6379/0; use rediss:// for TLS.",
        )
