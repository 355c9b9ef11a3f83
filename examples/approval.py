"""A purchase that a person approves: the handler waits for days and holds nothing meanwhile; in the end it gives up."""

from taskflow_hub import Context, EventTimeout, Hub

hub = Hub()


class Shop:
    """The other side. Each call takes a key, and acts once per key."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._answers: dict[str, str] = {}

    def do(self, key: str, what: str) -> str:
        if key not in self._answers:
            self.calls.append(what)
            self._answers[key] = f"{what}-{len(self.calls)}"
        return self._answers[key]


shop = Shop()


@hub.task("purchase.order")
async def order(ctx: Context, item: str, cents: int, patience: str = "2d") -> str:
    async def act(what: str) -> str:
        return shop.do(ctx.step_key, f"{what} {item}")

    reservation = await ctx.step("reserve", act, "reserve")
    if cents > 100_00:
        await ctx.step("ask", act, "ask about")
        try:
            answer = await ctx.wait_event("approved", timeout=patience)
        except EventTimeout:
            await ctx.step("give back", act, "give back")
            return f"{reservation}: nobody answered within {patience}"
        if not answer["yes"]:
            await ctx.step("give back", act, "give back")
            return f"{reservation}: {answer['by']} said no"
    payment = await ctx.step("pay", act, "pay for")
    return f"{reservation}: {payment}"
