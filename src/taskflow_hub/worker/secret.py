"""`Secret[str]`: a parameter of a handler, or a field of what it takes, that is stored encrypted and shown to nobody."""

from typing import Annotated, Any, Final, TypeVar

T = TypeVar("T")


class Marked:
    """Beside a type: the JSON Schema says `writeOnly`, which is how secret fields are found."""

    __slots__ = ()

    def __get_pydantic_json_schema__(self, core_schema: Any, handler: Any) -> dict[str, Any]:
        schema: dict[str, Any] = {**handler(core_schema), "writeOnly": True}
        return {"format": "password", **schema} if schema.get("type") == "string" else schema

    def __repr__(self) -> str:
        return "secret"


MARKED: Final = Marked()
# To a type checker, and to the handler, what is in the brackets. Secret[str | None] may be null.
Secret = Annotated[T, MARKED]
