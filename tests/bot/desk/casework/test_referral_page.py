"""One referral at the desk: what stands first, what is hidden, who is noted as having looked."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from httpx import Response

from bot.desk.casework.record_view import call_script
from flows.casework import Act
from flows.outbound.guard import Variant
from flows.record import Record
from flows.vocabulary import Journey, Source
from flows.wording import say
from storage import logbook
from storage.referrals import acts, lifecycle
from tests.harness.desk_fixtures import DeskApp, DeskBrowser
from tests.support.cast import SAM
from tests.support.referral_builders import (
    CALLBACK_ANSWERS,
    EXTRA_ANSWERS,
    OFFICER_ANSWERS,
    SELF_ANSWERS,
    add_sent_referral,
    finished_record,
)

ONE, TWO = "AAAA-CCCC", "DDDD-EEEE"
NUMBER = "07700 900417", "+447700900417", "7700900417"


def text_of(page: Response) -> str:
    """Return the words of a page, in its order."""
    body = re.sub(r"<(head|script|dialog|template)\b.*?</\1>", "", page.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def has_number(page: Response) -> bool:
    """Return whether Maya's number stands anywhere on a page."""
    return any(one in page.text for one in NUMBER)


def acts_on(desk: DeskApp, reference: str = ONE) -> list[tuple[str, str]]:
    """Return the steps of a referral, the oldest first."""
    with desk.database.reading() as unit:
        return [(one.act, one.actor) for one in lifecycle.list_steps(unit, reference)]


def logbook_entries(desk: DeskApp) -> list[tuple[str, str, str, bool]]:
    """Return the logbook, the oldest first."""
    with desk.database.reading() as unit:
        return [
            (one.actor, one.action, one.target, one.refused)
            for one in logbook.list_logbook_lines(unit)
        ][::-1]


async def mira_with_referral(
    desk: DeskApp,
    answers: dict[str, str] | None = None,
    journey: Journey = Journey.SELF,
    source: Source = Source.WEB,
) -> DeskBrowser:
    """Return Mira's browser, with a referral that she has claimed."""
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE, answers, journey, source)
    done = await mira.submit_form(f"/desk/r/{ONE}", f"/desk/r/{ONE}/claim", sure="yes")
    assert done.status_code == 303
    return mira


async def test_before_the_claim_there_is_no_name_no_number_and_nothing_typed(
    desk: DeskApp,
) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE, {**SELF_ANSWERS, **EXTRA_ANSWERS})
    page = await mira.get(f"/desk/r/{ONE}")
    assert page.status_code == 200
    assert not has_number(page)
    for typed in ("Maya", "bluebell", "I work nights"):
        assert typed not in page.text
    assert "Burglary or theft" in page.text
    assert text_of(page).count(say("en", "desk.hidden.after_claim")) >= 4
    assert f"/desk/r/{ONE}/reveal" not in page.text


async def test_how_to_make_contact_safely_stands_first(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk, {**SELF_ANSWERS, **EXTRA_ANSWERS})
    shown = text_of(await mira.get(f"/desk/r/{ONE}"))
    warning = shown.index(say("en", "desk.may_say.no_message"))
    for later in (
        say("en", "desk.page.ways"),
        say("en", "desk.page.flags"),
        say("en", "desk.page.happened"),
        say("en", "desk.page.answers"),
        say("en", "desk.page.steps"),
    ):
        assert warning < shown.index(later)
    assert warning < shown.index("bluebell") < shown.index(say("en", "desk.page.ways"))
    assert say("en", "desk.secret_from.family") in shown
    assert "Sign language (BSL)" in shown[warning : shown.index(say("en", "desk.page.ways"))]


async def test_the_number_shows_after_the_claim_and_each_look_is_noted(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    page = await mira.get(f"/desk/r/{ONE}")
    assert not has_number(page)
    assert "Maya" in page.text
    shown = await mira.submit_form(f"/desk/r/{ONE}", f"/desk/r/{ONE}/reveal")
    assert shown.status_code == 200
    assert has_number(shown)
    assert shown.headers["cache-control"] == "no-store"
    assert not has_number(await mira.get(f"/desk/r/{ONE}"))
    await mira.submit_form(f"/desk/r/{ONE}", f"/desk/r/{ONE}/reveal")
    assert acts_on(desk).count(("reveal", "mira")) == 2
    assert logbook_entries(desk).count(("mira", "reveal", ONE, False)) == 2


async def test_nobody_sees_the_number_of_what_is_not_theirs(desk: DeskApp) -> None:
    await mira_with_referral(desk)
    add_sent_referral(desk, TWO)
    omar = await desk.signed_in("mediator", "omar")
    carys = await desk.signed_in("coordinator", "carys")
    for browser in (omar, carys):
        for reference in (ONE, TWO):
            page = await browser.post(f"/desk/r/{reference}/reveal")
            assert page.status_code == 403
            assert not has_number(page)
    assert not [did for _, did in acts_on(desk) if did == "reveal"]
    assert ("omar", "reveal", ONE, True) in logbook_entries(desk)


async def test_every_opening_is_a_step_and_a_line_of_the_logbook(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    for _ in range(3):
        await mira.get(f"/desk/r/{ONE}")
    assert acts_on(desk).count(("opened", "mira")) == 3
    assert logbook_entries(desk).count(("mira", "read", ONE, False)) == 3
    shown = text_of(await mira.get(f"/desk/r/{ONE}"))
    assert shown.count(f"{say('en', 'desk.acts.opened')} (4 times)") == 1


async def test_what_was_not_said_is_told_apart_in_words(desk: DeskApp) -> None:
    kinds = {"wish": "not_sure", "age": "rather_not_say", "number": "skipped", "way": "call"}
    mira = await mira_with_referral(desk, {**SELF_ANSWERS, **kinds})
    shown = text_of(await mira.get(f"/desk/r/{ONE}"))
    for given in ("not_sure", "rather_not_say", "skipped", "not_asked"):
        assert say("en", f"desk.given.{given}") in shown, given
    assert say("en", "desk.safe.open.must_not_know") in shown
    assert say("en", "desk.safe.open.best_time") in shown


async def test_who_wants_no_contact_has_no_number_anywhere(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk, {**SELF_ANSWERS, "way": "i_will_call"})
    page = await mira.get(f"/desk/r/{ONE}")
    assert say("en", "desk.safe.no_contact") in text_of(page)
    assert f"/desk/r/{ONE}/reveal" not in page.text
    again = await mira.post(f"/desk/r/{ONE}/reveal")
    assert again.status_code == 303
    assert ("mira", "reveal", ONE, True) in logbook_entries(desk)


async def test_when_the_person_stops_contact_an_open_page_reveals_nothing(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    with desk.database.unit(desk.clock()) as unit:
        lifecycle.stop_contact(unit, ONE, Act.WITHDRAW)
    late = await mira.post(f"/desk/r/{ONE}/reveal")
    assert late.status_code == 403
    page = await mira.get(f"/desk/r/{ONE}")
    assert say("en", "desk.safe.no_contact") in text_of(page)
    assert not has_number(page)


async def test_an_officers_referral_says_to_ring_the_officer(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk, OFFICER_ANSWERS, journey=Journey.OFFICER)
    page = await mira.get(f"/desk/r/{ONE}")
    assert say("en", "desk.safe.officer_first") in text_of(page)
    assert SAM.officer is not None
    assert SAM.officer.contact not in page.text
    shown = await mira.post(f"/desk/r/{ONE}/reveal")
    assert SAM.officer.contact in shown.text


def with_choice(record: Record, value: str, given: str = "said") -> Record:
    """Return a record with another answer to what may be said if somebody else answers."""
    safe = tuple(
        replace(one, value=value, status=given) if one.question == "if_answered" else one
        for one in record.safe_contact
    )
    return replace(record, safe_contact=safe)


@pytest.mark.parametrize("kind", [Journey.SELF, Journey.CALLBACK])
def test_there_is_a_script_for_each_choice_and_the_safest_where_nothing_was_said(
    kind: Journey, desk: DeskApp
) -> None:
    answers = SELF_ANSWERS if kind == Journey.SELF else CALLBACK_ANSWERS
    record = finished_record(ONE, desk.clock(), answers, kind)
    for value in (Variant.SAY_SERVICE, Variant.FIRST_NAME, "no_message"):
        name = call_script(with_choice(record, value))
        assert name == f"{kind}_{value}"
        for part in ("opening", "someone_else", "voicemail"):
            assert say("en", f"desk.script.{name}.{part}")
    for given in ("not_sure", "not_asked"):
        assert call_script(with_choice(record, "", given)) == f"{kind}_no_message"
    officers = finished_record(TWO, desk.clock(), OFFICER_ANSWERS, Journey.OFFICER, SAM.officer)
    assert call_script(officers) == "officer_no_message"
    assert say("en", "desk.script.officer_first_name.opening")
    assert say("en", "desk.script.officer_say_service.voicemail")


async def test_a_coordinator_says_why_before_seeing_somebody_elses(desk: DeskApp) -> None:
    await mira_with_referral(desk, {**SELF_ANSWERS, **EXTRA_ANSWERS})
    carys = await desk.signed_in("coordinator", "carys")
    page = await carys.get(f"/desk/r/{ONE}")
    assert "bluebell" not in page.text
    assert ("opened", "carys") not in acts_on(desk)
    for why, words in (("", ""), ("curious", "x"), ("other", ""), ("cover", "x" * 301)):
        wrong = await carys.post(f"/desk/r/{ONE}/look", why=why, words=words)
        assert wrong.status_code == 422
        assert 'role="alert"' in wrong.text
        assert "bluebell" not in wrong.text
    seen = await carys.post(f"/desk/r/{ONE}/look", why="complaint", words="She rang about it")
    assert seen.status_code == 200
    assert "bluebell" in seen.text
    assert not has_number(seen)
    assert ("opened", "carys") in acts_on(desk)
    with desk.database.reading() as unit:
        line = logbook.list_logbook_lines(unit, ONE)[0]
    assert (line.actor, line.action, line.reason) == ("carys", "read", "complaint")
    assert "She rang about it" not in str(line)
    assert "A complaint. She rang about it" in seen.text
    assert "bluebell" not in (await carys.get(f"/desk/r/{ONE}")).text


async def test_a_mediator_never_sees_a_colleagues(desk: DeskApp) -> None:
    await mira_with_referral(desk)
    omar = await desk.signed_in("mediator", "omar")
    for page in (
        await omar.get(f"/desk/r/{ONE}"),
        await omar.post(f"/desk/r/{ONE}/look", why="cover", words=""),
    ):
        assert page.status_code == 403
        assert "Maya" not in page.text
    assert ("opened", "omar") not in acts_on(desk)


async def test_who_else_is_looking_is_said_for_half_a_minute(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    omar = await desk.signed_in("mediator", "omar")
    add_sent_referral(desk, ONE)
    await omar.get(f"/desk/r/{ONE}")
    said = say("en", "desk.page.also", names="omar")
    desk.clock.advance(seconds=29)
    assert said in text_of(await mira.get(f"/desk/r/{ONE}"))
    desk.clock.advance(seconds=2)
    assert said not in text_of(await mira.get(f"/desk/r/{ONE}"))


async def test_what_is_erased_shows_only_its_bare_steps(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    with desk.database.unit(desk.clock()) as unit:
        for act in ("spoke", "close", "erase"):
            acts.perform_act(unit, ONE, act, "mira", "She was at her sister's")
    page = await mira.get(f"/desk/r/{ONE}")
    assert page.status_code == 200
    assert say("en", "desk.page.erased") in text_of(page)
    assert say("en", "desk.acts.spoke") in text_of(page)
    for gone in ("Maya", "sister", *NUMBER):
        assert gone not in page.text


async def test_hostile_words_are_only_words(desk: DeskApp) -> None:
    hostile = "<script>alert(1)</script> =1+1 \u202eevil"
    mira = await mira_with_referral(
        desk, {**SELF_ANSWERS, **EXTRA_ANSWERS, "note": hostile, "code_word": "'\"><img src=x>"}
    )
    page = await mira.get(f"/desk/r/{ONE}")
    assert "<script>alert" not in page.text
    assert "<img" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert re.search(r"<bdi[^>]*>&lt;script&gt;[^<]*</bdi>", page.text)


async def test_a_reference_may_be_typed_small_and_a_foreign_one_is_missing(desk: DeskApp) -> None:
    mira = await desk.signed_in("mediator", "mira")
    add_sent_referral(desk, ONE)
    assert (await mira.get(f"/desk/r/{ONE.lower()}")).status_code == 200
    for foreign in ("ZZZZ-ZZZZ", "x" * 500, "%00", "'--", "\u202e"):
        page = await mira.get(f"/desk/r/{foreign}")
        assert page.status_code == 404, foreign


async def test_the_facts_are_there_and_the_consent_with_its_time(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk, source=Source.TELEGRAM)
    shown = text_of(await mira.get(f"/desk/r/{ONE}"))
    assert say("en", "desk.doors.telegram") in shown
    assert "By pressing Send you agree" in shown
    assert say("en", "desk.page.because") in shown


async def test_one_page_has_one_heading_and_labels_and_no_inline_script(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk, {**SELF_ANSWERS, **EXTRA_ANSWERS})
    for path in (f"/desk/r/{ONE}", "/desk/queue"):
        html = (await mira.get(path)).text
        assert html.count("<h1") == 1
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
        assert not re.search(r"\s(style|on[a-z]+)=", html)
        ids = re.findall(r'\sid="([^"]+)"', html)
        assert len(ids) == len(set(ids)), [one for one in ids if ids.count(one) > 1]
        fields = re.findall(r"<(?:input|select|textarea)(?![^>]*type=\"hidden\")[^>]*>", html)
        assert fields
        for field in fields:
            name = re.search(r'id="([^"]+)"', field)
            assert name, field
            assert f'for="{name[1]}"' in html, field


async def test_a_lease_is_shown_to_its_owner(desk: DeskApp) -> None:
    mira = await mira_with_referral(desk)
    until = "5pm on Wednesday 4 March"
    assert say("en", "desk.page.lease", until=until) in text_of(await mira.get(f"/desk/r/{ONE}"))
    desk.clock.advance(days=3)
    with desk.database.unit(desk.clock() + timedelta(minutes=1)) as unit:
        assert acts.release_expired_leases(unit) == [ONE]
