import asyncio

from taskflow_hub import Context, Hub

hub = Hub()


@hub.task("email.welcome", max_retries=5, timeout=30)
async def welcome(ctx: Context, user_id: int) -> str:
    ctx.log.info("sending", idempotency_key=ctx.idempotency_key)
    return f"welcomed user {user_id}"


async def main() -> None:
    async with hub:
        handle = await welcome.submit(user_id=42, delay=1)
        print(await handle.result(timeout=30))


if __name__ == "__main__":
    asyncio.run(main())
