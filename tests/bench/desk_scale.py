"""The desk with many referrals, and the sweep with many chats: how size tells."""

import asyncio
import random
import re
from dataclasses import astuple, replace
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time

import httpx
from sqlalchemy import insert

from bot.cli.demo_data import add_demo_referrals
from bot.desk.guard import BROWSER_COOKIE, SESSION_COOKIE
from bot.pipeline.promises import opening_time
from bot.pipeline.sweep import sweep
from bot.serve import Program
from flows.casework import Act, ReferralStage
from flows.record import Record
from storage.accounts import sign_ins, staff
from storage.accounts.sign_ins import SignInMethod
from storage.referrals import search_index
from storage.referrals.rows import referral_row_values, unseal_record
from storage.reports import response_times
from storage.tables import REFERRAL, STEP, new_id
from storage.unit import Unit
from tests.bench.bench_app import START, open_bench_app, open_program
from tests.harness.app import build_runtime

TIMES, WARM_UP, SWEEPS = 60, 10, 20
BATCH = 5_000
SITE = "http://desk.test"
FIRST_NAMES = ("Amina", "Beth", "Chidi", "Dana", "Élodie", "Farid", "Grace")
FAMILY_NAMES = ("Khan", "Smith", "Okafor", "O'Neill", "Nowak", "Patel", "Reed", "St John")
DESK_STEPS = (
    (Act.CLAIM, ReferralStage.CLAIMED),
    (Act.NO_ANSWER, ReferralStage.WAITING),
    (Act.SPOKE, ReferralStage.IN_TOUCH),
    (Act.SUITABLE, ReferralStage.IN_TOUCH),
    (Act.CLOSE, ReferralStage.CLOSED),
)
PAGES: dict[str, tuple[str, str, dict[str, str]]] = {
    "the queue's page": ("GET", "/desk/queue?view=all", {}),
    "one referral": ("GET", "/desk/r/{reference}", {}),
    "a search for a name": ("POST", "/desk/search", {"q": "okafor12"}),
    "a search for two letters": ("POST", "/desk/search", {"q": "an"}),
    "a search for a number": ("POST", "/desk/search", {"q": "900123"}),
    "the report": ("GET", "/desk/numbers", {}),
}
"""By what is measured: method, path and fields; `{reference}` is one of the referrals."""


def measure_desk(folder: Path, few: int = 50, many: int = 50_000) -> list[str]:
    """Return lines: the pages of the desk with few and with many referrals."""
    small, large = (_measure_pages(folder / str(n), n) for n in (few, many))
    return [
        f"{name}: p50 {large[name][0]:.0f} ms, p95 {large[name][1]:.0f} ms with {many:,} "
        f"referrals; processor time {small[name][2]:.0f} ms with {few}, "
        f"{large[name][2]:.0f} ms with {many:,}, "
        f"{large[name][2] / small[name][2]:.1f} times as much"
        for name in PAGES
    ]


def measure_sweep(folder: Path, few: int = 1_000, many: int = 1_000_000) -> list[str]:
    """Return a line: a sweep that has nothing to do, with few and with many chats."""
    small, large = (_measure_sweep(folder / str(n), n) for n in (few, many))
    return [
        f"processor time of a sweep when nothing is due: {small:.1f} ms with {few:,} chats, "
        f"{large:.1f} ms with {many:,}, {large / small:.1f} times as long"
    ]


def fill_desk(unit: Unit, number: int) -> None:
    """Add referrals of the last eleven weeks like the made-up ones, with acts of staff."""
    chance = random.Random(7)
    add_demo_referrals(unit)
    like = [unseal_record(unit, row) for row in unit.conn.execute(REFERRAL.select()).all()]
    for start in range(0, number, BATCH):
        numbers = range(start, min(start + BATCH, number))
        made = [_referral(unit, like[n % len(like)], n, number, chance) for n in numbers]
        unit.conn.execute(insert(REFERRAL), [row for row, _ in made])
        unit.conn.execute(insert(STEP), [step for _, steps in made for step in steps])
    while response_times.has_to_recount(unit):
        response_times.recount(unit, opening_time)
    while search_index.index_new(unit):
        pass


def _referral(
    unit: Unit, like: Record, n: int, number: int, chance: random.Random
) -> tuple[dict[str, object], list[dict[str, object]]]:
    sent = unit.now - timedelta(weeks=11) * n / number - timedelta(seconds=chance.randrange(60))
    names = f"{chance.choice(FIRST_NAMES)} {chance.choice(FAMILY_NAMES)}{n % 997}"
    answers = {"name": names, "victim_name": names, "number": f"+447700{n:06}"}
    lines, safe = (
        tuple(replace(one, value=answers.get(one.question, one.value)) for one in some)
        for some in (like.lines, like.safe_contact)
    )
    own = replace(
        like,
        reference=f"{n:06}-BENC",
        lines=lines,
        safe_contact=safe,
        sent_at=sent,
        due=sent + timedelta(days=2),
    )
    id, taken = new_id(), DESK_STEPS[: chance.randrange(len(DESK_STEPS) + 1)]
    row = referral_row_values(unit, id, own, None)
    at = sent
    steps: list[dict[str, object]] = []
    for act, stage in taken:
        at += timedelta(seconds=chance.randrange(1, 200_000))
        steps.append(
            {
                "id": new_id(),
                "referral_id": id,
                "act": act,
                "actor": "mira",
                "stage": stage,
                "at": at,
            }
        )
        row |= {"stage": stage, "closed_at": at if act == Act.CLOSE else None}
    return {"closed_at": None, **row, "recount_since": sent}, steps


def _measure_pages(folder: Path, number: int) -> dict[str, tuple[float, float, float]]:
    with open_program(folder) as running:
        with running.runtime.database.unit() as unit:
            fill_desk(unit, number)
            code = staff.invite_staff(unit, "carys", "coordinator", "ada")
            id = staff.redeem_staff_invitation(unit, code)
            token = sign_ins.begin_sign_in(unit, str(id), SignInMethod.PASSWORD)
        return asyncio.run(_timed_pages(running, token, f"{number // 2:06}-BENC"))


async def _timed_pages(
    running: Program, token: str, reference: str
) -> dict[str, tuple[float, float, float]]:
    door = httpx.ASGITransport(app=running.pages())
    cookies = {SESSION_COOKIE: token, BROWSER_COOKIE: "bench"}
    found = {}
    async with httpx.AsyncClient(
        transport=door, base_url=SITE, cookies=cookies, headers={"Origin": SITE}
    ) as client:
        form = re.search(r'name="csrf" value="([^"]+)"', (await client.get("/desk/queue")).text)
        assert form is not None
        for name, (method, path, fields) in PAGES.items():
            data = {"csrf": form[1], **fields} if fields else None
            took, busy = [], process_time()
            for n in range(TIMES + WARM_UP):
                if n == WARM_UP:
                    busy = process_time()
                started = perf_counter()
                shown = await client.request(method, path.format(reference=reference), data=data)
                assert shown.status_code == 200, (name, shown.status_code)
                if n >= WARM_UP:
                    took.append((perf_counter() - started) * 1000)
            cuts = quantiles(took, n=20)
            found[name] = cuts[9], cuts[18], (process_time() - busy) * 1000 / len(took)
    return found


def fill_chats(unit: Unit, number: int) -> None:
    """Add chats that were idle for up to 20 days, and what came in from each in the last week.

    Made by SQLite itself, and not sealed: nothing of them is opened while nothing is due. What is
    idle for more than two days was emptied by an earlier sweep, and so is not due again.
    """
    idle, came = (f"-' || (n * {days * 86_400} / {number}) || ' seconds" for days in (20, 7))
    last, at = (f"strftime('%F %H:%M:%f000', '{START:%F %T}', '{ago}')" for ago in (idle, came))
    blanked = f"CASE WHEN n > {number} / 10 THEN {last} END"
    columns = {
        "chat": {"address": "zeroblob(150)", "address_fingerprint": "key", "created_at": last},
        "conversation": {
            **{"chat_id": "key", "version": "3", "stage": "'asking'", "body": "zeroblob(300)"},
            **{"last_input_at": last, "blanked_at": blanked},
        },
        "inbox": {
            **{"fingerprint": "key", "chat_fingerprint": "key", "stage": "'done'"},
            **{"attempts": "1", "received_at": at, "ended_at": at},
        },
    }
    numbers = "WITH RECURSIVE numbers(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM numbers "
    numbers += f"LIMIT {number})"
    for table, values in columns.items():
        with_channel = values if table == "conversation" else {**values, "channel": "'telegram'"}
        unit.conn.exec_driver_sql(
            f"INSERT INTO {table} (id, {', '.join(with_channel)}) {numbers} "  # noqa: S608
            f"SELECT key, {', '.join(with_channel.values())} "
            "FROM (SELECT n, printf('%032x', n) AS key FROM numbers)"
        )


def _measure_sweep(folder: Path, number: int) -> float:
    """Return the processor time of a sweep that has nothing to do, in milliseconds: the median."""
    folder.mkdir(parents=True)
    with open_bench_app(folder) as app:
        runtime = build_runtime(app.database)
        with app.database.unit(START) as unit:
            fill_chats(unit, number)
        app.database.backend.truncate_journal()

        def once() -> float:
            started = process_time()
            with app.database.unit(START) as unit:
                swept = sweep(unit, runtime)
            assert not any(astuple(swept)), swept
            return (process_time() - started) * 1000

        once()
        return median(once() for _ in range(SWEEPS))
