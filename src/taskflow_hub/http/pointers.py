"""JSON Pointers (RFC 6901), which name the field that is wrong."""


def pointer(*steps: str | int) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
