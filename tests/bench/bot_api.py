"""A Bot API on this machine, quick enough not to be what is measured, and the people behind it."""

import asyncio
import itertools
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.support.happy_path import PathStep, happy_path

Json = dict[str, Any]
TOKEN = "123456789:" + "B" * 35
LONG_POLL_SECONDS = 5.0
BOT = {"id": 123456789, "is_bot": True, "first_name": "Bench", "username": "bench_bot"}


@dataclass(slots=True, eq=False)
class Person:
    """Somebody on their way to Send; `asked_at` is when their last update was ready to be taken."""

    chat: int
    steps: tuple[PathStep, ...] = field(default_factory=happy_path)
    at: int = 0
    asked_at: float = 0.0


class BenchTelegram:
    """The Bot API and its people. Each update's time runs until what it asks for has come.

    `pace` is how many updates a second there are in all; None for as many as are answered. Updates
    are polled for, or posted by `post` where that is given.
    """

    def __init__(
        self, people: int, pace: float | None, post: Callable[[Json], None] | None = None
    ) -> None:
        self._post = post
        self.milliseconds: list[float] = []
        self.finished = 0
        self.first_answer = asyncio.Event()
        self._pace = pace
        self._webhook = ""
        self._people: dict[int, Person] = {}
        self._chats, self._messages = itertools.count(1), itertools.count(1)
        self._updates: deque[Json] = deque()
        self._update_ids = itertools.count(1)
        self._arrived = asyncio.Event()
        self._acts: deque[Callable[[], None]] = deque()
        for _ in range(people):
            self._begin()

    async def serve(self, port: int) -> web.AppRunner:
        """Serve on a port; return what ends it."""
        app = web.Application()
        app.router.add_post(f"/bot{TOKEN}/{{method}}", self._call)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    async def pace_for_ever(self) -> None:
        """Let people act, as many a second as there are to be."""
        if self._pace is None:
            return
        started, done = time.perf_counter(), 0
        while True:
            due = int((time.perf_counter() - started) * self._pace)
            while done < due:
                done += 1
                if self._acts:
                    self._acts.popleft()()
            await asyncio.sleep(0.002)

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        given = await _parameters(request)
        if method == "getUpdates":
            return _ok(await self._next_updates(int(given.get("offset") or 0)))
        if method == "getMe":
            return _ok(BOT)
        if method == "setWebhook":
            self._webhook = given["url"]
        if method == "getWebhookInfo":
            info = {"url": self._webhook, "has_custom_certificate": False}
            return _ok({**info, "pending_update_count": 0})
        if method not in ("sendMessage", "editMessageText"):
            return _ok(True)
        chat = int(given["chat_id"])
        message = {
            "message_id": next(self._messages),
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private", "first_name": "Maya"},
            "text": given["text"],
        }
        self._heard(chat, message, given.get("reply_markup") or {})
        return _ok(message)

    async def _next_updates(self, offset: int) -> list[Json]:
        while self._updates and self._updates[0]["update_id"] < offset:
            self._updates.popleft()
        if not self._updates:
            self._arrived.clear()
            try:
                async with asyncio.timeout(LONG_POLL_SECONDS):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        return list(itertools.islice(self._updates, 100))

    def _heard(self, chat: int, message: Json, markup: Mapping[str, Any]) -> None:
        """Let a person read what came; what they wait for has them act."""
        person = self._people.get(chat)
        if person is None:
            return
        if person.at == len(person.steps):
            self._took(person)
            del self._people[chat]
            self.finished += 1
            self._begin()
        elif message["text"].startswith(person.steps[person.at].shown):
            if person.asked_at:
                self._took(person)
            self._act(lambda: self._do_step(person, message, markup))

    def _took(self, person: Person) -> None:
        self.first_answer.set()
        self.milliseconds.append((time.perf_counter() - person.asked_at) * 1000)

    def _begin(self) -> None:
        person = Person(next(self._chats))
        self._people[person.chat] = person
        self._act(lambda: self._say(person, "/start"))

    def _act(self, act: Callable[[], None]) -> None:
        if self._pace is None:
            act()
        else:
            self._acts.append(act)

    def _do_step(self, person: Person, message: Json, markup: Mapping[str, Any]) -> None:
        step = person.steps[person.at]
        person.at += 1
        if not step.press:
            self._say(person, step.say)
            return
        rows = markup.get("inline_keyboard", [])
        (data,) = [b["callback_data"] for row in rows for b in row if b["text"] == step.press]
        query = {
            "id": str(next(self._messages)),
            "from": _user(person.chat),
            "message": message,
            "chat_instance": "1",
            "data": data,
        }
        self._add(person, {"callback_query": query})

    def _say(self, person: Person, text: str) -> None:
        entity = {"type": "bot_command", "offset": 0, "length": len(text)}
        message = {
            "message_id": next(self._messages),
            "date": int(time.time()),
            "chat": {"id": person.chat, "type": "private", "first_name": "Maya"},
            "from": _user(person.chat),
            "text": text,
            **({"entities": [entity]} if text.startswith("/") else {}),
        }
        self._add(person, {"message": message})

    def _add(self, person: Person, update: Json) -> None:
        person.asked_at = time.perf_counter()
        numbered = {"update_id": next(self._update_ids), **update}
        if self._post:
            self._post(numbered)
        else:
            self._updates.append(numbered)
            self._arrived.set()


async def _parameters(request: web.Request) -> Json:
    """Return what a call holds: JSON, or a form whose values may be JSON."""
    if request.content_type == "application/json":
        given: Json = await request.json()
        return given
    form = await request.post()
    told: Json = {name: str(value) for name, value in form.items()}
    if "reply_markup" in told:
        told["reply_markup"] = json.loads(told["reply_markup"])
    return told


def _ok(result: object) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _user(number: int) -> Json:
    return {"id": number, "is_bot": False, "first_name": "Maya", "language_code": "en"}
