"""Mira writes to people through the bot, from the desk to their chat on the loopback Telegram."""

from collections.abc import AsyncIterator

import pytest

from bot.proofreading.replies import reply_problems
from flows.casework import Act
from flows.outbound import reply_templates
from flows.outbound.guard import Variant
from flows.outbound.reply_templates import ReplyChoice
from flows.wording import say
from storage.chats.outbox import OutboxStage
from storage.referrals import acts, lifecycle
from tests.harness.clock import START
from tests.harness.desk_fixtures import DeskApp, DeskBrowser, open_desk
from tests.harness.telegram_app import (
    STAFF_CHAT_ID,
    TelegramApp,
    follow_path,
    press_buttons,
    type_texts,
)
from tests.support.chat_replies import (
    SEND,
    SKIP_LABEL,
    claim_referral,
    request_chat_contact,
    send_reply,
)
from tests.support.happy_path import happy_path, option_label, steps_before
from tests.support.page_parser import parse_page
from tests.telegram_server import TelegramUser

BACK = say("en", "commands.handoff.back")
COMPUTER = say("en", "replies.buttons.computer")
STATUS_START = say("en", "scenes.sent.now", due="x").split(".")[0]


@pytest.fixture
async def desk(rig: TelegramApp) -> AsyncIterator[DeskApp]:
    """Give the desk of the same bot."""
    async with open_desk(rig.running, rig.server.clock) as made:
        yield made


@pytest.fixture
def maya(rig: TelegramApp) -> TelegramUser:
    """Return somebody who has a telephone."""
    return rig.server.person("Maya")


async def mira_writes_with(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> tuple[DeskBrowser, str]:
    """Have Maya ask for chat contact and Mira claim it; return Mira's browser, the reference."""
    reference = await request_chat_contact(rig, maya)
    claim_referral(rig, reference, "mira")
    return await desk.signed_in("mediator", "mira"), reference


def bot_said(rig: TelegramApp, person: TelegramUser) -> list[str]:
    """Return all that the bot ever said to somebody, in order, cleared or not."""
    return [one.text for one in rig.server.sent if one.chat_id == person.chat_id and one.text]


def alerts(rig: TelegramApp) -> list[str]:
    """Return the alerts that staff had, in order."""
    return [one.text for one in rig.server.sent if one.chat_id == STAFF_CHAT_ID]


def notes_of(rig: TelegramApp, reference: str, act: str = "wrote") -> list[str]:
    """Return what a person wrote while they were held, as it stands on the timeline."""
    with rig.running.runtime.database.reading() as unit:
        steps = lifecycle.list_steps(unit, reference)
    return [step.note for step in steps if step.act == act]


async def give_back(mira: DeskBrowser, reference: str) -> None:
    """Press the button that gives the conversation back to the bot."""
    path = f"/desk/r/{reference}/reply"
    assert (await mira.submit_form(path, f"{path}/back")).status_code == 303


# --- the story


async def test_a_talk_with_mira_and_back_to_the_computer(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    page = (await mira.get(f"/desk/r/{reference}/reply")).text
    assert "This is Mira. When is a good time to call you?" in page
    assert "RJ Kent. When" not in page

    seen = await send_reply(mira, reference, "when", first_name="Mira")
    await rig.settle()
    assert maya.last_from_bot.text == seen == "This is Mira. When is a good time to call you?"
    assert maya.last_from_bot.silent

    before = bot_said(rig, maya)
    await press_buttons(rig, maya, "Afternoon")
    await type_texts(rig, maya, "After four, I am at work before", "thank you")
    assert bot_said(rig, maya) == before, "the bot says nothing while Mira holds the talk"
    assert maya.spinning == []

    page = (await mira.get(f"/desk/r/{reference}/reply")).text
    for words in ("Afternoon", "After four, I am at work before", "thank you"):
        assert words in page
    written = say("en", "desk.alerts.wrote", reference=reference)
    assert alerts(rig).count(written) == 1, "once, until somebody has looked"

    await give_back(mira, reference)
    await rig.settle()
    assert maya.last_from_bot.text == BACK
    assert maya.last_from_bot.silent
    await press_buttons(rig, maya, say("en", "commands.handoff.show"))
    assert maya.last_from_bot.text.startswith(STATUS_START)
    assert rig.conversation_of(maya).stage == "sent"


async def test_who_allows_the_name_gets_the_name(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    await follow_path(rig, maya, steps_before("way"))
    await press_buttons(
        rig, maya, option_label("way", "here"), option_label("if_seen", "say_service")
    )
    await press_buttons(
        rig, maya, option_label("extra", "yes"), option_label("best_time", "morning")
    )
    await press_buttons(rig, maya, option_label("must_not_know", "no"))
    while SEND not in maya.last_from_bot.labels:
        await press_buttons(rig, maya, SKIP_LABEL)
    await press_buttons(rig, maya, SEND)
    receipt = rig.conversation_of(maya).receipt
    assert receipt
    claim_referral(rig, receipt.reference, "mira")
    mira = await desk.signed_in("mediator", "mira")
    await send_reply(mira, receipt.reference, "thanks")
    await rig.settle()
    assert maya.last_from_bot.text.startswith("This is RJ Kent. Thank you.")
    await give_back(mira, receipt.reference)
    await rig.settle()
    assert maya.last_from_bot.text.startswith(STATUS_START), "shown again, as it may be named"


# --- what the desk says where nothing can be sent


async def test_somebody_who_asked_for_a_call_is_not_written_to(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    await follow_path(rig, maya, happy_path())
    receipt = rig.conversation_of(maya).receipt
    assert receipt
    claim_referral(rig, receipt.reference, "mira")
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


async def test_only_its_owner_may_write(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
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
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser, name: str
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    path = f"/desk/r/{reference}/reply"
    seen = await mira.post(path, which="worker", do="see", first_name=name)
    assert seen.status_code == 422
    assert say("en", "desk.reply.first_name_missing") in seen.text
    (form,) = (one for one in parse_page(seen.text).forms if "which" in one.choices)
    assert form.fields["which"] == "worker", "what was chosen stays"
    assert "<b>Mira" not in seen.text


async def test_a_day_is_chosen_and_never_typed(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    path = f"/desk/r/{reference}/reply"
    for day, part in (("2026-03-01", "morning"), ("soon", "morning"), ("2026-03-03", "at 3")):
        seen = await mira.post(path, which="tried", do="see", day=day, part=part, first_name="Mira")
        assert seen.status_code == 422
    text = await send_reply(
        mira, reference, "tried", day="2026-03-03", part="morning", first_name="Mira"
    )
    assert text.endswith("I will try again on Tuesday 3 March, in the morning.")


async def test_send_pressed_twice_sends_once(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    path = f"/desk/r/{reference}/reply"
    fields = {"which": "thanks", "do": "send", "variant": "first_name", "first_name": "Mira"}
    for _ in range(2):
        assert (await mira.post(path, once="0" * 32, **fields)).status_code == 303
    await rig.settle()
    assert sum("nothing more" in text for text in bot_said(rig, maya)) == 1
    assert len(notes_of(rig, reference, "replied")) == 1


# --- when it goes, and what may happen before


async def test_at_night_it_waits_for_the_morning_and_the_handoff_begins_then(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    rig.server.clock.advance(seconds=9 * 3600)
    mira = await desk.signed_in("mediator", "mira")
    await send_reply(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    assert "nothing more" not in maya.last_from_bot.text
    await type_texts(rig, maya, "status")
    assert maya.last_from_bot.text.startswith(STATUS_START), "nobody holds it yet"
    rig.server.clock.advance(seconds=15 * 3600)
    await rig.settle()
    assert "nothing more" in maya.last_from_bot.text
    before = bot_said(rig, maya)
    await type_texts(rig, maya, "ok then")
    assert bot_said(rig, maya) == before
    assert notes_of(rig, reference) == ["ok then"]


@pytest.mark.parametrize("how", ["withdraws", "handed on", "deletes"])
async def test_between_put_and_sent_the_guard_is_asked_again(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser, how: str
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await send_reply(mira, reference, "thanks", first_name="Mira")
    with rig.running.runtime.database.unit(rig.now()) as unit:
        if how == "handed on":
            acts.perform_act(unit, reference, "transfer", "mira", transfer_to="omar")
        else:
            act = Act.WITHDRAW if how == "withdraws" else Act.ASK_TO_DELETE
            lifecycle.stop_contact(unit, reference, act)
    before = bot_said(rig, maya)
    await rig.settle()
    await rig.sweep()
    await rig.settle()
    assert not any("nothing more" in text for text in bot_said(rig, maya)[len(before) :])
    assert rig.outbox_count(OutboxStage.WITHHELD) >= 1
    (note,) = notes_of(rig, reference, "not_sent")
    assert note.endswith(".")


async def test_a_closed_chat_is_said_and_nothing_is_lost_in_silence(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await send_reply(mira, reference, "thanks", first_name="Mira")
    maya.blocks_the_bot()
    await rig.settle()
    assert notes_of(rig, reference, "not_sent") == [say("en", "desk.no_reply.chat_closed")]
    page = (await mira.get(f"/desk/r/{reference}/reply")).text
    assert say("en", "desk.no_reply.chat_closed") in page


# --- how a hold ends


@pytest.mark.parametrize("word", ["computer", "bot", "Talk to the computer"])
async def test_the_computer_comes_when_it_is_called(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser, word: str
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await send_reply(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    await (press_buttons(rig, maya, word) if word == COMPUTER else type_texts(rig, maya, word))
    assert BACK in bot_said(rig, maya)
    assert maya.last_from_bot.text.startswith(STATUS_START)
    await type_texts(rig, maya, "what now")
    assert notes_of(rig, reference) == []


async def test_danger_ends_a_handoff_and_staff_see_the_words_first(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await send_reply(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    await type_texts(rig, maya, "he is hitting me right now, please help")
    assert any("999" in text for text in bot_said(rig, maya)[-3:])
    assert notes_of(rig, reference) == ["he is hitting me right now, please help"]
    assert say("en", "desk.alerts.flag", reference=reference) in alerts(rig)
    with rig.running.runtime.database.reading(rig.now()) as unit:
        (entry,) = lifecycle.list_queue(unit)
        assert any(flag.startswith("danger_") for flag in entry.flags)


async def test_the_numbers_are_said_even_when_mira_writes_at_the_same_moment(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    maya.says("he is hitting me right now, please help")
    await rig.receive()
    await rig.respond()
    await send_reply(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    assert any("999" in text for text in bot_said(rig, maya)[-4:])


@pytest.mark.parametrize("word", ["stop", "/leave", "delete", "withdraw"])
async def test_leaving_deleting_and_stopping_are_never_kept_waiting(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser, word: str
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await send_reply(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    before = len(bot_said(rig, maya))
    await type_texts(rig, maya, word)
    assert len(bot_said(rig, maya)) > before
    assert notes_of(rig, reference) == []


async def test_it_runs_out_and_the_bot_returns_once(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await send_reply(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    rig.server.clock.advance(seconds=20 * 60)
    await type_texts(rig, maya, "one more thing")
    rig.server.clock.advance(seconds=20 * 60)
    await rig.sweep()
    await rig.settle()
    assert BACK not in bot_said(rig, maya), "her own message has kept it open"
    rig.server.clock.advance(seconds=11 * 60)
    for _ in range(3):
        await rig.sweep()
        await rig.settle()
    assert bot_said(rig, maya).count(BACK) == 1


async def test_who_has_come_first_is_not_told_again_in_the_morning(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    rig.server.clock.advance(seconds=7.2 * 3600)
    mira = await desk.signed_in("mediator", "mira")
    await send_reply(mira, reference, "thanks", first_name="Mira")
    await rig.settle()
    rig.server.clock.advance(seconds=3600)
    await rig.sweep()
    await rig.settle()
    assert BACK not in bot_said(rig, maya), "not in the evening"
    rig.server.clock.advance(seconds=60)
    await type_texts(rig, maya, "status")
    rig.server.clock.advance(seconds=16 * 3600)
    await rig.settle()
    assert BACK not in bot_said(rig, maya)


async def test_an_answer_given_after_the_handoff_still_reaches_mira(
    rig: TelegramApp, desk: DeskApp, maya: TelegramUser
) -> None:
    mira, reference = await mira_writes_with(rig, desk, maya)
    await send_reply(mira, reference, "when", first_name="Mira")
    await rig.settle()
    rig.server.clock.advance(seconds=3 * 3600)
    await rig.sweep()
    await rig.settle()
    await press_buttons(rig, maya, "Afternoon")
    assert maya.last_from_bot.text == say("en", "commands.handoff.passed_on")
    assert notes_of(rig, reference) == ["Afternoon"]


# --- the words


def test_every_wording_stands_in_three_variants_that_say_no_more_than_they_may() -> None:
    assert list(reply_problems("en")) == []
    assert len(reply_templates.reply_templates()) == 8
    for one in reply_templates.reply_templates():
        for variant in Variant:
            chosen = ReplyChoice(one, START.date(), "morning", "Mira")
            text = reply_templates.render_reply(chosen, variant, "en").text
            assert ("RJ Kent" in text) == (variant == Variant.SAY_SERVICE)
            assert "{" not in text
        assert "Mira" not in reply_templates.render_reply(chosen, Variant.NO_SERVICE, "en").text


def test_the_proofreader_sees_a_wording_that_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "no_service": "The police said that {service} may call {first_name}.",
        "first_name": "We called you.",
        "say_service": "We called you.",
    }

    def raw(language: str, key: str) -> str:
        return told[key.rsplit(".", maxsplit=1)[-1]]

    monkeypatch.setattr("bot.proofreading.replies.say_raw", raw)
    lines = " ".join(reply_problems("en"))
    for seen in ("blank service", "blank first_name", "tells too much", "does not say who writes"):
        assert seen in lines
    assert "does not give the first name" in lines
