"""Handlers that tell what they must not, where a child process can import them."""

from pydantic import BaseModel

from taskflow_hub.domain.outcomes import Fail, Retry
from taskflow_hub.worker.context import Context
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.secret import Secret

NEVER_GIVEN = "hunter2-by-default"


class Mute:
    """A log line's field that cannot be written, and says why."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __str__(self) -> str:
        raise ValueError(self.words)


class Login(BaseModel):
    user: str = "ada"
    password: Secret[str] = NEVER_GIVEN


LOGIN = Login()


def tells(
    ctx: Context, how: str, before: int = 0, password: Secret[str] = NEVER_GIVEN, login: Login = LOGIN
) -> object:
    """Says the secret after so many other characters, and much more behind it."""
    words = "x" * before + password + "y" * 40_000
    ctx.log.info(words)
    ctx.log.info("dropped", mute=Mute("x" * (before % 200) + password))
    ctx.log.info(login.password)
    ctx.progress(0.5, words)
    match how:
        case "raise":
            raise ValueError(words)
        case "type":
            raise type(f"Err_{password}", (Exception,), {})("no")
        case "fail":
            return Fail(words)
        case "retry":
            return Retry(1, words)
        case "nonsense":
            return Retry(password)  # type: ignore[arg-type]
    return object()


async def tells_on_loop(
    ctx: Context, how: str, before: int = 0, password: Secret[str] = NEVER_GIVEN, login: Login = LOGIN
) -> object:
    return tells(ctx, how, before, password, login)


def registry() -> Registry:
    made = Registry()
    made.add("loop", tells_on_loop)
    made.add("thread", tells)
    made.add("process", tells, cpu=True)
    return made
