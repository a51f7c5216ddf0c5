"""Mira writes to people through the bot, from the desk to their chat on the loopback Telegram."""

from collections.abc import AsyncIterator

import pytest

from bot.proofreading.replies import wrong_replies
from flows.outbound import reply_templates
from flows.outbound.guard import VARIANTS
from flows.outbound.reply_templates import Chosen
from flows.wording import say
from storage.referrals import lifecycle
from tests.harness.desk_fixtures import AtTheDesk, Browser
from tests.harness.telegram_app import STAFF, START, Rig, goes, presses, says
from tests.support.chat_replies import SEND, SKIP, asks_for_chat, at_the_desk, claims, sends
from tests.support.happy_path import option, until, way
from tests.telegram_server import Person

pytest_plugins = ("tests.harness.telegram_fixtures",)

BACK = say("en", "anytime.held.back")
COMPUTER = say("en", "replies.buttons.computer")
NOW_STANDS = say("en", "scenes.sent.now", due="x").split(".")[0]


@pytest.fixture
async def desk(rig: Rig) -> AsyncIterator[AtTheDesk]:
    """Give the desk of the same bot."""
    async with at_the_desk(rig) as made:
        yield made


@pytest.fixture
def maya(rig: Rig) -> Person:
    """Return somebody who has a telephone."""
    return rig.server.person("Maya")


async def mira_writes_with(rig: Rig, desk: AtTheDesk, maya: Person) -> tuple[Browser, str]:
    """Have Maya ask for chat contact and Mira claim it; return Mira's browser, the reference."""
    reference = await asks_for_chat(rig, maya)
    claims(rig, reference, "mira")
    return await desk.signed_in("mediator", "mira"), reference


def bot_said(rig: Rig, person: Person) -> list[str]:
    """Return all that the bot ever said to somebody, in order, cleared or not."""
    return [one.text for one in rig.server.sent if one.chat_id == person.chat_id and one.text]


def alerts(rig: Rig) -> list[str]:
    """Return the alerts that staff had, in order."""
    return [one.text for one in rig.server.sent if one.chat_id == STAFF]


def wrote(rig: Rig, reference: str, act: str = "wrote") -> list[str]:
    """Return what a person wrote while they were held, as it stands on the timeline."""
    with rig.running.database.session() as session:
        steps = lifecycle.history(session, rig.running.vault, reference)
    return [step.note for step in steps if step.act == act]


async def gives_back(mira: Browser, reference: str) -> None:
    """Press the button that gives the conversation back to the bot."""
    path = f"/desk/r/{reference}/reply"
    assert (await mira.presses(path, f"{path}/back")).status_code == 303


# --- the story


async def test_a_talk_with_mira_and_back_to_the_computer(
    rig: Rig, desk: AtTheDesk, maya: Person
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    page = (await mira.get(f"/desk/r/{reference}/reply")).text
    assert "This is Mira. When is a good time to call you?" in page
    assert "RJ Kent. When" not in page

    seen = await sends(mira, reference, "when", first_name="Mira")
    await rig.settle()
    assert maya.last_from_bot.text == seen == "This is Mira. When is a good time to call you?"
    assert maya.last_from_bot.silent

    before = bot_said(rig, maya)
    await presses(rig, maya, "Afternoon")
    await says(rig, maya, "After four, I am at work before", "thank you")
    assert bot_said(rig, maya) == before, "the bot says nothing while Mira holds the talk"
    assert maya.spinning == []

    page = (await mira.get(f"/desk/r/{reference}/reply")).text
    for words in ("Afternoon", "After four, I am at work before", "thank you"):
        assert words in page
    written = say("en", "desk.alerts.wrote", reference=reference)
    assert alerts(rig).count(written) == 1, "once, until somebody has looked"

    await gives_back(mira, reference)
    await rig.settle()
    assert maya.last_from_bot.text == BACK
    assert maya.last_from_bot.silent
    await presses(rig, maya, say("en", "anytime.held.show"))
    assert maya.last_from_bot.text.startswith(NOW_STANDS)
    assert rig.stands(maya).stage == "sent"


async def test_who_allows_the_name_gets_the_name(rig: Rig, desk: AtTheDesk, maya: Person) -> None:
    await goes(rig, maya, until("way"))
    await presses(rig, maya, option("way", "here"), option("if_seen", "say_service"))
    await presses(rig, maya, option("extra", "yes"), option("best_time", "morning"))
    await presses(rig, maya, option("must_not_know", "no"))
    while SEND not in maya.last_from_bot.labels:
        await presses(rig, maya, SKIP)
    await presses(rig, maya, SEND)
    receipt = rig.stands(maya).receipt
    assert receipt
    claims(rig, receipt.reference, "mira")
    mira = await desk.signed_in("mediator", "mira")
    await sends(mira, receipt.reference, "thanks")
    await rig.settle()
    assert maya.last_from_bot.text.startswith("This is RJ Kent. Thank you.")
    await gives_back(mira, receipt.reference)
    await rig.settle()
    assert maya.last_from_bot.text.startswith(NOW_STANDS), "shown again, as it may be named"


# --- what the desk says where nothing can be sent


async def test_somebody_who_asked_for_a_call_is_not_written_to(
    rig: Rig, desk: AtTheDesk, maya: Person
) -> None:
    await goes(rig, maya, way())
    receipt = rig.stands(maya).receipt
    assert receipt
    claims(rig, receipt.reference, "mira")
    mira = await desk.signed_in("mediator", "mira")
    path = f"/desk/r/{receipt.reference}/reply"
    page = (await mira.get(path)).text
    assert say("en", "desk.no_reply.wants_call") in page
    assert 'name="which"' not in page
    forced = await mira.post(path, which="thanks", do="send", variant="no_service", once="a" * 32)
    assert forced.status_code == 409
    before = bot_said(rig, maya)
    await rig.settle()
    assert bot_said(rig, maya) == before


async def test_only_its_owner_may_write(rig: Rig, desk: AtTheDesk, maya: Person) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    omar = await desk.signed_in("mediator", "omar")
    assert (await omar.get(f"/desk/r/{reference}/reply")).status_code == 403
    sent = await omar.post(f"/desk/r/{reference}/reply", which="thanks", do="send")
    assert sent.status_code == 403
    assert (await mira.get(f"/desk/r/{reference}/reply")).status_code == 200


@pytest.mark.parametrize(
    "name", ["", "Mira2", "Mira Kent", "<b>Mira</b>", "M" * 31, "police", "=1+1", "Mi\u202era"]
)
async def test_a_first_name_is_letters_only(
    rig: Rig, desk: AtTheDesk, maya: Person, name: str
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    path = f"/desk/r/{reference}/reply"
    seen = await mira.post(path, which="worker", do="see", first_name=name)
    assert seen.status_code == 422
    assert say("en", "desk.reply.first_name_missing") in seen.text
    assert "checked" in seen.text, "what was chosen stays"
    assert "<b>Mira" not in seen.text


async def test_a_day_is_chosen_and_never_typed(rig: Rig, desk: AtTheDesk, maya: Person) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    path = f"/desk/r/{reference}/reply"
    for day, part in (("2026-03-01", "morning"), ("soon", "morning"), ("2026-03-03", "at 3")):
        seen = await mira.post(path, which="tried", do="see", day=day, part=part, first_name="Mira")
        assert seen.status_code == 422
    text = await sends(
        mira, reference, "tried", day="2026-03-03", part="morning", first_name="Mira"
    )
    assert text.endswith("I will try again on Tuesday 3 March, in the morning.")


async def test_send_pressed_twice_sends_once(rig: Rig, desk: AtTheDesk, maya: Person) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    path = f"/desk/r/{reference}/reply"
    fields = {"which": "thanks", "do": "send", "variant": "first_name", "first_name": "Mira"}
    for _ in range(2):
        assert (await mira.post(path, once="0" * 32, **fields)).status_code == 303
    await rig.settle()
    assert sum("nothing more" in text for text in bot_said(rig, maya)) == 1
    assert len(wrote(rig, reference, "replied")) == 1


# --- when it goes, and what may happen before


async def test_at_night_it_waits_for_the_morning_and_the_hold_begins_then(
    rig: Rig, desk: AtTheDesk, maya: Person
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    rig.server.clock.advance(9 * 3600)
    mira = await desk.signed_in("mediator", "mira")
    await sends(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    assert "nothing more" not in maya.last_from_bot.text
    await says(rig, maya, "status")
    assert maya.last_from_bot.text.startswith(NOW_STANDS), "nobody holds it yet"
    rig.server.clock.advance(15 * 3600)
    await rig.settle()
    assert "nothing more" in maya.last_from_bot.text
    before = bot_said(rig, maya)
    await says(rig, maya, "ok then")
    assert bot_said(rig, maya) == before
    assert wrote(rig, reference) == ["ok then"]


@pytest.mark.parametrize("how", ["withdraws", "handed on", "deletes"])
async def test_between_put_and_sent_the_guard_is_asked_again(
    rig: Rig, desk: AtTheDesk, maya: Person, how: str
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await sends(mira, reference, "thanks", first_name="Mira")
    with rig.running.database.transaction() as conn:
        if how == "handed on":
            lifecycle.take_step(
                conn, rig.running.vault, reference, "transfer", "mira", rig.now(), to="omar"
            )
        else:
            act = "withdraw" if how == "withdraws" else "ask_to_delete"
            lifecycle.stop_contact(conn, reference, act, rig.now())
    before = bot_said(rig, maya)
    await rig.settle()
    await rig.sweep()
    await rig.settle()
    assert not any("nothing more" in text for text in bot_said(rig, maya)[len(before) :])
    assert rig.outbox("withheld") >= 1
    (note,) = wrote(rig, reference, "not_sent")
    assert note.endswith(".")


async def test_a_closed_chat_is_said_and_nothing_is_lost_in_silence(
    rig: Rig, desk: AtTheDesk, maya: Person
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await sends(mira, reference, "thanks", first_name="Mira")
    maya.blocks_the_bot()
    await rig.settle()
    assert wrote(rig, reference, "not_sent") == [say("en", "desk.no_reply.chat_closed")]
    page = (await mira.get(f"/desk/r/{reference}/reply")).text
    assert say("en", "desk.no_reply.chat_closed") in page


# --- how a hold ends


@pytest.mark.parametrize("word", ["computer", "bot", "Talk to the computer"])
async def test_the_computer_comes_when_it_is_called(
    rig: Rig, desk: AtTheDesk, maya: Person, word: str
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await sends(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    await (presses(rig, maya, word) if word == COMPUTER else says(rig, maya, word))
    assert BACK in bot_said(rig, maya)
    assert maya.last_from_bot.text.startswith(NOW_STANDS)
    await says(rig, maya, "what now")
    assert wrote(rig, reference) == []


async def test_danger_ends_a_hold_and_staff_see_the_words_first(
    rig: Rig, desk: AtTheDesk, maya: Person
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await sends(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    await says(rig, maya, "he is hitting me right now, please help")
    assert any("999" in text for text in bot_said(rig, maya)[-3:])
    assert wrote(rig, reference) == ["he is hitting me right now, please help"]
    assert say("en", "desk.alerts.flag", reference=reference) in alerts(rig)
    with rig.running.database.session() as session:
        (entry,) = lifecycle.queue(session, rig.running.vault, rig.now())
        assert any(flag.startswith("danger_") for flag in entry.flags)


async def test_the_numbers_are_said_even_when_mira_writes_at_the_same_moment(
    rig: Rig, desk: AtTheDesk, maya: Person
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    maya.says("he is hitting me right now, please help")
    await rig.receive()
    await rig.answer()
    await sends(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    assert any("999" in text for text in bot_said(rig, maya)[-4:])


@pytest.mark.parametrize("word", ["stop", "/leave", "delete", "withdraw"])
async def test_leaving_deleting_and_stopping_are_never_kept_waiting(
    rig: Rig, desk: AtTheDesk, maya: Person, word: str
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await sends(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    before = len(bot_said(rig, maya))
    await says(rig, maya, word)
    assert len(bot_said(rig, maya)) > before
    assert wrote(rig, reference) == []


async def test_it_runs_out_and_the_bot_returns_once(
    rig: Rig, desk: AtTheDesk, maya: Person
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await sends(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    rig.server.clock.advance(20 * 60)
    await says(rig, maya, "one more thing")
    rig.server.clock.advance(20 * 60)
    await rig.sweep()
    await rig.settle()
    assert BACK not in bot_said(rig, maya), "her own message has kept it open"
    rig.server.clock.advance(11 * 60)
    for _ in range(3):
        await rig.sweep()
        await rig.settle()
    assert bot_said(rig, maya).count(BACK) == 1


async def test_who_has_come_first_is_not_told_again_in_the_morning(
    rig: Rig, desk: AtTheDesk, maya: Person
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    rig.server.clock.advance(7.2 * 3600)
    mira = await desk.signed_in("mediator", "mira")
    await sends(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    rig.server.clock.advance(3600)
    await rig.sweep()
    await rig.settle()
    assert BACK not in bot_said(rig, maya), "not in the evening"
    rig.server.clock.advance(60)
    await says(rig, maya, "status")
    rig.server.clock.advance(16 * 3600)
    await rig.settle()
    assert BACK not in bot_said(rig, maya)


async def test_an_answer_given_after_the_hold_still_reaches_mira(
    rig: Rig, desk: AtTheDesk, maya: Person
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await sends(mira, reference, "when", first_name="Mira")
    await rig.settle()
    rig.server.clock.advance(3 * 3600)
    await rig.sweep()
    await rig.settle()
    await presses(rig, maya, "Afternoon")
    assert maya.last_from_bot.text == say("en", "anytime.held.passed_on")
    assert wrote(rig, reference) == ["Afternoon"]


# --- the words


def test_every_wording_stands_in_three_variants_that_say_no_more_than_they_may() -> None:
    assert list(wrong_replies("en")) == []
    assert len(reply_templates.wordings()) == 8
    for one in reply_templates.wordings():
        for variant in VARIANTS:
            chosen = Chosen(one, START.date(), "morning", "Mira")
            text = reply_templates.message(chosen, variant, "en").text
            assert ("RJ Kent" in text) == (variant == "say_service")
            assert "{" not in text
        assert "Mira" not in reply_templates.message(chosen, "no_service", "en").text


def test_the_proofreader_sees_a_wording_that_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "no_service": "The police said that {service} may call {first_name}.",
        "first_name": "We called you.",
        "say_service": "We called you.",
    }

    def raw(language: str, key: str) -> str:
        return told[key.rsplit(".", maxsplit=1)[-1]]

    monkeypatch.setattr("bot.proofreading.replies.say_raw", raw)
    lines = " ".join(wrong_replies("en"))
    for seen in ("blank service", "blank first_name", "tells too much", "does not say who writes"):
        assert seen in lines
    assert "does not give the first name" in lines
