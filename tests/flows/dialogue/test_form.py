"""The questions as one form: read by the same rules, with the same record, as one by one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.conversation import (
    ClearChat,
    Conversation,
    HandOver,
    Turn,
)
from flows.dialogue import form, form_parsing
from flows.inputs import ButtonPress, FormFields, FormSubmission, Input, Sender, TypedText
from flows.officers import Introduction, Officer
from flows.questions import journey, questionnaire
from flows.record import Record, RecordLine
from flows.stages import Stage
from flows.turn import take_turn
from flows.vocabulary import AnswerStatus, Journey, Source
from tests.harness.thorough import examples
from tests.support.cast import SAM

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
REFERENCE = "ACDE-3467"
TYPED = {
    "name": ["Alex", "de la Cruz"],
    "phone": ["07700 900123", "+44 1632 960123"],
    "email": ["alex@example.com"],
    "words": ["Kent Police", "blue kettle"],
    "note": ["Please ring the back door bell."],
    "line": ["46/12345/26"],
    "contact": ["07700 900123", "alex@example.com"],
}
QUICK: FormFields = (
    ("agreed", "me_today"),
    ("victim_gender", "woman"),
    ("victim_known", "no"),
    ("willing", "yes"),
    ("interested", "yes"),
    ("contacted", "no"),
    ("offender_gender", "man"),
    ("offence", "theft"),
    ("line", "46/12345/26"),
)


def officer(details_in_chat: bool = False, known: bool = True) -> Conversation:
    return Conversation(
        reference=REFERENCE,
        officer=SAM.officer if known else None,
        details_in_chat=details_in_chat,
    )


def submit_page(
    stands: Conversation,
    filled: FormFields,
    send: bool = False,
    begins: Journey = Journey.NONE,
) -> Turn:
    return take_turn(stands, FormSubmission(filled, begins, send), NOW)


def started_conversation(who: str, details_in_chat: bool = False) -> Conversation:
    """Return a conversation at its first question."""
    if who == "officer":
        stands = officer(details_in_chat, known=False)
        return take_turn(stands, TypedText("/refer"), NOW).conversation
    stands = Conversation(reference=REFERENCE)
    for press in ("go:self", "notice:go_on"):
        heard = ButtonPress(f"{press}~{stands.prompt_id}")
        stands = take_turn(stands, heard, NOW).conversation
    return stands


def one_by_one(stands: Conversation, answers: dict[str, str]) -> tuple[Conversation, Record]:
    """Return where it ends when each question is answered as it is asked, and the record."""
    later = NOW
    while (one := journey.open_question(stands)) and stands.stage == "asking":
        later += timedelta(seconds=5)
        stands = take_turn(stands, input_for(stands, one.key, answers[one.key]), later).conversation
    turn = take_turn(stands, ButtonPress(f"send~{stands.prompt_id}"), later)
    return turn.conversation, record_in(turn)


def input_for(stands: Conversation, key: str, value: str) -> Input:
    if value.startswith(form_parsing.NON_ANSWER_PREFIX):
        special = value.removeprefix(form_parsing.NON_ANSWER_PREFIX)
        return ButtonPress(f"special:{key}:{special}~{stands.prompt_id}")
    if value in questionnaire.get_question(key).options:
        return ButtonPress(f"answer:{key}:{value}~{stands.prompt_id}")
    return TypedText(value)


def record_in(turn: Turn) -> Record:
    return next(one.record for one in turn.effects if isinstance(one, HandOver))


def timeless(lines: tuple[RecordLine, ...]) -> list[RecordLine]:
    return [replace(line, answered_at=None) for line in lines]


@st.composite
def answer_sets(draw: st.DrawFn, who: str) -> dict[str, str]:
    """Return an answer to every question that might be asked; nothing that stops a referral."""
    chosen = {}
    for one in journey.journey_questions(who):
        values = [*one.options, *TYPED.get(one.kind, [])]
        values += [f"{form_parsing.NON_ANSWER_PREFIX}{given}" for given in one.non_answers]
        values = [v for v in values if v not in ("pushed", "dispute", "elsewhere")]
        chosen[one.key] = draw(st.sampled_from(values))
    stops = {"agreed": "me_today", "willing": "yes", "victim_asked": "yes"}
    return {**chosen, **{key: value for key, value in stops.items() if key in chosen}}


@pytest.mark.parametrize("details_in_chat", [True, False])
@pytest.mark.parametrize("who", ["self", "officer"])
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_page_makes_the_same_record_as_one_by_one(
    who: str, details_in_chat: bool, data: st.DataObject
) -> None:
    answers = data.draw(answer_sets(who))
    stands = started_conversation(who, details_in_chat)
    _, slowly = one_by_one(stands, answers)
    on_a_page = {k: v for k, v in answers.items() if k in {line.question for line in slowly.lines}}
    steering = {k: v for k, v in answers.items() if k == "extra"}
    filled = tuple({**steering, **on_a_page}.items())
    turn = submit_page(stands, filled, send=True)
    at_once = record_in(turn)
    said = [line for line in at_once.lines if line.status != "not_asked"]
    assert timeless(tuple(said)) == timeless(slowly.lines)
    for part in ("journey", "queue", "hold", "urgent", "flags", "reasons", "may_contact"):
        assert getattr(at_once, part) == getattr(slowly, part)


def test_a_whole_referral_on_one_page() -> None:
    turn = submit_page(officer(), QUICK, send=True, begins=Journey.OFFICER)
    assert turn.conversation.stage == "sent"
    assert turn.conversation.answers == ()
    assert turn.replies[-1].text.startswith(f"Sent. The reference is {REFERENCE}.")
    assert {line.answered_by for line in record_in(turn).lines if line.answered_at} == {"officer"}


def test_what_is_missing_is_asked_for() -> None:
    turn = submit_page(officer(), QUICK[:3], send=True, begins=Journey.OFFICER)
    assert turn.conversation.stage == "asking"
    assert not any(isinstance(one, HandOver) for one in turn.effects)
    assert [one.key for one in form_parsing.missing_questions(turn.conversation)][:2] == [
        "willing",
        "interested",
    ]


def test_the_rules_stop_a_page_too() -> None:
    turn = submit_page(officer(), (("agreed", "no"), *QUICK[1:]), send=True, begins=Journey.OFFICER)
    assert (turn.conversation.stage, turn.conversation.stop_reason) == ("stopped", "no_consent")
    again = submit_page(turn.conversation, QUICK, send=True, begins=Journey.OFFICER)
    assert again.conversation.stage == "sent"


def test_details_count_when_they_came_by_a_page_and_never_show_in_the_chat() -> None:
    details = (
        ("victim_name", "Rosa Diaz"),
        ("victim_contact", "07700 900222"),
        ("victim_message", "no_message"),
    )
    at_check = submit_page(officer(), QUICK, begins=Journey.OFFICER).conversation
    assert at_check.stage == "checking"
    turn = submit_page(at_check, details)
    assert turn.conversation.stage == "checking"
    said = " ".join(reply.text + reply.fallback_text for reply in turn.replies)
    assert "Rosa" not in said
    assert "900222" not in said
    for press in ("change", "back"):
        pressed = ButtonPress(f"{press}~{turn.conversation.prompt_id}", message_id="9")
        shown = take_turn(turn.conversation, pressed, NOW)
        assert "Rosa" not in repr(shown.replies)
        assert "victim_name" not in repr(shown.replies)
    forged = ButtonPress(f"reopen:victim_name~{turn.conversation.prompt_id}")
    assert take_turn(turn.conversation, forged, NOW).conversation.stage == "checking"
    sent = take_turn(turn.conversation, TypedText("send"), NOW)
    told = {line.question: line.label for line in record_in(sent).lines}
    assert told["victim_name"] == "Rosa Diaz"
    assert told["victim_contact"] == "07700 900222"
    assert next(
        line.value for line in record_in(sent).safe_contact if line.question == "victim_message"
    ) == ("no_message")


def test_a_name_alone_on_the_page_leaves_the_chat_nothing_to_ask() -> None:
    at_check = submit_page(officer(), QUICK, begins=Journey.OFFICER).conversation
    turn = submit_page(at_check, (("victim_name", "Rosa Diaz"),))
    assert turn.conversation.stage == "checking"


def test_problems_name_the_question_and_guess_nothing() -> None:
    stands = started_conversation("officer")
    filled = (
        ("agreed", "perhaps"),
        ("offence", "burglery"),
        ("officer_name", "99"),
        ("victim_gender", "special:never"),
        ("officer_contact", "x" * 5000),
    )
    read, problems = form_parsing.parse_form(stands, filled, NOW)
    assert read.answers == ()
    assert {(one.question, one.error_key) for one in problems} == {
        ("agreed", "choice.pick"),
        ("offence", "choice.meant"),
        ("officer_name", "name.first"),
        ("victim_gender", "choice.pick"),
        ("officer_contact", "chat.page_too_long"),
    }


def test_what_is_off_the_path_is_left_out() -> None:
    read, problems = form_parsing.parse_form(
        started_conversation("officer"), (("victim_known", "no"), ("in_relationship", "now")), NOW
    )
    assert [one.question for one in read.answers] == ["victim_known"]
    assert problems == ()


def test_the_same_again_is_not_a_second_answer() -> None:
    once = submit_page(officer(), QUICK, begins=Journey.OFFICER).conversation
    twice = submit_page(once, QUICK).conversation
    assert twice.answers == once.answers


def test_danger_on_a_page_comes_first_and_nothing_is_lost() -> None:
    turn = submit_page(
        started_conversation("self"),
        (("age", "adult"), ("name", "He is here with a knife, he will kill me")),
    )
    assert "danger_immediate_danger" in turn.conversation.flags
    assert "999" in turn.replies[0].text
    assert journey.current_answers(turn.conversation)["age"].value == "adult"


def test_what_we_offer_is_no_danger() -> None:
    turn = submit_page(
        started_conversation("self"), (("harm", "sexual"), ("age", "special:rather_not_say"))
    )
    assert turn.conversation.flags == ()


def test_a_page_for_an_earlier_talk_takes_nothing() -> None:
    turn = submit_page(Conversation(reference=REFERENCE), (("name", "Alex"),))
    assert turn.conversation.answers == ()
    assert turn.replies[0].text.startswith("That page was for an earlier talk.")


def test_somebody_away_is_asked_before_anything_is_shown() -> None:
    stands = replace(started_conversation("self"), last_input_at=NOW - timedelta(minutes=20))
    asked = submit_page(replace(stands, last_input_at=NOW), (("age", "adult"),)).conversation
    turn = submit_page(
        replace(asked, last_input_at=NOW - timedelta(minutes=20)), (("name", "Alex"),)
    )
    assert turn.conversation.stage == "paused"
    assert journey.current_answers(turn.conversation)["name"].value == "Alex"


def test_what_staff_type_carries_their_name_and_the_consent_read_aloud() -> None:
    filled = form_parsing.with_blanks_filled(
        replace(started_conversation("self"), answers=()),
        (
            ("age", "adult"),
            ("wish", "take_part"),
            ("harm", "theft"),
            ("known", "no"),
            ("their_age", "adult"),
            ("name", "Alex"),
            ("way", "i_will_call"),
        ),
    )
    sender = Sender(typed_by="mira", source=Source.PHONE)
    heard = FormSubmission(filled, Journey.SELF, send=True, sender=sender)
    turn = take_turn(Conversation(reference=REFERENCE), heard, NOW)
    record = record_in(turn)
    assert (record.typed_by, record.source) == ("mira", "phone")
    assert {line.answered_by for line in record.lines if line.answered_at} == {"mira"}
    assert record.consent.startswith("What you tell me goes to trained staff.")
    assert record.consented_at == NOW


# --- an officer is with somebody


INTRODUCTION = Introduction(
    Officer("PC Sam Reed", "Kent Police", "sam.reed@kent.example", verified=True), "46/12345/26"
)


def introduced() -> Turn:
    heard = TypedText("/start", sender=Sender(introduction=INTRODUCTION))
    return take_turn(Conversation(reference=REFERENCE), heard, NOW)


def test_the_hello_says_who_told_us_and_that_it_is_their_choice() -> None:
    text = introduced().replies[0].text
    assert "PC Sam Reed, Kent Police told you about us." in text
    assert "your own choice" in text


def test_their_own_send_is_the_consent_and_staff_see_who_told_us() -> None:
    stands = introduced().conversation
    for press in ("go:self", "notice:adult"):
        heard = ButtonPress(f"{press}~{stands.prompt_id}")
        stands = take_turn(stands, heard, NOW).conversation
    assert stands.journey == "self"
    filled = form_parsing.with_blanks_filled(
        stands, (("wish", "take_part"), ("harm", "theft"), ("known", "no"))
    )
    more = (("their_age", "adult"), ("name", "Alex"), ("way", "i_will_call"))
    turn = submit_page(stands, (*filled, *more), send=True)
    record = record_in(turn)
    assert record.journey == "self"
    assert record.queue == "adults"
    assert (record.officer_name, record.officer_verified) == ("PC Sam Reed", True)
    assert "introduced" in record.flags
    last = record.lines[-1]
    assert (last.question, last.value, last.answered_by, last.answered_at) == (
        "line",
        "46/12345/26",
        "officer",
        NOW,
    )
    assert record.consent
    assert turn.conversation.officer is None
    assert turn.conversation.introduction is None


def test_deleting_forgets_who_told_us() -> None:
    stands = introduced().conversation
    gone = take_turn(stands, TypedText("/delete"), NOW).conversation
    assert gone.introduction is None


def test_an_officer_is_not_introduced() -> None:
    heard = TypedText("/start", sender=Sender(introduction=INTRODUCTION))
    assert take_turn(officer(), heard, NOW).conversation.introduction is None


def test_a_draft_is_not_dropped_by_an_introduction() -> None:
    stands = submit_page(started_conversation("self"), (("age", "adult"),)).conversation
    turn = take_turn(stands, TypedText("/start", sender=Sender(introduction=INTRODUCTION)), NOW)
    assert turn.conversation.answers == stands.answers
    assert turn.conversation.introduction == replace(INTRODUCTION, introduced_at=NOW)


# --- nothing that arrives raises


HOSTILE = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        [
            "x" * 1_000_000,
            "\0",
            "\ud800",
            "\u202eevil",
            "=cmd|' /C calc'!A0",
            "<script>alert(1)</script>",
            "special:",
            "special:said",
            "yes",
        ]
    ),
)
KEYS = st.one_of(
    st.sampled_from([one.key for one in questionnaire.all_questions()]), st.text(max_size=40)
)


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    filled=st.lists(st.tuples(KEYS, HOSTILE), max_size=12).map(tuple),
    who=st.sampled_from(Journey),
    send=st.booleans(),
)
def test_no_page_raises(filled: FormFields, who: Journey, send: bool) -> None:
    for stands in (
        started_conversation("self"),
        officer(),
        Conversation(),
        Conversation(stage=Stage.PAUSED),
    ):
        turn = submit_page(stands, filled, send, who)
        assert turn.replies
        assert not any(isinstance(one, ClearChat) for one in turn.effects)
        form_parsing.with_blanks_filled(stands, filled)


def test_every_way_not_to_answer_is_on_the_form() -> None:
    asked = {one.key: one for one in form.form_questions(started_conversation("self"))}
    assert asked["name"].non_answers == (("special:rather_not_say", "Rather not say"),)
    assert asked["number"].optional
    assert asked["number"].condition == "a_number_is_needed"
    assert asked["relationship"].only_if == (("known", ("yes",)),)
    assert asked["best_time"].only_if == ()
    assert "extra" not in asked
    assert all(AnswerStatus.SKIPPED not in dict(one.non_answers) for one in asked.values())


def test_only_some_questions_when_only_some_are_wanted() -> None:
    assert [
        one.key for one in form.form_questions(started_conversation("self"), only=["name"])
    ] == ["name"]
