"""What wakes somebody: the rules hold, and what they name is there to be read."""

import re
import subprocess
from collections.abc import Iterator
from itertools import pairwise

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from storage.database import Database
from storage.referrals import lifecycle
from tests.harness.app import build_app
from tests.harness.clock import FakeClock
from tests.harness.pages_app import open_pages
from tests.harness.programs.promtool import PROMTOOL
from tests.harness.telegram_app import telegram_settings
from tests.support.builders import make_record
from tests.support.paths import ROOT
from tests.telegram_server import TelegramServer

RULES = ROOT / "deploy" / "alerts.yml"
ON_CALL = ROOT / "docs" / "on-call.md"
TOKEN = "a-token-of-a-test"


@pytest.mark.promtool
@pytest.mark.parametrize("command", [("check", "alerts.yml"), ("test", "alerts_test.yml")])
def test_the_rules_hold(command: tuple[str, str]) -> None:
    kind, file = command
    words = [str(PROMTOOL), kind, "rules", str(RULES.parent / file)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_each_metric_of_a_rule_is_on_the_page(database: Database, clock: FakeClock) -> None:
    with TelegramServer() as server:
        program = build_app(database, metrics_token=TOKEN, **telegram_settings(server))
        program.runtime.measurements.polls_telegram = True
        with database.unit() as unit:
            lifecycle.hand_over(unit, make_record("AAAA-CCCC"), None)
        async with open_pages(program, clock) as pages:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            page = await pages.browser().get("/metrics", headers=headers)
    assert page.status_code == httpx.codes.OK
    families = text_string_to_metric_families(page.text)
    told = {one.name for family in families for one in family.samples}
    named = set(re.findall(r"\brj_\w+", RULES.read_text("utf-8")))
    assert len(named) > 8
    assert sorted(named - told) == []


def test_each_alert_has_a_severity_and_a_heading_for_the_person_on_call() -> None:
    headings = set(re.findall(r"^#+ (.+)$", ON_CALL.read_text("utf-8"), re.MULTILINE))
    alerts = dict(alert_texts())
    assert len(alerts) > 10
    for text in alerts.values():
        assert re.search(r"severity: (page|ticket|service)\}", text)
        (runbook,) = re.findall(r"runbook: (.+)", text)
        assert runbook in headings


def test_each_alert_is_told_to_fire_in_the_tests_of_the_rules() -> None:
    tested = (RULES.parent / "alerts_test.yml").read_text("utf-8")
    assert [name for name, _ in alert_texts() if f'alertname="{name}"' not in tested] == []


def alert_texts() -> Iterator[tuple[str, str]]:
    """Give each alert's name, and what the file says of it."""
    text = RULES.read_text("utf-8")
    starts = [*re.finditer(r"- alert: (\w+)", text)]
    ends = [*(one.start() for one in starts), len(text)]
    for one, (start, end) in zip(starts, pairwise(ends), strict=True):
        yield one[1], text[start:end]
