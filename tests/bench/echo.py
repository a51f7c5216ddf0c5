"""The least that answers: every step from memory, over aiohttp; what the player can serve.

It keeps nothing, so its figure is the ceiling of the player and of HTTP, not a contestant.
"""

import asyncio
import os
from collections import Counter
from typing import Any

import aiohttp

from tests.support.happy_path import happy_path

STEPS = happy_path()
DONE = "Sent."
IN_FLIGHT = 32
"""Connections to the Bot API, as many as the product opens."""


async def main() -> None:
    """Poll until the process is ended."""
    root = f"{os.environ['TELEGRAM_API_URL']}/bot{os.environ['TELEGRAM_BOT_TOKEN']}"
    at = Counter[int]()

    async def call(method: str, **given: Any) -> Any:
        async with session.post(f"{root}/{method}", json=given) as answer:
            return (await answer.json())["result"]

    async def answer(update: dict[str, Any]) -> None:
        query = update.get("callback_query")
        chat = (query or update["message"])["from"]["id"]
        step = at[chat]
        at[chat] += 1
        if query:
            await call("answerCallbackQuery", callback_query_id=query["id"])
        if step == len(STEPS):
            await call("sendMessage", chat_id=chat, text=DONE)
            return
        label = STEPS[step].press
        rows = [[{"text": label, "callback_data": str(step)}]] if label else []
        markup = {"inline_keyboard": rows}
        await call("sendMessage", chat_id=chat, text=STEPS[step].shown, reply_markup=markup)

    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
        offset = 0
        while True:
            for update in await call("getUpdates", offset=offset):
                offset = update["update_id"] + 1
                tasks.create_task(answer(update))


if __name__ == "__main__":
    asyncio.run(main())
