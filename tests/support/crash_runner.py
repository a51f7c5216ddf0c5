"""Runs the real program as child processes that die at a named place; started by test_killed.

Imports everything once and forks a child for each line on standard input, so that a life begins
in a moment. A line is {"point": a name of POINTS or null, "nth": which time it is reached,
"home": its folder, "settings": its environment, "constants": what is changed in the program, by
"module:name"}; the answer is one line with the child's number,
and one more when it has ended: how, as waitpid says. What the child writes goes to home/told.txt.
"""

import importlib
import inspect
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic import command, script
from sqlalchemy import Connection, Engine, event
from uvicorn.loops import asyncio as _loop
from uvicorn.protocols.http import httptools_impl as _http

from bot import __main__ as program
from bot import serve, site
from bot.channels.telegram import RawBot, TelegramChannel, webhook
from bot.pipeline import deliver, respond, send_limits
from flows.conversation import Conversation
from flows.inputs import TypedText
from flows.turn import take_turn
from storage import database
from storage.chats import conversations, inbox, message_ids, outbox
from storage.referrals import lifecycle

__all__ = ["KILL_POINTS", "KillPoint", "main"]

READ_ONLY = "read_only"
"""While a file of this name is in its home, the database of a life is one that it can only read."""
_IMPORTED_BEFORE_THE_FIRST_FORK = (command, script, site, _loop, _http)


@dataclass(frozen=True, slots=True)
class KillPoint:
    """A place in the program: before or after a function, when what went in or came out counts.

    With `held_up`, nothing is answered at once: all is stored first, as behind earlier input.
    """

    owner: Any
    name: str
    after: bool
    matches: Callable[[Any], bool] = lambda told: True
    mode: str = ""
    held_up: bool = False


KILL_POINTS = {
    "updates in hand, none kept": KillPoint(RawBot, "raw_updates", True, bool, "polling"),
    "an update in hand, not kept": KillPoint(webhook, "_parse_update", True, bool, "webhook"),
    "before keeping": KillPoint(inbox, "store_answered", False),
    "kept, not committed": KillPoint(inbox, "store_answered", True),
    "before keeping for later": KillPoint(inbox, "enqueue_arrivals", False, held_up=True),
    "kept for later, not committed": KillPoint(inbox, "enqueue_arrivals", True, held_up=True),
    "kept and committed": KillPoint(serve.Program, "keep", True),
    "before the next getUpdates": KillPoint(
        RawBot, "raw_updates", False, lambda given: given[1] is not None, "polling"
    ),
    "before a turn": KillPoint(respond, "_handle_inbound", False),
    "turn taken": KillPoint(respond, "take_turn", True),
    "remembered, nothing in line": KillPoint(conversations, "save_conversation", True),
    "message noted": KillPoint(message_ids, "add_message_id", True),
    "between effects": KillPoint(respond, "apply_effect", True),
    "handed over, not committed": KillPoint(lifecycle, "hand_over", True),
    "in line, not committed": KillPoint(outbox, "enqueue", True),
    "answered, not committed": KillPoint(respond, "_answer_new", True, bool),
    "marked as answered, not committed": KillPoint(inbox, "mark_answered", True, held_up=True),
    "answered later, not committed": KillPoint(respond, "respond", True, bool, held_up=True),
    "answered and committed": KillPoint(database, "_run", True, lambda told: _is_answers(told)),
    "before sending": KillPoint(TelegramChannel, "send", False),
    "sent, not noted": KillPoint(TelegramChannel, "send", True),
    "before marking as sent": KillPoint(outbox, "mark_sent", False),
    "marked as sent, not committed": KillPoint(outbox, "mark_sent", True),
    "marked and committed": KillPoint(
        deliver.Delivery, "deliver_batch", True, lambda told: told[0] > 0
    ),
}


def main() -> None:
    """Live and die as the lines of standard input say, until there are no more."""
    _preload_content()
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _run_child(**asked)
        _report(child)
        _report(os.waitpid(child, 0)[1])


def _preload_content() -> None:
    asked = TypedText("what happens next, and what does it cost me?")
    take_turn(Conversation(), asked, datetime.now(UTC))


def _run_child(
    point: str | None,
    nth: int,
    home: str,
    settings: dict[str, str],
    constants: dict[str, Any],
) -> None:
    """Run the program as "rj serve" does, and never come back."""
    os.chdir(home)
    os.environ.update(settings)
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    told = os.open("told.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(told, 1)
    os.dup2(told, 2)
    send_limits.MESSAGES_PER_CHAT = send_limits.CHAT_BURST = send_limits.MESSAGES_PER_CHANNEL = (
        send_limits.CHANNEL_BURST
    ) = 1e6
    for place, value in constants.items():
        _set_constant(place, value)
    if point:
        _kill_at(KILL_POINTS[point], nth)
    try:
        program._run_parts(conversation=True, pages=True)
    finally:
        os._exit(0)


def _set_constant(place: str, value: Any) -> None:
    """Change an attribute of a module; of one that is a mapping, the keys that are given."""
    module, _, name = place.partition(":")
    owner = importlib.import_module(module)
    if isinstance(value, dict):
        getattr(owner, name).update(value)
    else:
        assert hasattr(owner, name), place
        setattr(owner, name, value)


@event.listens_for(Engine, "begin")
def _write_nothing(connection: Connection) -> None:
    """Have SQLite refuse what would change the file, as on a disk that was mounted anew."""
    if connection.dialect.name != "sqlite":
        return
    if Path(READ_ONLY).exists():
        before = connection.exec_driver_sql("PRAGMA query_only").scalar()
        connection.info.setdefault(READ_ONLY, before)
        connection.exec_driver_sql("PRAGMA query_only=1")
    elif READ_ONLY in connection.info:
        connection.exec_driver_sql(f"PRAGMA query_only={connection.info.pop(READ_ONLY)}")


def _exit_with_parent() -> None:
    """Outlive nobody: the line of commands is closed when the test that holds it is gone."""
    if not os.read(0, 1):
        os._exit(1)


def _kill_at(point: KillPoint, nth: int) -> None:
    act = getattr(point.owner, point.name)
    left = nth
    if point.held_up:
        vars(inbox)["store_answered"] = _find_earlier_input

    def reached(told: Any) -> None:
        nonlocal left
        left -= bool(point.matches(told))
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async def waited(*given: Any, **named: Any) -> Any:
        if not point.after:
            reached(given)
        found = await act(*given, **named)
        if point.after:
            reached(found)
        return found

    def done(*given: Any, **named: Any) -> Any:
        if not point.after:
            reached(given)
        found = act(*given, **named)
        if point.after:
            reached(found)
        return found

    setattr(point.owner, point.name, waited if inspect.iscoroutinefunction(act) else done)


def _find_earlier_input(*_: object) -> None:
    raise inbox.EarlierInputWaits


def _is_answers(told: Any) -> bool:
    return isinstance(told, list) and bool(told) and isinstance(told[0], respond.AnsweredInput)


def _report(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
