"""`Prefer: wait`: an answer that is held back until the task, or the workflow, has ended."""

from starlette.requests import Request

from taskflow_hub.domain.model import Task
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.http.api import api_of
from taskflow_hub.http.identify import asker_of


async def final_within(request: Request, account: str, task: Task, wait_s: float) -> Task:
    """The task once it is final; as it is when time is up, the client has gone, the API closes, or too many wait already."""
    api = api_of(request)
    asker = asker_of(request)
    if api.lifetime.has_room(asker):
        async with api.lifetime.long(request.receive, asker):
            return await api.engine.tasks.wait(account, task.id, wait_s)
    return await api.engine.queries.task(account, task.id)


async def workflow_within(request: Request, account: str, workflow: Workflow, wait_s: float) -> Workflow:
    """As `final_within`."""
    api = api_of(request)
    asker = asker_of(request)
    if api.lifetime.has_room(asker):
        async with api.lifetime.long(request.receive, asker):
            return await api.engine.workflows.wait(account, workflow.id, wait_s)
    return await api.engine.workflows.get(account, workflow.id)
