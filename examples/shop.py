"""A web application that hands work over: the visitor is answered at once, the mail is the hub's business."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from examples.welcome import hub, welcome
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with hub:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/users/{user_id}", status_code=202)
async def sign_up(user_id: int) -> dict[str, str]:
    """Answered when the task is committed. Signing up twice within a day sends one mail."""
    handle = await welcome.submit(user_id, idempotency_key=f"welcome-{user_id}")
    return {"task": handle.id}
