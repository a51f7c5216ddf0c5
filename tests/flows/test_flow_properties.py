"""What the conversation promises at every moment, whatever somebody does and in whatever order."""

from datetime import timedelta
from string import ascii_lowercase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import stages, wording
from flows.conversation import (
    Button,
    ClearChat,
    Conversation,
    Reply,
    Turn,
)
from flows.dialogue import commands
from flows.dialogue.presses import BUTTON_HANDLERS
from flows.inputs import Attachment, ButtonPress, MessageEdit, SharedNumber
from flows.interaction import buttons
from flows.pending import ConfirmSuggestion
from flows.questions.questionnaire import all_questions
from flows.service import service
from flows.understanding import faq
from tests.harness.thorough import examples
from tests.support.flow_client import (
    PRIVATE_FRAGMENTS,
    TYPED,
    FlowClient,
    begin_self,
    distinct_states,
    english,
    finish,
    sample_states,
)

LABEL_MAX, TEXT_MAX, COPY_MAX = 60, 4096, 256
EVERYWHERE = distinct_states()
SPOKEN = [
    word
    for name in commands.TYPED_COMMANDS
    for word in wording.words("en", f"commands.words.{name}")
]
DANGER = {
    "suicidal": "I want to kill myself",
    "immediate_danger": "he has a knife and he is outside my door",
    "domestic_abuse_now": "my husband hits me",
    "child_at_risk": "my dad hurts me and I am 12",
}
JUNK = (
    "\u202egnirts sdrawkcab",
    "\ud83d",
    "\x00\x00",
    "\u200b",
    "\U0001f600" * 40,
    "{phone} {0} {}",
    "%s %d",
    "a" * 5000,
    "1" * 400,
    "٣",
    "²",
    "/",
    "/ ",
    "/start@",
    "-1",
    "0",
    "999999999999",
    "' OR 1=1 --",
    "<b>hello</b>",
    "Z\u0341" * 300,
    "\n\n\n",
)
CARRIED = (
    "answer:harm:theft~1",
    "answer:nothing:here~1",
    "answer:age~1",
    "answer~1",
    "special:age:said~1",
    "special:nothing:skipped~1",
    "keep:nothing~1",
    "keep~1",
    "reopen~1",
    "reopen:extra~1",
    "go:nowhere~1",
    "fit:yyyyyyyy~1",
    "fit:yn~1",
    "card:none~1",
    "topic:none~1",
    "group:none~1",
    "speak:xx~1",
    "send~1",
    "again_yes~0",
    "withdraw_yes~0",
    "call_me:responsible~0",
    "use_words~0",
    "change_it~0",
    "pass_on~0",
    "template~0",
    "share~0",
    "nothing~1",
    "send~999999999",
    "send~0000000001",
    "SEND~1",
    "",
    "~",
    "answer:harm:theft:x~1",
)


def check_invariants(walk: FlowClient, before: Conversation, turn: Turn) -> None:
    """Check everything that every turn promises."""
    assert turn.replies or turn.toast
    assert turn.conversation.stage in stages.STAGES.states
    assert turn.conversation.prompt_id >= before.prompt_id
    for reply in turn.replies:
        assert reply.text.strip()
        assert len(reply.text) <= TEXT_MAX
        assert not reply.private or (reply.edits_message_id and reply.fallback_text)
        for shown in (reply.fallback_text, "" if reply.edits_message_id else reply.text):
            assert not any(word in shown for word in PRIVATE_FRAGMENTS), shown
        check_buttons(reply)


def check_buttons(reply: Reply) -> None:
    assert all(row for row in reply.buttons)
    for button in [one for row in reply.buttons for one in row]:
        assert button.label.strip()
        assert len(button.label) <= LABEL_MAX, button.label
        assert not any(word in button.label for word in PRIVATE_FRAGMENTS)
        if button.kind == "copy":
            assert 0 < len(button.id) <= COPY_MAX
            continue
        assert len(button.id.encode()) <= buttons.MAX_BYTES
        read = buttons.parse_button_id(button.id)
        assert read, button
        assert read.verb in BUTTON_HANDLERS or button.kind == "share_number"


def there_is_a_way_out(walk: FlowClient) -> None:
    """Leaving keeps the draft and says one neutral line; carrying on leads to the same place."""
    left = walk.copy()
    before, open_before = left.current_answers, left.open_key
    turn = left.say("leave")
    assert [reply.text for reply in turn.replies if not reply.clears_keyboard] == [
        english("scenes.paused.left")
    ]
    assert ClearChat() in turn.effects
    assert left.conversation.answers == walk.conversation.answers
    if walk.conversation.stage in ("asking", "checking", "stopped"):
        assert left.conversation.stage == "paused"
        left.say("/status")
        left.press("carry_on")
        assert left.current_answers == before
        assert left.conversation.stage == walk.conversation.stage
        assert left.open_key == open_before


def there_is_a_way_back(walk: FlowClient) -> None:
    """Back answers with something to press, and loses nothing."""
    going = walk.copy()
    turn = going.say("back")
    check_invariants(going, walk.conversation, turn)
    assert any(reply.buttons for reply in turn.replies)
    assert going.conversation.answers == walk.conversation.answers


def nobody_is_stranded(walk: FlowClient) -> None:
    """From here there is an ordinary way to a referral that is sent."""
    walk = walk.copy()
    walk.profile, walk.can_share_number = "", False
    assert finish(walk).conversation.stage == "sent"


TEXTS = st.one_of(
    st.sampled_from(SPOKEN),
    st.sampled_from([f"/{name}" for name in commands.SLASH_COMMANDS]),
    st.sampled_from(JUNK),
    st.sampled_from(list(TYPED.values())),
    st.sampled_from(list(DANGER.values())),
    st.sampled_from(["yes", "no", "Yes.", "skip", "not sure", "rather not say", "1", "2", "9"]),
    st.sampled_from(
        [one.option_label("en", option) for one in all_questions() for option in one.options]
        + ["Burglry"]
    ),
    st.sampled_from([english(f"faq.{topic.id}.title") for topic in faq.topics()]),
    st.text(max_size=80),
)
NEWEST = st.tuples(st.just("newest"), st.integers(0, 30))
ACTS = st.one_of(
    NEWEST,
    NEWEST,
    NEWEST,
    st.tuples(st.just("old"), st.integers(0, 400)),
    st.tuples(st.just("forged"), st.sampled_from(CARRIED)),
    st.tuples(st.just("say"), TEXTS),
    st.tuples(st.just("type what is asked"), st.just("")),
    st.tuples(st.just("send"), st.sampled_from(["voice", "photo", "contact", "location", "odd"])),
    st.tuples(st.just("edit"), st.tuples(st.integers(0, 50), TEXTS)),
    st.tuples(st.just("share"), st.sampled_from(["+447700900982", "", "+1", "not a number"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 1000, 3600, 90_000, 300_000, 3_000_000])),
)


def perform(walk: FlowClient, kind: str, what: object) -> None:
    """Have somebody do one thing; check what it leads to."""
    before = walk.conversation
    match kind, what:
        case "newest", int(n):
            shown = [(m, b) for m, r in walk.screen.items() for row in r.buttons for b in row]
            if not shown:
                return
            message, button = shown[-1 - n % len(shown)]
            turn = walk.tap(button, message)
        case "old", int(n):
            if not walk.buttons:
                return
            message, button = walk.buttons[n % len(walk.buttons)]
            turn = walk.tap(button, message)
        case "forged", str(carried):
            turn = walk.send_input(ButtonPress(carried), message="9")
        case "say", str(text):
            turn = walk.say(text)
        case "type what is asked", _:
            turn = walk.say(TYPED.get(walk.open_key, "yes"))
        case "send", str(thing):
            turn = walk.send_input(Attachment(thing))
        case "edit", (int(n), str(text)):
            mine = walk.typed[n % len(walk.typed)] if walk.typed else "77"
            turn = walk.send_input(MessageEdit(text), message=mine)
        case "share", str(number):
            turn = walk.send_input(SharedNumber(number))
        case "wait", int(seconds):
            walk.wait(seconds=seconds)
            return
        case _:
            raise AssertionError(kind)
    check_invariants(walk, before, turn)


@settings(max_examples=examples(80), deadline=None)
@given(st.sampled_from(sorted(EVERYWHERE)), st.lists(ACTS, min_size=1, max_size=25))
def test_whatever_somebody_does_they_are_answered_and_never_stuck(
    place: str, acts: list[tuple[str, object]]
) -> None:
    walk = EVERYWHERE[place].copy()
    for kind, what in acts:
        perform(walk, kind, what)
    walk.say("/status")
    there_is_a_way_out(walk)
    there_is_a_way_back(walk)
    nobody_is_stranded(walk)


@pytest.mark.parametrize("place", sorted(EVERYWHERE))
def test_every_place_has_a_way_on_a_way_back_and_a_way_out(place: str) -> None:
    walk = EVERYWHERE[place]
    there_is_a_way_out(walk)
    there_is_a_way_back(walk)
    nobody_is_stranded(walk)


@pytest.mark.parametrize("place", sorted(EVERYWHERE))
def test_every_button_and_every_command_is_answered_everywhere(place: str) -> None:
    start = EVERYWHERE[place]
    for message, button in start.buttons:
        if button.kind != "copy":
            walk = start.copy()
            turn = walk.tap(button, message)
            check_invariants(walk, start.conversation, turn)
            assert english("errors.chat.forged") not in [reply.text for reply in turn.replies]
    for carried in CARRIED:
        walk = start.copy()
        check_invariants(
            walk, start.conversation, walk.send_input(ButtonPress(carried), message="9")
        )
    for command in commands.SLASH_COMMANDS:
        walk = start.copy()
        check_invariants(walk, start.conversation, walk.say(f"/{command}"))


@pytest.mark.parametrize("place", sorted(EVERYWHERE))
def test_one_word_for_each_wish_and_all_junk_is_answered_everywhere(place: str) -> None:
    start = EVERYWHERE[place]
    words = [wording.words("en", f"commands.words.{name}")[-1] for name in commands.TYPED_COMMANDS]
    for text in (*words, *JUNK, "yes", "no", "7", ""):
        walk = start.copy()
        check_invariants(walk, start.conversation, walk.say(text))
    for thing in ("voice", "contact", "location", ""):
        walk = start.copy()
        check_invariants(walk, start.conversation, walk.send_input(Attachment(thing)))


def test_every_word_that_is_always_understood_is_understood_at_every_stage() -> None:
    by_stage = {walk.conversation.stage: walk for walk in EVERYWHERE.values()}
    for start in by_stage.values():
        for word in SPOKEN:
            walk = start.copy()
            turn = walk.say(word)
            check_invariants(walk, start.conversation, turn)
            assert english("commands.faq.none") not in [reply.text for reply in turn.replies], word


# --- what waits for a yes


def _asked_again() -> FlowClient:
    walk = begin_self().answer_until({}, until="known")
    walk.say("start again")
    return walk


def test_a_yes_to_another_question_never_deletes_the_draft() -> None:
    for between in ("", "what is restorative justice", "/help"):
        walk = _asked_again()
        walk.press("here")
        if between:
            walk.say(between)
        walk.say("yes")
        assert walk.current_answers["harm"]
        assert walk.conversation.stage == "asking"


def test_a_yes_to_another_question_never_withdraws_a_request() -> None:
    walk = EVERYWHERE["self, sent"].copy()
    walk.press("withdraw")
    walk.press("here")
    walk.press("another")
    walk.press("notice:adult")
    walk.answer_until({}, until="known")
    walk.say("yes")
    assert walk.conversation.receipt
    assert not walk.conversation.receipt.withdrawn


def test_a_guess_that_was_refused_is_not_taken_by_a_later_yes() -> None:
    walk = begin_self().answer_until({}, until="harm")
    walk.say("burgalry or thefft")
    assert walk.conversation.pending == ConfirmSuggestion("harm", "theft")
    walk.press("here")
    walk.say("yes")
    assert "harm" not in walk.current_answers


def test_an_explanation_in_between_makes_a_yes_count_for_what_is_shown() -> None:
    walk = begin_self().answer_until({"harm": "domestic"}, until="their_age")
    walk.say("change")
    walk.press("reopen:harm")
    walk.press("answer:harm:sexual")
    assert walk.has_button("change_it")
    walk.say("/help")
    typed, pressed = walk.copy(), walk
    typed.say("yes")
    assert typed.current_answers["harm"][0] == "domestic"
    pressed.press("change_it")
    assert pressed.current_answers["harm"][0] == "sexual"


def test_two_quick_taps_on_a_changed_answer_are_not_a_yes() -> None:
    walk = begin_self().answer_until({"way": "text"}, until="extra")
    walk.say("change")
    walk.press("reopen:way")
    message, button = walk.newest("answer:way:call")
    walk.tap(button, message)
    walk.tap(button, message)
    assert walk.current_answers["way"][0] == "text"
    assert walk.has_button("change_it")


# --- questions never cost the place


def _position(walk: FlowClient) -> tuple[object, ...]:
    return (
        walk.conversation.stage,
        walk.open_key,
        walk.current_answers,
        walk.conversation.answers,
        walk.conversation.prompt_id,
    )


def _awake(start: FlowClient) -> FlowClient:
    """Return the same person once they have come back after a while away."""
    if start.conversation.last_input_at != start.now:
        start.say("/status")
    return start


@pytest.mark.parametrize("place", sorted(EVERYWHERE))
def test_reading_all_45_answers_never_costs_the_place(place: str) -> None:
    start = _awake(EVERYWHERE[place].copy())
    for topic in faq.topics():
        walk = start.copy()
        turn = walk.tap(Button("", f"topic:{topic.id}~{walk.conversation.prompt_id}"), "555")
        assert turn.replies[0].text == english(f"faq.{topic.id}.answer")
        assert _position(walk) == _position(start), topic.id


@pytest.mark.parametrize("place", sorted(set(EVERYWHERE) - {"self, paused", "away too long"}))
def test_asking_by_title_never_costs_the_place(place: str) -> None:
    start = _awake(EVERYWHERE[place].copy())
    if start.conversation.stage == "paused":
        return
    for topic in faq.topics():
        walk = start.copy()
        title = english(f"faq.{topic.id}.title")
        turn = walk.say(title if title.endswith("?") else f"{title}?")
        shown = [reply.text for reply in turn.replies]
        assert english(f"faq.{topic.id}.answer") in shown, (topic.id, shown)
        assert walk.conversation.answers == start.conversation.answers, topic.id
        assert (walk.conversation.stage, walk.open_key) == (
            start.conversation.stage,
            start.open_key,
        ), topic.id


# --- danger comes first, and costs nothing


@pytest.mark.parametrize("kind", sorted(DANGER))
def test_danger_is_answered_with_numbers_in_every_place_and_takes_nothing(kind: str) -> None:
    for place, start in EVERYWHERE.items():
        walk = start.copy()
        before = _position(walk)
        turn = walk.say(DANGER[kind])
        if place == "away too long":
            assert english(f"crisis.{kind}.text") in [reply.text for reply in turn.replies]
            continue
        assert turn.replies[-2 if turn.replies[0].clears_keyboard else 0 :]
        assert english(f"crisis.{kind}.text") in [reply.text for reply in turn.replies], place
        assert _position(walk) == before, place
        assert walk.has_button("leave")
        assert walk.has_button("here")


@settings(max_examples=examples(60), deadline=None)
@given(
    st.sampled_from(sorted(EVERYWHERE)),
    st.lists(st.tuples(st.sampled_from(sorted(DANGER)), st.integers(1, 45)), max_size=8),
)
def test_the_same_numbers_come_at_most_once_while_they_are_in_sight(
    place: str, said: list[tuple[str, int]]
) -> None:
    walk = EVERYWHERE[place].copy()
    told: dict[str, timedelta] = {}
    passed = timedelta()
    quiet = timedelta(minutes=min(service().danger_quiet_minutes, service().lock_minutes))
    for kind, minutes in said:
        walk.wait(minutes=minutes)
        passed += timedelta(minutes=minutes)
        turn = walk.say(DANGER[kind])
        if english(f"crisis.{kind}.text") in [reply.text for reply in turn.replies]:
            assert kind not in told or passed - told[kind] >= quiet
            told[kind] = passed
        else:
            assert kind in told
            assert turn.replies


@pytest.mark.parametrize("hidden_by", ["/stop", "/start", "leave"])
def test_numbers_that_can_no_longer_be_read_above_are_given_again(hidden_by: str) -> None:
    walk = FlowClient()
    walk.say("/start")
    numbers = english("crisis.immediate_danger.text")
    assert numbers in [reply.text for reply in walk.say(DANGER["immediate_danger"]).replies]
    assert numbers not in [reply.text for reply in walk.say(DANGER["immediate_danger"]).replies]
    if hidden_by == "leave":
        walk.press("leave")
    else:
        walk.say(hidden_by)
    assert numbers in [reply.text for reply in walk.say(DANGER["immediate_danger"]).replies]


def test_what_was_said_about_danger_before_the_first_question_reaches_staff() -> None:
    for text in (DANGER["suicidal"], "they are making me do this, I have no choice"):
        walk = FlowClient()
        walk.say("/start")
        walk.say(text)
        walk.say("/status")
        flags = walk.conversation.flags
        assert flags
        finish(walk)
        assert set(flags) <= set(walk.record.flags)


# --- time passes


def test_after_15_minutes_no_button_shows_private_words() -> None:
    for place in ("self, checking", "officer, checking"):
        walk = sample_states()[place].wait(minutes=service().lock_minutes + 1)
        for message, button in walk.buttons:
            later = walk.copy()
            turn = later.tap(button, message)
            for reply in turn.replies:
                assert not any(word in reply.text for word in PRIVATE_FRAGMENTS), button.id


def test_a_draft_is_gone_when_its_hours_are_over_and_that_is_said() -> None:
    for start in EVERYWHERE.values():
        if not start.conversation.answers or start.now - (
            start.conversation.last_input_at or start.now
        ):
            continue
        walk = start.copy().wait(hours=service().draft_hours, seconds=1)
        turn = walk.say("hello")
        assert walk.conversation.answers == ()
        assert (
            turn.replies[0].text == english("scenes.welcome.gone")
            or turn.replies[0].clears_keyboard
        )


@settings(max_examples=examples(200), deadline=None)
@given(st.text(alphabet=ascii_lowercase + ":~_0123456789é\n ", max_size=70))
def test_any_button_id_at_all_is_answered(carried: str) -> None:
    start = EVERYWHERE["self, asked way"]
    walk = start.copy()
    check_invariants(walk, start.conversation, walk.send_input(ButtonPress(carried), message="9"))


def test_the_same_turn_twice_is_the_same() -> None:
    start = EVERYWHERE["self, checking"]
    assert start.copy().press("send") == start.copy().press("send")
