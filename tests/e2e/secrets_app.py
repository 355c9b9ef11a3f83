"""A user's module whose task types have secret fields: tests/e2e/test_secrets.py."""

import hashlib

from pydantic import BaseModel

from taskflow_hub import Context, Hub, Secret

hub = Hub()


class Login(BaseModel):
    user: str
    password: Secret[str]


def digest(text: str) -> str:
    """What a handler was given, told so that nobody learns it."""
    return hashlib.sha256(text.encode()).hexdigest()


@hub.task("secrets.send", max_retries=0)
async def send(to: str, password: Secret[str], pin: Secret[int | None] = None) -> list[str]:
    return [to, digest(password), digest(str(pin))]


@hub.task("secrets.thread", max_retries=0)
def thread(logins: list[Login]) -> list[list[str]]:
    return [[login.user, digest(login.password)] for login in logins]


@hub.task("secrets.child_process", cpu=True, max_retries=0)
def child_process(ctx: Context, password: Secret[str]) -> str:
    words = f"in a child with {password}"
    ctx.log.info(words, password=password)
    return digest(password)


@hub.task("secrets.tells", max_retries=0)
async def tells(password: Secret[str], ctx: Context) -> None:
    """Careless in every way."""
    words = f"logging in with {password}"
    ctx.log.warning(words, nested={"given": [password]})
    ctx.progress(0.5, f"tried {password}")
    raise ValueError(f"{password!r} is not the password")


@hub.task("secrets.family", max_retries=0)
async def family(password: Secret[str], ctx: Context) -> str:
    return await ctx.submit("secrets.send", {"to": "child", "password": password})


@hub.task("secrets.family_in_child", cpu=True, max_retries=0)
def family_in_child(password: Secret[str], ctx: Context) -> str:
    return ctx.submit_sync("secrets.send", {"to": "child", "password": password})
