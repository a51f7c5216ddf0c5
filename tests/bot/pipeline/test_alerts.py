"""Promises about to break, on a clock of the test's own: the team hears, then the manager."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.channels.email import EmailChannel
from bot.pipeline.alerts import AlertKey
from bot.pipeline.sweep import sweep
from bot.settings import Settings
from bot.web.health import is_overdue
from flows import content_files
from flows.calendar.workdays import due_at, next_opening
from flows.service import service
from flows.vocabulary import OutboxKind, Queue
from storage import heartbeat
from storage.chats import outbox
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.vault import Vault
from tests.harness.app import build_runtime
from tests.harness.desk_fixtures import DeskApp
from tests.support.builders import make_record

MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
FRIDAY = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)
STEP = timedelta(minutes=30)
ONE = "ACDE-3467"


class AlertHarness:
    """A queue whose alerts are read as they go out, and a clock that is swept on its way."""

    def __init__(self, database: Database, vault: Vault, **more: object) -> None:
        self.database, self.vault = database, vault
        self.house = build_runtime(database, {}, ("telegram",), **more)  # type: ignore[arg-type]

    def add_referral(
        self, at: datetime, days: int = 2, hold: bool = False, queue: Queue = Queue.ADULTS
    ) -> None:
        """Hand over a referral that is promised within some working days."""
        promised = due_at(at, days, service()).astimezone(UTC)
        record = replace(make_record(ONE, promised), sent_at=at, hold=hold, queue=queue)
        with self.database.unit(at) as unit:
            lifecycle.hand_over(unit, record, None)

    def alerts_between(
        self, begin: datetime, end: datetime, step: timedelta = STEP
    ) -> list[tuple[datetime, str, str, str]]:
        """Let time pass; return when each alert went, by what, to whom, and what it says."""
        found, now = [], begin
        while now <= end:
            with self.database.unit(now) as unit:
                sweep(unit, self.house)
                for row in outbox.due_outbox_items(unit, ("telegram", "email")):
                    assert row.kind == "alert"
                    found.append((now, row.channel, row.body.get("to", ""), row.body["text"]))
                    outbox.mark_sent(unit, row.id)
            now += step
        return found


def test_at_half_the_team_hears_and_at_three_quarters_the_manager(
    database: Database, vault: Vault
) -> None:
    office = AlertHarness(database, vault, manager=("email",), public_url="https://rj.example.com/")
    office.add_referral(MONDAY)
    team, manager = office.alerts_between(
        MONDAY, MONDAY + timedelta(days=2, hours=3), timedelta(minutes=10)
    )
    # Promised for Wednesday 5pm: 23 hours of the service, half of which are over at 1.30pm.
    assert team[:3] == (datetime(2026, 3, 3, 13, 30, tzinfo=UTC), "telegram", "")
    assert manager[:3] == (datetime(2026, 3, 4, 11, 20, tzinfo=UTC), "email", "manager")
    for alert in (team, manager):
        assert ONE in alert[3]
        assert alert[3].endswith(f"\nhttps://rj.example.com/desk/r/{ONE}")
        assert "Amina" not in alert[3]


def test_without_a_manager_the_staff_chat_hears_twice(database: Database, vault: Vault) -> None:
    office = AlertHarness(database, vault)
    office.add_referral(MONDAY)
    alerts = office.alerts_between(MONDAY, MONDAY + timedelta(days=4))
    assert [(by, to) for _, by, to, _ in alerts] == [("telegram", ""), ("telegram", "")]
    assert "http" not in alerts[0][3]


@pytest.mark.parametrize("begin", [FRIDAY, datetime(2026, 4, 2, 15, 0, tzinfo=UTC)])
def test_nobody_is_alerted_at_night_at_weekends_or_at_easter(
    database: Database, vault: Vault, begin: datetime
) -> None:
    office = AlertHarness(database, vault)
    office.add_referral(begin)
    alerts = office.alerts_between(begin, begin + timedelta(days=8))
    assert len(alerts) == 2
    assert all(next_opening(at, service()) is None for at, *_ in alerts)


@pytest.mark.parametrize(("hold", "queue"), [(True, Queue.ADULTS), (False, Queue.CHECK)])
def test_what_is_on_hold_or_needs_a_check_counts_too(
    database: Database, vault: Vault, hold: bool, queue: Queue
) -> None:
    office = AlertHarness(database, vault)
    office.add_referral(MONDAY, hold=hold, queue=queue)
    assert len(office.alerts_between(MONDAY, MONDAY + timedelta(days=4))) == 2


def test_every_alert_has_its_words_and_no_words_are_for_none() -> None:
    assert set(content_files.load_language("en")["desk"]["alerts"]) == set(AlertKey)


def test_what_is_claimed_alerts_nobody(database: Database, vault: Vault) -> None:
    office = AlertHarness(database, vault)
    office.add_referral(MONDAY)
    with database.unit(MONDAY) as unit:
        acts.claim(unit, ONE, "mira")
    assert office.alerts_between(MONDAY, MONDAY + timedelta(hours=50)) == []


def test_after_a_night_without_the_machine_both_hear_at_once(
    database: Database, vault: Vault
) -> None:
    office = AlertHarness(database, vault, manager=("email",))
    office.add_referral(MONDAY)
    late = MONDAY + timedelta(days=3)
    assert [
        (by, to) for _, by, to, _ in office.alerts_between(late, late + timedelta(hours=6))
    ] == [
        ("telegram", ""),
        ("email", "manager"),
    ]


def test_the_letter_to_the_manager_goes_to_the_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Settings(
        _env_file=None,
        staff_email="team@example.com",
        manager_email="boss@example.com",
        smtp_host="127.0.0.1",
        smtp_from="desk@example.com",
    )
    channel, letters = EmailChannel(told), list[tuple[str, str]]()
    monkeypatch.setattr(channel, "_send", lambda to, text: letters.append((to, text)))

    async def both() -> None:
        await channel.send("", OutboxKind.ALERT, {"text": "One."})
        await channel.send("", OutboxKind.ALERT, {"text": "Two.", "to": "manager"})

    import asyncio

    asyncio.run(both())
    assert letters == [("team@example.com", "One."), ("boss@example.com", "Two.")]


# --- nobody sweeps


def test_the_last_sweep_is_known_and_only_the_own_vault_reads_it(database: Database) -> None:
    with database.unit(MONDAY) as unit:
        assert heartbeat.last_seen(unit) is None
        heartbeat.record(unit)
        heartbeat.record(replace(unit, now=MONDAY + STEP))
        assert heartbeat.last_seen(unit) == MONDAY + STEP


def test_five_minutes_without_a_sweep_are_late() -> None:
    five = timedelta(minutes=5)
    assert not is_overdue(MONDAY, MONDAY - five, MONDAY + five)
    assert is_overdue(MONDAY, MONDAY - five, MONDAY + five + timedelta(seconds=1))
    assert not is_overdue(MONDAY - timedelta(days=1), MONDAY, MONDAY + five)


async def test_the_health_page_says_when_time_is_not_swept_any_more(desk: DeskApp) -> None:
    nobody = await desk.signed_out()
    assert await _health(nobody.client) == (200, "ok")
    desk.clock.advance(minutes=6)
    assert (await _health(nobody.client))[0] == 503
    with desk.database.unit(desk.clock()) as unit:
        sweep(unit, desk.running.runtime)
    assert await _health(nobody.client) == (200, "ok")


async def _health(client: httpx.AsyncClient) -> tuple[int, str]:
    answer = await client.get("/health")
    return answer.status_code, answer.text
