"""Telegram, met over HTTP: what comes, what goes, and all that can go wrong on the way."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from bot.channels.telegram.checkup import check_telegram
from bot.pipeline import officer_access
from bot.pipeline.officer_access import RevocationReason
from flows.officers import Officer
from flows.wording import say
from storage.chats import officer_registry, officers
from storage.chats.inbox import InboxStage
from storage.chats.outbox import OutboxStage
from storage.database import Database
from tests.harness.telegram_app import (
    TelegramApp,
    follow_path,
    open_telegram_app,
    press_buttons,
    type_texts,
)
from tests.support.happy_path import (
    NAME,
    NUMBER,
    NUMBER_STORED,
    expected_answers,
    happy_path,
    option_label,
    question_first_line,
    steps_before,
)
from tests.telegram_server import TelegramServer, TelegramUser
from tests.telegram_server.users import Kind

HOUR = 3600
SECRET_WORDS = "quietmarigold"
WHOLE: dict[str, Any] = {
    "message_id": 1,
    "date": 1_760_000_000,
    "chat": {"id": 4001, "type": "private"},
    "from": {"id": 4001, "is_bot": False, "first_name": SECRET_WORDS},
    "text": SECRET_WORDS,
}
POISON: tuple[dict[str, Any], ...] = (
    {"message": {**WHOLE, "chat": None}},
    {"message": {**WHOLE, "message_id": "the first"}},
    {"message": {"text": SECRET_WORDS}},
    {"callback_query": {"from": SECRET_WORDS}},
    {"my_chat_member": {"chat": WHOLE["chat"], "note": SECRET_WORDS}},
    {"edited_message": [SECRET_WORDS]},
)


def send_attempts(server: TelegramServer, person: TelegramUser) -> int:
    """Return how often the bot tried to send something new to a person."""
    calls = server.calls_of("sendMessage")
    return len([call for call in calls if call.parameters["chat_id"] == person.chat_id])


def first_line(key: str) -> str:
    return say("en", key).split("\n", maxsplit=1)[0]


# --- what comes


@pytest.mark.parametrize("position", range(30))
async def test_one_bad_update_anywhere_in_a_batch_is_set_aside_alone(
    rig: TelegramApp, server: TelegramServer, logged: Callable[[], str], position: int
) -> None:
    ines = server.person("Ines")
    for n in range(30):
        if n == position:
            server.raw_update(POISON[position % len(POISON)])
        else:
            ines.says(f"/help {n}")
    assert await rig.receive() == 30
    assert await rig.respond() == 29
    assert (
        rig.inbox_count(InboxStage.DONE),
        rig.inbox_count(InboxStage.SET_ASIDE),
        rig.inbox_count(InboxStage.WAITING),
    ) == (
        29,
        1,
        0,
    )
    assert await rig.receive() == 0
    assert server.pending == [], "all are confirmed"
    told = logged()
    assert "row_set_aside" in told
    assert SECRET_WORDS not in told


async def test_what_a_person_sends_at_once_is_answered_in_order(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina, tom = server.person("Amina"), server.person("Tom")
    for person in (amina, tom):
        for text in ("/start", say("en", "scenes.welcome.buttons.self"), "1", "1"):
            person.says(text)
    await rig.settle()
    for person in (amina, tom):
        questions = [m.text.split("\n")[0] for m in person.screen if m.from_bot]
        assert questions[2:] == [question_first_line(q) for q in ("wish", "harm")]
        assert [a.value for a in rig.conversation_of(person).answers] == [
            v for _, v in expected_answers(happy_path())
        ][:2]


async def test_many_messages_at_once_are_all_read_and_get_one_answer(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    for text in ("/start", say("en", "scenes.welcome.buttons.self"), "1", "1", "1", "2", "1"):
        amina.says(text)
    await rig.settle()
    shown = [m.text.split("\n")[0] for m in amina.screen if m.from_bot]
    assert shown == [say("en", "errors.chat.many"), question_first_line("name")]
    given = [answer.value for answer in rig.conversation_of(amina).answers]
    assert given == [value for _, value in expected_answers(happy_path())][:5]


async def test_an_album_gets_one_answer(rig: TelegramApp, server: TelegramServer) -> None:
    amina = server.person("Amina")
    await type_texts(rig, amina, "/start")
    for _ in range(10):
        amina.sends("photo")
    await rig.settle()
    shown = [m.text for m in amina.screen if m.from_bot][1:]
    assert shown[0] == say("en", "errors.chat.many")
    assert len(shown) == len(set(shown)) <= 3


async def test_a_flood_of_strangers_does_not_hold_up_who_is_in_a_talk(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await type_texts(rig, amina, "/start", say("en", "scenes.welcome.buttons.self"), "1")
    for n in range(300):
        server.person(f"P{n}").says("/start")
    amina.says("1")
    began = server.clock()
    while await rig.receive():
        pass
    while not amina.last.from_bot and (server.clock() - began).total_seconds() <= 2:
        await rig.deliver()
    assert amina.last.from_bot
    assert rig.outbox_count(OutboxStage.WAITING) > 200


async def test_the_number_to_ring_in_danger_waits_for_no_other_message(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await type_texts(rig, amina, "/start")
    for n in range(60):
        amina.says(f"/help {n}")
    amina.says("he is here now with a knife and will kill me")
    began = server.clock()
    await rig.receive()
    while (server.clock() - began).total_seconds() <= 2 and "999" not in amina.shown():
        await rig.deliver()
    assert "999" in amina.shown()
    await rig.settle()
    assert rig.outbox_count(OutboxStage.WAITING) == 0
    shown = [one.text for one in amina.screen if one.from_bot]
    assert "999" in shown[1], "after the first hello"
    assert len(shown) <= 3, "what was said of the sixty is not said any more"


@pytest.mark.parametrize(
    "payload", ["", "leaflet", "i_", "i_made-up", "i_" + "x" * 60, "%00", "a b"]
)
async def test_any_link_begins_with_the_hello(
    rig: TelegramApp, server: TelegramServer, payload: str
) -> None:
    amina = server.person("Amina")
    amina.opens_link(payload)
    await rig.settle()
    assert amina.last.text == say("en", "scenes.welcome.hello")


async def test_an_invitation_works_once_for_the_one_who_used_it(
    rig: TelegramApp, server: TelegramServer, database: Database
) -> None:
    sam, amina = server.person("Sam"), server.person("Amina")
    officer = Officer("PC Sam Reed", "Kent Police", "sam@kent.example", verified=True)
    with database.unit(rig.now()) as unit:
        code = officers.invite_officer(unit, officer)
    for person in (sam, amina, sam):
        person.opens_link(f"i_{code}")
        await rig.settle()
    assert say("en", "scenes.welcome.from_officer") in sam.shown()
    assert amina.last.text == say("en", "scenes.welcome.hello")
    assert rig.conversation_of(sam).officer == officer
    assert rig.conversation_of(amina).officer is None


async def test_a_revoked_officer_is_told_with_the_next_message(
    rig: TelegramApp, server: TelegramServer, database: Database
) -> None:
    sam = server.person("Sam")
    officer = Officer("PC Sam Reed", "Kent Police", "sam@kent.example", verified=True)
    with database.unit() as unit:
        code = officers.invite_officer(unit, officer)
    sam.opens_link(f"i_{code}")
    await rig.settle()
    sam.presses(say("en", "scenes.welcome.buttons.refer"))
    await rig.settle()
    sam.presses(say("en", "questions.agreed.options.me_today"))
    await rig.settle()
    draft = rig.conversation_of(sam).answers
    before = len(sam.shown())
    assert [scope for scope, _ in server.account().commands if str(sam.chat_id) in scope]
    with database.unit() as unit:
        key = officer_registry.officer_key(unit, officer)
        officer_access.revoke(unit, key, RevocationReason.DEVICE_LOST, "ada")
    await rig.settle()
    assert len(sam.shown()) == before, "nothing appears on a phone that nobody touches"
    assert [scope for scope, _ in server.account().commands if str(sam.chat_id) in scope] == []
    sam.says("woman")
    await rig.settle()
    assert sam.last.text.startswith(say("en", "scenes.revoked.text"))
    assert say("en", "scenes.revoked.draft") in sam.last.text
    assert rig.conversation_of(sam).answers == draft
    assert rig.conversation_of(sam).officer is None


@pytest.mark.parametrize("kind", get_args(Kind))
async def test_every_kind_of_thing_gets_a_kind_line_and_is_never_fetched(
    rig: TelegramApp, server: TelegramServer, kind: Kind
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("name"))
    amina.sends(kind)
    await rig.settle()
    own = kind if kind == "location" else "any"
    texts = [m.text for m in amina.screen if m.from_bot]
    assert texts[-2] == say("en", f"scenes.sent_things.{own}")
    assert texts[-1].startswith(question_first_line("name")), "and the question again"
    assert not server.calls_of("getFile")
    assert not server.calls_of("download")


async def test_sharing_the_own_number_answers_and_takes_the_keyboard_away(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina", phone="+447700900123")
    await follow_path(rig, amina, steps_before("number"))
    assert amina.keyboard[0] == [say("en", "questions.number.share")]
    amina.presses(say("en", "questions.number.share"))
    await rig.settle()
    assert amina.keyboard == []
    assert rig.conversation_of(amina).answers[-1].value == NUMBER_STORED
    assert amina.last.text.startswith(question_first_line("if_answered"))


async def test_a_typed_number_takes_the_keyboard_away_too(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("if_answered"))
    assert amina.keyboard == []
    assert rig.conversation_of(amina).answers[-1].value == NUMBER_STORED


@pytest.mark.parametrize("known", [True, False])
async def test_somebody_elses_number_is_never_taken(
    rig: TelegramApp, server: TelegramServer, known: bool
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("number"))
    before = rig.conversation_of(amina).answers
    amina.sends_contact_of_somebody_else(known_to_telegram=known)
    await rig.settle()
    assert say("en", "scenes.sent_things.contact") in amina.shown()
    assert rig.conversation_of(amina).answers == before
    assert amina.keyboard, "the own number can still be shared"


async def test_an_edited_message_changes_the_answer_that_it_gave(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("name"))
    said = amina.says(NAME)
    await rig.settle()
    amina.edits(said, "Leyla")
    await rig.settle()
    named = [a.value for a in rig.conversation_of(amina).answers if a.question == "name"]
    assert named == [NAME, "Leyla"]
    assert amina.last.text.startswith(question_first_line("way"))


async def test_every_press_is_answered_whatever_it_carries(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("known"))
    first = next(m for m in amina.screen if m.from_bot)
    for data in ("nonsense", "answer:harm:theft~999999", "answer:zzz:1~5", "~", "go:self~1"):
        amina.presses_id(data)
        amina.presses_id(data, first)
    amina.chat.posts.pop(first.id)
    amina.presses_id("go:self~1", first)
    await rig.settle()
    assert amina.spinning == []
    assert [a.value for a in rig.conversation_of(amina).answers] == ["adult", "find_out", "theft"]
    assert rig.outbox_count(OutboxStage.GIVEN_UP) == 0


async def test_a_press_that_is_too_old_to_acknowledge_still_counts(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("wish"))
    amina.presses(option_label("wish", "take_part"))
    server.clock.advance(minutes=11)
    await rig.settle()
    assert rig.conversation_of(amina).answers[-1].value == "take_part"
    assert rig.outbox_count(OutboxStage.GIVEN_UP) == 0


# --- groups and channels


async def test_groups_are_left_and_told_nothing(rig: TelegramApp, server: TelegramServer) -> None:
    amina, group = server.person("Amina"), server.group("Village watch")
    group.adds_the_bot(amina)
    group.says(amina, "/start")
    await rig.settle()
    assert server.calls_of("leaveChat")[0].parameters == {"chat_id": group.chat_id}
    assert not group.chat.bot_is_member
    assert not [m for m in group.screen if m.from_bot]
    assert rig.outbox_count(OutboxStage.WAITING) == 0


async def test_a_channel_is_left_and_a_press_in_a_group_answers_nobody(
    rig: TelegramApp, server: TelegramServer
) -> None:
    group = server.group("Village watch")
    group.chat.bot_is_member = True
    chat = {"id": group.chat_id, "type": "channel", "title": "News"}
    member = {"user": server.account().as_user(), "status": "administrator", "can_be_edited": False}
    rights = ("can_manage_chat", "can_change_info", "can_post_messages", "can_edit_messages")
    more = ("can_delete_messages", "can_manage_video_chats", "can_restrict_members")
    last = ("can_promote_members", "can_invite_users", "is_anonymous", "can_post_stories")
    stories = ("can_edit_stories", "can_delete_stories")
    changed: dict[str, Any] = {
        "chat": chat,
        "from": WHOLE["from"],
        "date": 1_760_000_000,
        "old_chat_member": {"user": member["user"], "status": "left"},
        "new_chat_member": member | dict.fromkeys((*rights, *more, *last, *stories), True),
    }
    pressed = {
        "id": "5",
        "from": WHOLE["from"],
        "chat_instance": "1",
        "data": "go:self~1",
        "message": {**WHOLE, "chat": chat},
    }
    server.raw_update({"my_chat_member": changed})
    server.raw_update({"channel_post": {**WHOLE, "chat": chat}})
    server.raw_update({"callback_query": pressed})
    await rig.settle()
    assert server.calls_of("leaveChat")
    assert not server.calls_of("sendMessage")
    assert rig.inbox_count(InboxStage.DONE) == 3


async def test_the_staff_group_is_neither_left_nor_answered(
    rig: TelegramApp, server: TelegramServer
) -> None:
    chat = {"id": 77, "type": "supergroup", "title": "Duty desk"}
    server.raw_update({"message": {**WHOLE, "chat": chat, "text": "/start"}})
    await rig.settle()
    assert rig.inbox_count(InboxStage.DONE) == 1
    assert not server.calls_of("leaveChat")
    assert not server.calls_of("sendMessage")


async def test_alerts_follow_a_staff_group_that_becomes_a_supergroup(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    amina, group = server.person("Amina"), server.group("Duty desk")
    number = group.chat_id
    async with open_telegram_app(server, database, monkeypatch, staff_telegram_chat=number) as rig:
        group.adds_the_bot(amina)
        upgraded = group.becomes_supergroup(amina)
        await rig.settle()
        assert not server.calls_of("leaveChat"), "it is the staff chat still"
        await follow_path(rig, amina, happy_path())
        alerts = [message.text for message in upgraded.screen if message.from_bot]
        assert len(alerts) == 1
    findings = await check_telegram(rig.running.runtime.settings)
    assert findings[0] == []
    assert any(f"STAFF_TELEGRAM_CHAT={upgraded.chat_id}" in note for note in findings[1])


async def test_a_new_process_does_not_leave_what_the_staff_group_became(
    server: TelegramServer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    amina, group = server.person("Amina"), server.group("Duty desk")
    other = server.group("Village watch")
    group.adds_the_bot(amina)
    upgraded = group.becomes_supergroup(amina)
    async with open_telegram_app(
        server, database, monkeypatch, staff_telegram_chat=group.chat_id
    ) as rig:
        upgraded.says(amina, "/start")
        other.adds_the_bot(amina)
        await rig.settle()
        left = {call.parameters["chat_id"] for call in server.calls_of("leaveChat")}
        assert left == {other.chat_id}


# --- what goes, and what goes wrong


async def test_a_429_makes_only_that_chat_wait_as_long_as_told(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina, tom = server.person("Amina"), server.person("Tom")
    server.fail_next("sendMessage", 429, chat_id=amina.chat_id, retry_after=7)
    amina.says("/start")
    tom.says("/start")
    await rig.settle()
    assert (send_attempts(server, amina), send_attempts(server, tom)) == (1, 1)
    assert tom.last_from_bot
    server.clock.advance(seconds=6.5)
    await rig.settle()
    assert send_attempts(server, amina) == 1
    server.clock.advance(seconds=1)
    await rig.settle()
    assert send_attempts(server, amina) == 2
    assert amina.last_from_bot.text == say("en", "scenes.welcome.hello")


async def test_a_blocked_chat_is_closed_and_nothing_more_is_tried(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina, tom = server.person("Amina"), server.person("Tom")
    await follow_path(rig, amina, steps_before("wish"))
    amina.presses(option_label("wish", "find_out"))
    await rig.receive()
    await rig.respond()
    assert rig.outbox_count(OutboxStage.WAITING) > 1
    amina.chat.blocked = True
    await rig.settle()
    assert rig.outbox_count(OutboxStage.WAITING) == 0
    tried = len(server.calls)
    await type_texts(rig, tom, "/start")
    server.clock.advance(hours=1)
    await rig.settle()
    assert all(c.parameters.get("chat_id") != amina.chat_id for c in server.calls[tried:])
    assert tom.last_from_bot


async def test_who_blocks_and_comes_back_finds_everything_as_it_was(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("known"))
    amina.blocks_the_bot()
    await rig.settle()
    amina.unblocks_the_bot()
    await type_texts(rig, amina, "2")
    assert amina.last.text.startswith(question_first_line("their_age"))


async def test_who_writes_again_is_answered_even_without_an_unblock_update(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    server.fail_next("sendMessage", 403, description="Forbidden: bot was blocked by the user")
    await type_texts(rig, amina, "/start")
    await type_texts(rig, amina, "/start")
    assert amina.last_from_bot.text == say("en", "scenes.welcome.hello")


@pytest.mark.parametrize("error", [500, 502, 504, "drop_before"])
async def test_trouble_at_telegram_is_waited_out(
    rig: TelegramApp, server: TelegramServer, error: Any
) -> None:
    amina = server.person("Amina")
    server.fail_next("sendMessage", error, times=3)
    await type_texts(rig, amina, "/start")
    for _ in range(4):
        server.clock.advance(seconds=16)
        await rig.settle()
    hellos = [m for m in amina.screen if m.from_bot]
    assert [m.text for m in hellos] == [say("en", "scenes.welcome.hello")]
    assert rig.outbox_count(OutboxStage.WAITING) == 0


async def test_an_answer_of_telegram_that_got_lost_repeats_a_prompt_at_most(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("known"))
    server.fail_next("sendMessage", "drop", chat_id=amina.chat_id)
    amina.says("2")
    await rig.settle()
    server.clock.advance(seconds=5)
    await rig.settle()
    asked = [m for m in amina.screen if m.text.startswith(question_first_line("their_age"))]
    assert len(asked) == 2
    assert [a.value for a in rig.conversation_of(amina).answers] == [
        "adult",
        "find_out",
        "theft",
        "no",
    ]
    await type_texts(rig, amina, "1")
    assert amina.last.text.startswith(question_first_line("name"))


async def test_changing_a_message_into_what_it_says_already_is_done(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await type_texts(rig, amina, "/start")
    await press_buttons(rig, amina, say("en", "scenes.welcome.buttons.learn"))
    pressed = next(
        b.data for row in amina.last.buttons for b in row if b.data and b.data.startswith("card:")
    )
    card = amina.last
    for _ in range(2):
        amina.presses_id(pressed or "", card)
        await rig.settle()
    edits = server.calls_of("editMessageText")
    assert len(edits) == 2
    assert amina.last.id == card.id, "nothing new was sent"
    assert (rig.outbox_count(OutboxStage.WAITING), rig.outbox_count(OutboxStage.GIVEN_UP)) == (0, 0)


async def test_answers_are_only_ever_shown_by_changing_a_message(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, happy_path()[:-1])
    check = amina.last
    await press_buttons(rig, amina, say("en", "scenes.checking.show"))
    assert amina.last.id == check.id
    assert NAME in amina.last.text
    show = f"show~{rig.conversation_of(amina).prompt_id}"
    amina.chat.posts.pop(check.id)
    amina.presses_id(show, check)
    await rig.settle()
    assert amina.last.id != check.id, "the old message is gone, so a new one was sent"
    assert amina.last.text == say("en", "scenes.checking.ready")
    assert NAME not in server.log_text("new")
    assert NUMBER not in server.log_text("new")


async def test_an_unknown_chat_is_closed_and_other_refusals_stop_only_their_row(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await type_texts(rig, amina, "/start")
    server.fail_next("sendMessage", 400, description="Bad Request: can't parse entities")
    await type_texts(rig, amina, "/help", "/privacy")
    assert rig.outbox_count(OutboxStage.GIVEN_UP) == 1
    assert send_attempts(server, amina) > 2
    server.fail_next("sendMessage", 400, description="Bad Request: chat not found")
    await type_texts(rig, amina, "/help")
    assert rig.outbox_count(OutboxStage.WAITING) == 0


# --- clearing the chat


async def test_leaving_takes_both_sides_messages_and_leaves_one_neutral_line(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("if_answered"))
    assert len(amina.screen) > 15
    await type_texts(rig, amina, "leave now")
    assert [m.text for m in amina.screen] == [say("en", "scenes.paused.left")]
    assert [a.value for a in rig.conversation_of(amina).answers][-1] == NUMBER_STORED, (
        "the place is kept"
    )


async def test_leaving_is_not_stopped_by_messages_that_are_too_old(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("harm"))
    old = [m.id for m in amina.screen]
    server.clock.advance(hours=49)
    await type_texts(rig, amina, "hello", "leave")
    left = [m for m in amina.screen if m.id not in old]
    assert [m.text for m in left] == [say("en", "scenes.paused.left")]
    assert (rig.outbox_count(OutboxStage.WAITING), rig.outbox_count(OutboxStage.GIVEN_UP)) == (0, 0)


async def test_one_message_that_telegram_will_not_delete_keeps_none_of_the_others(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("harm"))
    refusal = "Bad Request: message can't be deleted for everyone"
    server.fail_next("deleteMessages", 400, description=refusal)
    server.fail_next("deleteMessage", 400, description=refusal)
    await type_texts(rig, amina, "leave")
    assert len(amina.screen) == 2
    assert amina.last.text == say("en", "scenes.paused.left")


async def test_a_chat_is_tidied_while_telegram_still_allows_it(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person("Amina")
    await follow_path(rig, amina, steps_before("if_answered"))
    server.clock.advance(hours=35)
    await rig.sweep()
    await rig.settle()
    assert len(amina.screen) > 15
    server.clock.advance(hours=1, minutes=1)
    await rig.sweep()
    await rig.settle()
    assert amina.screen == []
    assert rig.conversation_of(amina).answers, "the answers live longer than the chat"
    await type_texts(rig, amina, "hello")
    assert amina.last.text.startswith(first_line("scenes.paused.welcome_back"))


async def test_nothing_new_ever_repeats_a_persons_words(
    rig: TelegramApp, server: TelegramServer
) -> None:
    amina = server.person(first_name="Profilename")
    await follow_path(rig, amina, happy_path())
    new = server.log_text("new")
    assert not [word for word in (NAME, NUMBER, NUMBER_STORED, "Profilename") if word in new]
    assert {call.parameters["disable_notification"] for call in to_people(server)} == {True}


def to_people(server: TelegramServer) -> list[Any]:
    return [call for call in server.calls_of("sendMessage") if call.parameters["chat_id"] != 77]
