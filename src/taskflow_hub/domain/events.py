"""What listeners are told. Events are named by where the task ended up: `task.success`."""

from taskflow_hub.domain.lifecycle import State


def event_name(state: State) -> str:
    return f"task.{state}"
