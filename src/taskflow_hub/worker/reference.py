"""How a child process finds a handler: by the name its module gives it."""

import functools
import importlib
import inspect
import pickle
import sys
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from taskflow_hub.domain.errors import Misconfigured


class Reference(Struct, frozen=True):
    """An importable function, with the arguments that a `functools.partial` has bound (pickled; empty: none)."""

    module: str
    qualname: str
    bound: bytes = b""

    def resolve(self) -> Callable[..., Any]:
        """Import the function. Raises whatever its module raises, or AttributeError."""
        found: Any = importlib.import_module(self.module)
        for name in self.qualname.split("."):
            found = getattr(found, name)
        function = unwrap(found)
        if self.bound:
            args, keywords = pickle.loads(self.bound)  # noqa: S301 (made by our own parent)
            function = functools.partial(function, *args, **keywords)
        return function


def unwrap(found: Any) -> Callable[..., Any]:
    """The function behind a decorator that left an object with `.handler` (or `.function`) in the function's place."""
    while not inspect.isroutine(found):
        inner = getattr(found, "handler", None) or getattr(found, "function", None)
        if inner is None:
            break
        found = inner
    if not callable(found):
        raise AttributeError(f"{found!r} is not a function")
    function: Callable[..., Any] = found
    return function


def refer(name: str, function: Callable[..., Any]) -> Reference:
    """The reference of a handler. Raises Misconfigured for one that no other process could find: a lambda, a closure."""
    bound = b""
    if isinstance(function, functools.partial):
        try:
            bound = pickle.dumps((function.args, function.keywords))
        except Exception as error:
            raise Misconfigured(
                f"task type {name!r}: cpu=True runs in a child process, and what the partial binds cannot be sent there: "
                f"{error}"
            ) from error
        function = function.func
    module, qualname = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    of_an_object = inspect.ismethod(function) and not inspect.isclass(function.__self__)
    if not isinstance(module, str) or not isinstance(qualname, str) or "<" in qualname or of_an_object:
        raise Misconfigured(
            f"task type {name!r}: cpu=True runs in a child process, which must be able to import the handler; "
            f"{qualname or function!r} is not a function of a module"
        )
    return Reference(module, qualname, bound)


def check(name: str, function: Callable[..., Any], reference: Reference) -> None:
    """Raises Misconfigured when the reference does not lead back to this function, here, in the parent."""
    while isinstance(function, functools.partial):
        function = function.func
    try:
        found = Reference(reference.module, reference.qualname).resolve()
    except Exception as error:
        raise Misconfigured(
            f"task type {name!r}: a child process could not import {reference.module}.{reference.qualname}: {error}"
        ) from error
    while isinstance(found, functools.partial):
        found = found.func
    if found != function:
        raise Misconfigured(
            f"task type {name!r}: {reference.module}.{reference.qualname} is not the registered handler, so a child process "
            "would run something else"
        )
    if reference.module == "__main__" and not _main_can_be_imported():
        raise Misconfigured(
            f"task type {name!r}: cpu=True needs a handler in a file, and this program has none"
        )


def _main_can_be_imported() -> bool:
    main = sys.modules["__main__"]
    return getattr(main, "__spec__", None) is not None or getattr(main, "__file__", None) is not None
