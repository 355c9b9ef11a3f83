"""A bound, no task queue: a route of the hub's own framework, which reads a task and stores nothing."""

import os
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from pydantic import BaseModel

app = FastAPI()


class Task(BaseModel):
    type: str
    payload: dict[str, Any]


@app.get("/healthz")
async def healthz():
    return {}


@app.post("/tasks", status_code=201)
async def submit(request: Request):
    task = Task.model_validate_json(await request.body())
    return {"type": task.type, "status": "queued"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["BENCH_HTTP_PORT"]), access_log=False, log_level="warning")
