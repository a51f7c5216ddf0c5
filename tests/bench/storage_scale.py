"""Many conversations: what they weigh in memory, and what they cost when the program starts."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import perf_counter

from sqlalchemy import insert

from flows.conversation import Conversation
from flows.stages import Stage
from flows.vocabulary import Journey
from storage.chats import conversations
from storage.chats.addresses import address_context, address_fingerprint
from storage.chats.conversations import (
    load_conversation,
    save_conversation,
    state_context,
)
from storage.tables import CHAT, CONVERSATION, new_id
from storage.unit import Unit
from tests.bench.bench_app import START, BenchApp, open_bench_app
from tests.harness.app import build_runtime
from tests.support.paths import ROOT

OPEN, STORED = 10_000, 100_000
BATCH, STARTS = 5_000, 3
CHANNEL = "terminal"


def measure(folder: Path) -> list[str]:
    """Return lines: memory with 10,000 open conversations, and start-up with 100,000."""
    empty, open_, many = (folder / name for name in ("empty", "open", "many"))
    for place, number in ((empty, 0), (open_, OPEN), (many, STORED)):
        place.mkdir()
        with open_bench_app(place) as app:
            store(app, number)
    few = measure_in_process(open_, OPEN)
    without, full = fastest(empty, many)
    return [
        f"memory: {without['open_mb']:.0f} MB with nothing stored, {few['open_mb']:.0f} MB with "
        f"{OPEN:,} open conversations, {few['touched_mb']:.0f} MB after a turn in each of them",
        f"a turn in each of {OPEN:,}: {few['touch_s']:.1f} s, in transactions of 100",
        f"start-up to the first answer: {without['start_s']:.2f} s with nothing stored, "
        f"{full['start_s']:.2f} s with {STORED:,} conversations, "
        f"{full['start_s'] / without['start_s']:.2f} times as long; "
        f"opening alone {without['open_s'] * 1000:.0f} ms and {full['open_s'] * 1000:.0f} ms",
    ]


def store(app: BenchApp, number: int) -> None:
    """Store conversations in the middle of the questions, many rows at a time."""
    for start in range(0, number, BATCH):
        with app.database.unit() as unit:
            rows = list(stored_rows(unit, range(start, min(start + BATCH, number))))
            unit.conn.execute(insert(CHAT), [chat for chat, _ in rows])
            unit.conn.execute(insert(CONVERSATION), [talk for _, talk in rows])


def stored_rows(
    unit: Unit, numbers: range
) -> Iterator[tuple[dict[str, object], dict[str, object]]]:
    """Give the rows of a chat and of its conversation, sealed as in service."""
    for n in numbers:
        address, chat, talk = f"stored/{n}", new_id(), new_id()
        reference = f"S{n:07}"
        asked = Conversation(
            stage=Stage.ASKING,
            journey=Journey.SELF,
            reference=reference,
            consented_at=START,
            last_input_at=START,
        )
        yield (
            {
                "id": chat,
                "channel": CHANNEL,
                "address": unit.seal(address_context(chat), address),
                "address_fingerprint": address_fingerprint(unit, CHANNEL, address),
                "created_at": START,
            },
            {
                "id": talk,
                "chat_id": chat,
                "version": 1,
                "stage": "asking",
                "reference": reference,
                "body": unit.seal(state_context(talk), conversations.serialize_state(asked)),
                "last_input_at": START + timedelta(seconds=n % 3600),
            },
        )


def fastest(*folders: Path) -> list[dict[str, float]]:
    """Return what the quickest of some starts measures in each folder; they take turns."""
    told = [[measure_in_process(folder, 0) for folder in folders] for _ in range(STARTS)]
    return [min(starts, key=lambda one: one["start_s"]) for starts in zip(*told, strict=True)]


def measure_in_process(folder: Path, touched: int) -> dict[str, float]:
    """Return what a process of its own measures on the app in a folder."""
    command = [sys.executable, "-m", "tests.bench.storage_scale", str(folder), str(touched)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return {str(key): float(value) for key, value in json.loads(ran.stdout).items()}


def measure_here(folder: Path, touched: int) -> dict[str, float]:
    """Return seconds and megabytes of this process: opened, answered once, touched."""
    from bot.pipeline.sweep import sweep

    started = perf_counter()
    with open_bench_app(folder) as app:
        opened = perf_counter()

        with app.database.unit(START) as unit:
            sweep(unit, build_runtime(app.database))
        app.step(("somebody", {"say": "/start"}))
        answered = perf_counter()
        open_mb = resident_mb()
        take_turns(app, touched)
        return {
            "open_s": opened - started,
            "start_s": answered - started,
            "touch_s": perf_counter() - answered,
            "open_mb": open_mb,
            "touched_mb": resident_mb(),
        }


def take_turns(app: BenchApp, number: int) -> None:
    """Take a turn in stored conversations, a hundred to a transaction."""
    from flows.inputs import TypedText
    from flows.turn import take_turn

    for start in range(0, number, 100):
        with app.database.unit(START) as unit:
            for n in range(start, start + 100):
                kept = load_conversation(unit, CHANNEL, f"stored/{n}")
                turn = take_turn(kept.conversation, TypedText("1"), START)
                save_conversation(unit, kept, turn.conversation)


def resident_mb() -> float:
    """Return the memory that this process holds now, in megabytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1_000_000


if __name__ == "__main__":
    print(json.dumps(measure_here(Path(sys.argv[1]), int(sys.argv[2]))))
