"""`--app module:hub`: the user's own handlers."""

import importlib
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from taskflow_hub.domain.errors import Misconfigured

if TYPE_CHECKING:
    from taskflow_hub.hub import Hub

HOW = "write --app module:hub, where module is a Python module and hub the name of a Hub in it"


def load_hub(target: str) -> "Hub":
    """Import it, with the working directory on the path as for `python -m`. Raises Misconfigured that says what is missing."""
    from taskflow_hub.hub import Hub

    module_name, colon, attribute = target.partition(":")
    if not module_name or (colon and not attribute):
        raise Misconfigured(f"--app {target}: {HOW}")
    if module_name.endswith(".py") or "/" in module_name:
        raise Misconfigured(f"--app {target}: give a module's name, not a file; {HOW}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module = _import(module_name, target)
    found = module
    for step in (attribute or "hub").split("."):
        try:
            found = getattr(found, step)
        except AttributeError:
            hubs = [name for name, value in vars(module).items() if isinstance(value, Hub)]
            hint = f"; it has {', '.join(hubs)}" if hubs else ", nor any other Hub"
            raise Misconfigured(
                f"--app {target}: module {module_name} has no {attribute or 'hub'}{hint}"
            ) from None
    if not isinstance(found, Hub):
        raise Misconfigured(f"--app {target}: this is a {type(found).__name__}, not a Hub")
    return found


def _import(name: str, target: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise Misconfigured(
                f"--app {target}: there is no module {error.name} here ({Path.cwd()}) or installed"
            ) from None
        raise Misconfigured(f"--app {target}: {name} imports {error.name}, which is not installed") from error
    except SystemExit as error:
        raise Misconfigured(f"--app {target}: importing {name} ends the program (sys.exit)") from error
    except Exception as error:
        raise Misconfigured(
            f"--app {target}: importing {name} fails with {type(error).__name__}: {error}{_place(error)}"
        ) from error


def _place(error: Exception) -> str:
    """Where it was raised; a SyntaxError says that itself."""
    importing = ("<frozen", str(importlib.__file__), __file__)
    trace = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in trace if not frame.filename.startswith(importing)]
    return f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
