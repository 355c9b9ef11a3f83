"""One task for an issue makes a task for each reader, and each of those is retried by itself."""

from pathlib import Path

from taskflow_hub import Context, Hub, Retry, RetryPolicy

OUTBOX = Path("outbox")
READERS = ("ada@example.org", "grace@example.org", "linus@example.org")

hub = Hub()


@hub.task("newsletter.issue")
async def issue(ctx: Context, number: int) -> int:
    """May run again without harm: the n-th submit of every attempt is one and the same task."""
    for sent, reader in enumerate(READERS, start=1):
        await ctx.submit(mail, {"number": number, "reader": reader}, tags=(f"issue-{number}",))
        ctx.progress(sent / len(READERS), reader)
    return len(READERS)


@hub.task("newsletter.mail", queue="mail", max_retries=8, retry=RetryPolicy(base=5, max=600), timeout=30)
def mail(ctx: Context, number: int, reader: str) -> str | Retry:
    """A plain `def` may block: it runs in a thread."""
    if reader.startswith("grace") and ctx.attempt == 1:
        return Retry(after=0.2, reason="the mail server asks for patience")
    OUTBOX.mkdir(exist_ok=True)
    letter = OUTBOX / f"{ctx.idempotency_key}.txt"  # the same name in every attempt, so there is one letter
    letter.write_text(f"To: {reader}\n\nThis is issue {number}.\n")
    return letter.name
