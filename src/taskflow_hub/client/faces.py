"""What `help(client.submit)` and a notebook show of a method that is made from a plan."""

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, TypeVar, get_args, get_origin

from taskflow_hub.client.plan import Emit

M = TypeVar("M", bound=Callable[..., Any])


def like(plan: Callable[..., Any], method: M, iterator: Any = None) -> M:
    """Give `method` the name, words and parameters of `plan`; it returns what the plan comes to, or an `iterator` over that."""
    update_wrapper(method, plan)
    signature = inspect.signature(plan)
    steps, _, value = get_args(signature.return_annotation)
    returned = value if iterator is None else iterator[_emitted(steps)]
    method.__signature__ = signature.replace(return_annotation=returned)  # type: ignore[attr-defined]
    return method


def _emitted(steps: Any) -> Any:
    [item] = [get_args(step)[0] for step in get_args(steps) if get_origin(step) is Emit]
    return item
