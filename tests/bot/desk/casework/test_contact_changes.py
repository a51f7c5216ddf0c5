"""How to reach a person changes only when one of the team asks and another one agrees."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from flows.casework import Act
from flows.questions.answer_types import Invalid, Parsed
from flows.record import Record
from flows.referral import contact
from flows.vocabulary import Journey, Queue
from storage import logbook
from storage.referrals import acts, contact_changes, lifecycle
from storage.referrals.contact_changes import (
    ChangeAlreadyDecided,
    ChangeAlreadyPending,
    ChangeNeedsSecondPerson,
    ProposedContactChange,
)
from storage.referrals.duplicates import possible_duplicates
from storage.referrals.rows import unseal_record
from storage.referrals.steps import NotReferralOwner, require_referral
from storage.retention import sweep
from storage.serialization import dumps
from storage.web_tables import CONTACT_CHANGE
from tests.harness.desk_fixtures import DeskApp, DeskBrowser
from tests.support.builders import answered_line, make_record

REF = "ACDE-3467"
CONTACT, DECIDE = f"/desk/r/{REF}/contact", f"/desk/r/{REF}/contact/decide"
NEW = {"which": "number", "value": "07700 900 733", "why": "Maya rang from the old number"}
HOSTILE = ("", " ", "<script>alert(1)</script>", "=1+1", "\u202eabc", "\x00", "x" * 5000, "\ud800")


def record_of_maya(desk: DeskApp, reference: str = REF, queue: Queue = Queue.ADULTS) -> Record:
    """Return Maya's record: she wants a call, on a number that is safe."""
    safe = tuple(
        answered_line(key, value, desk.clock())
        for key, value in (
            ("way", "call"),
            ("number", "+447700900417"),
            ("if_answered", "no_message"),
        )
    )
    record = replace(make_record(reference), journey=Journey.SELF, queue=queue, lines=safe)
    return replace(record, safe_contact=safe)


def add_referral(desk: DeskApp, record: Record, owner: str = "mira") -> None:
    """Have a record in the queue, and somebody work on it."""
    with desk.database.unit(desk.clock()) as unit:
        lifecycle.hand_over(unit, record, None)
        if owner:
            assert acts.claim(unit, record.reference, owner)


def stored_record(desk: DeskApp, reference: str = REF) -> tuple[Record, bool]:
    """Return the record as it is kept now, and whether contact may be made."""
    with desk.database.unit() as unit:
        row = require_referral(unit, reference)
        return unseal_record(unit, row), row.may_contact


def logbook_entries(desk: DeskApp) -> list[tuple[str, str, bool]]:
    """Return what the logbook says: who, did what, refused."""
    with desk.database.reading() as unit:
        return [
            (one.actor, one.action, one.refused)
            for one in reversed(logbook.list_logbook_lines(unit))
        ]


async def waiting_id(browser: DeskBrowser) -> str:
    """Return the id of the change that stands on the page."""
    found = re.search(r'name="change" value="([^"]+)"', (await browser.get(CONTACT)).text)
    assert found is not None
    return found[1]


async def test_one_asks_another_agrees_and_only_then_it_changes(desk: DeskApp) -> None:
    add_referral(desk, record_of_maya(desk))
    mira, omar = await desk.signed_in("mediator", "mira"), await desk.signed_in("mediator", "omar")
    assert "+447700900417" in (await mira.get(CONTACT)).text
    asked = await mira.post(CONTACT, **NEW)
    assert asked.status_code == 303
    before, _ = stored_record(desk)
    assert contact.current_line(before, "number") == contact.current_line(
        record_of_maya(desk), "number"
    )
    page = (await omar.get(CONTACT)).text
    assert "07700 900 733" in page
    assert "Maya rang from the old number" in page
    desk.clock.advance(minutes=5)
    agreed = await omar.post(DECIDE, change=await waiting_id(omar), decision="agree")
    assert agreed.status_code == 303
    after, may_contact = stored_record(desk)
    new = contact.current_line(after, "number")
    assert new is not None
    assert (new.value, new.answered_by, new.answered_at) == (
        "+447700900733",
        "staff mira",
        desk.clock(),
    )
    assert [line.value for line in after.lines if line.question == "number"] == ["+447700900733"]
    assert may_contact
    with desk.database.reading() as unit:
        last = lifecycle.list_steps(unit, REF)[-1]
    assert (last.act, last.actor) == ("contact_changed", "omar")
    done = [did for _, did, _ in logbook_entries(desk)]
    assert [did for did in done if did != "contact_read"] == [
        "contact_change_asked",
        "contact_change_agreed",
    ]
    assert "The change is made" in (await omar.get(f"{CONTACT}?done=agreed")).text


async def test_one_person_alone_changes_nothing(desk: DeskApp) -> None:
    add_referral(desk, record_of_maya(desk))
    mira = await desk.signed_in("mediator", "mira")
    await mira.post(CONTACT, **NEW)
    id = await waiting_id(mira)
    answer = await mira.post(DECIDE, change=id, decision="agree")
    assert answer.status_code == 403
    assert contact.current_line(stored_record(desk)[0], "number") == contact.current_line(
        record_of_maya(desk), "number"
    )
    assert ("mira", "agree_change", True) in logbook_entries(desk)
    with pytest.raises(ChangeNeedsSecondPerson), desk.database.unit(desk.clock()) as unit:
        contact_changes.decide_change(unit, REF, id, True, "mira")
    assert (await mira.post(DECIDE, change=id, decision="refuse")).status_code == 303
    with desk.database.reading() as unit:
        assert contact_changes.pending_change(unit, known_id(desk)) is None


def known_id(desk: DeskApp) -> str:
    """Return the id of Maya's referral."""
    with desk.database.reading() as unit:
        standing = lifecycle.referral_status(unit, REF)
    assert standing is not None
    return standing.id


async def test_a_refused_change_changes_nothing(desk: DeskApp) -> None:
    add_referral(desk, record_of_maya(desk))
    mira, omar = await desk.signed_in("mediator", "mira"), await desk.signed_in("mediator", "omar")
    await mira.post(CONTACT, **NEW)
    id = await waiting_id(omar)
    assert (await omar.post(DECIDE, change=id, decision="refuse")).status_code == 303
    assert contact.current_line(stored_record(desk)[0], "number") == contact.current_line(
        record_of_maya(desk), "number"
    )
    again = await omar.post(DECIDE, change=id, decision="agree")
    assert again.status_code == 409
    assert "not waiting any more" in again.text
    assert contact.current_line(stored_record(desk)[0], "number") == contact.current_line(
        record_of_maya(desk), "number"
    )


async def test_only_the_owner_may_ask_and_only_its_queue_decides(
    desk: DeskApp,
) -> None:
    add_referral(desk, record_of_maya(desk))
    omar, yusuf = (
        await desk.signed_in("mediator", "omar"),
        await desk.signed_in("young_people", "yusuf"),
    )
    ada, mira = (
        await desk.signed_in("administrator", "ada"),
        await desk.signed_in("mediator", "mira"),
    )
    for browser in (omar, yusuf, ada):
        assert (await browser.post(CONTACT, **NEW)).status_code == 403
    page = (await omar.get(CONTACT)).text
    assert "7700900417" not in page.replace(" ", "")
    await mira.post(CONTACT, **NEW)
    id = await waiting_id(mira)
    for browser in (yusuf, ada):
        assert (await browser.get(CONTACT)).status_code == 403
        assert (await browser.post(DECIDE, change=id, decision="agree")).status_code == 403
    carys = await desk.signed_in("coordinator", "carys")
    assert (await carys.post(DECIDE, change=id, decision="agree")).status_code == 303
    with pytest.raises(NotReferralOwner), desk.database.unit(desk.clock()) as unit:
        wanted = ProposedContactChange("email", "maya@example.com", "maya@example.com", "she said")
        contact_changes.request_change(unit, REF, wanted, "omar")


async def test_one_change_waits_at_a_time_even_from_two_tabs(desk: DeskApp) -> None:
    add_referral(desk, record_of_maya(desk))
    mira = await desk.signed_in("mediator", "mira")
    assert (await mira.post(CONTACT, **NEW)).status_code == 303
    second = await mira.post(CONTACT, which="way", value="text", why="She said so")
    assert second.status_code == 409
    assert "waits already" in second.text
    with pytest.raises(ChangeAlreadyPending), desk.database.unit(desk.clock()) as unit:
        contact_changes.request_change(
            unit, REF, ProposedContactChange("way", "text", "Text", "so"), "mira"
        )


@pytest.mark.parametrize("which", contact.CHANGEABLE_QUESTIONS)
async def test_what_makes_no_sense_is_not_taken(desk: DeskApp, which: str) -> None:
    add_referral(desk, record_of_maya(desk))
    mira = await desk.signed_in("mediator", "mira")
    for value in HOSTILE:
        sent = value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        answer = await mira.post(CONTACT, which=which, value=sent, why="she said")
        assert answer.status_code == 400
        assert "There is a problem" in answer.text
        assert "<script>alert" not in answer.text
    with desk.database.reading() as unit:
        assert contact_changes.pending_change(unit, known_id(desk)) is None


async def test_it_must_be_said_why(desk: DeskApp) -> None:
    add_referral(desk, record_of_maya(desk))
    mira = await desk.signed_in("mediator", "mira")
    for why in ("", "   ", "...", "x" * 301, "\u202e", "\x00"):
        answer = await mira.post(CONTACT, which="number", value="07700 900733", why=why)
        assert answer.status_code == 400
        assert "Say why it should change" in answer.text
        assert 'value="07700 900733"' in answer.text


async def test_other_fields_and_forms_do_nothing(desk: DeskApp) -> None:
    add_referral(desk, record_of_maya(desk))
    mira = await desk.signed_in("mediator", "mira")
    for which in ("", "name", "queue", "<b>", "number\x00"):
        assert (await mira.post(CONTACT, which=which, value="1", why="so")).status_code == 400
    for decision in ("", "AGREE", "<b>"):
        answer = await mira.post(DECIDE, change="x", decision=decision)
        assert answer.status_code == 400
    assert (await mira.post(DECIDE, change="x" * 500, decision="agree")).status_code == 409
    assert (await mira.post(DECIDE, decision="refuse")).status_code == 409
    assert (await mira.post_raw(CONTACT, NEW)).status_code == 403
    assert (await mira.get(f"{CONTACT}?which=<script>&done=<b>")).status_code == 200
    assert (await mira.get("/desk/r/XXXX-XXXX/contact")).status_code == 404
    huge = await mira.post(CONTACT, which="number", value="x" * 1_000_000, why="so")
    assert huge.status_code == 413


def test_a_change_reads_as_in_the_conversation() -> None:
    assert contact.parse_contact_change("number", "07700 900733") == Parsed(
        "+447700900733", "07700 900733"
    )
    assert contact.parse_contact_change("way", "email") == Parsed("email", "Email me")
    assert isinstance(contact.parse_contact_change("number", "12"), Invalid)
    assert isinstance(contact.parse_contact_change("email", "maya"), Invalid)
    with pytest.raises(KeyError):
        contact.parse_contact_change("name", "Maya")


def test_contact_follows_from_the_answers_but_a_stop_stands(desk: DeskApp) -> None:
    before = replace(record_of_maya(desk), may_contact=True)
    add_referral(desk, before)
    change(desk, ProposedContactChange("way", "i_will_call", "I will ring you", "she said"))
    assert not stored_record(desk)[1]
    change(desk, ProposedContactChange("way", "text", "Text me", "she said"))
    assert stored_record(desk)[1]
    with desk.database.unit(desk.clock()) as unit:
        lifecycle.stop_contact(unit, REF, Act.ASK_TO_DELETE)
        acts.perform_act(unit, REF, "still_wanted", "mira")
        lifecycle.stop_contact(unit, REF, Act.WITHDRAW)
        acts.perform_act(unit, REF, "close", "mira")
        acts.perform_act(unit, REF, "reopen", "mira")
        assert acts.claim(unit, REF, "mira")
    change(desk, ProposedContactChange("number", "+447700900733", "07700 900733", "she said"))
    record, may_contact = stored_record(desk)
    assert record.may_contact
    assert not may_contact


def change(desk: DeskApp, wanted: ProposedContactChange) -> str:
    """Have Mira ask and Omar agree; return the change's id."""
    desk.clock.advance(minutes=1)
    with desk.database.unit(desk.clock()) as unit:
        id = contact_changes.request_change(unit, REF, wanted, "mira")
        contact_changes.decide_change(unit, REF, id, True, "omar")
    return id


def test_duplicates_follow_the_new_number(desk: DeskApp) -> None:
    add_referral(desk, record_of_maya(desk))
    add_referral(desk, record_of_maya(desk, "ACDE-3468"))
    with desk.database.reading() as unit:
        assert [one.reference for one in possible_duplicates(unit, known_id(desk))] == ["ACDE-3468"]
    change(desk, ProposedContactChange("number", "+447700900733", "07700 900733", "she said"))
    with desk.database.reading() as unit:
        assert possible_duplicates(unit, known_id(desk)) == ()


def test_the_body_is_sealed_kept_thirty_days_and_gone_with_the_referral(desk: DeskApp) -> None:
    add_referral(desk, record_of_maya(desk))
    id = change(
        desk, ProposedContactChange("number", "+447700900733", "07700 900733", "a reason of hers")
    )
    sealed = sealed_body(desk, id)
    assert sealed is not None
    assert b"7700900733" not in sealed
    opened = desk.vault.unseal(sealed, f"contact_change/{id}/body")
    assert "+447700900417" in opened
    for days, is_kept in ((29, True), (31, False)):
        with desk.database.unit(desk.clock() + timedelta(days=days)) as unit:
            sweep(unit)
        assert (sealed_body(desk, id) is not None) == is_kept
    with desk.database.unit(desk.clock()) as unit:
        wanted = ProposedContactChange("email", "maya@example.com", "maya@example.com", "she said")
        waits = contact_changes.request_change(unit, REF, wanted, "mira")
        lifecycle.stop_contact(unit, REF, Act.WITHDRAW)
        acts.erase(unit, REF, "mira")
    assert sealed_body(desk, waits) is None
    with desk.database.reading() as unit:
        assert contact_changes.pending_change(unit, known_id(desk)) is None
        assert contact_changes.current_contact_answers(unit, known_id(desk)) is None
    with pytest.raises(ChangeAlreadyDecided), desk.database.unit(desk.clock()) as unit:
        contact_changes.decide_change(unit, REF, waits, True, "omar")


def sealed_body(desk: DeskApp, id: str) -> bytes | None:
    """Return what is kept of a change."""
    with desk.database.unit() as unit:
        query = select(CONTACT_CHANGE.c.body).where(CONTACT_CHANGE.c.id == id)
        body: bytes | None = unit.conn.execute(query).scalar_one()
        return body


def test_the_whole_old_answer_is_kept_in_the_change(desk: DeskApp) -> None:
    add_referral(desk, record_of_maya(desk))
    with desk.database.unit(desk.clock()) as unit:
        wanted = ProposedContactChange("number", "+447700900733", "07700 900733", "she said")
        contact_changes.request_change(unit, REF, wanted, "mira")
    with desk.database.reading() as unit:
        waits = contact_changes.pending_change(unit, known_id(desk))
    assert waits is not None
    assert dumps(waits.proposed.was) == dumps(contact.current_line(record_of_maya(desk), "number"))
