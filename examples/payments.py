"""Work that must not be done twice: the other side gets a key, and a lost worker means that a person looks."""

from taskflow_hub import Context, Fail, Hub, Retry, Snooze, Unique

hub = Hub()


class Bank:
    """The other side. Like every good payment API it takes an idempotency key, and charges once per key."""

    def __init__(self) -> None:
        self.charged: dict[str, int] = {}

    async def charge(self, key: str, card: str, cents: int) -> str:
        if card in {"declined", "busy", "closed"}:
            return card
        self.charged.setdefault(key, cents)
        return "paid"


bank = Bank()


@hub.task("payment.charge", on_lost="fail", max_retries=3, timeout=20)
async def charge(ctx: Context, order: str, card: str, cents: int) -> str | Retry | Snooze | Fail:
    match await bank.charge(ctx.idempotency_key, card, cents):
        case "declined":
            return Fail(f"the card for order {order} was declined")  # no retry would change that
        case "busy":
            return Retry(reason="the bank is busy")  # counts; paused as the policy says
        case "closed":
            return Snooze(seconds=3600)  # costs no retry
        case _:
            return f"order {order} is paid"


async def pay(order: str, card: str, cents: int) -> str:
    """The id of the task that charges this order; while it is unfinished, a second call gets the same."""
    handle = await charge.options(unique=Unique(key=order)).submit(order=order, card=card, cents=cents)
    return handle.id
