"""Words from handlers, made fit to store: bounded, and without the characters that no database takes."""

MAX_MESSAGE = 4_096
MAX_TRACEBACK = 16_384


def clean(text: str, limit: int = MAX_MESSAGE) -> str:
    """`text` without NUL and lone surrogates. Of one longer than `limit` characters the first quarter and the end are kept."""
    if len(text) > limit:
        head, note = limit // 4, f" … {len(text) - limit} characters left out … "
        text = text[:head] + note + text[len(text) - (limit - head - len(note)) :]
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return text
