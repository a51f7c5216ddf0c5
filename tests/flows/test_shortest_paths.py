"""How many taps it takes: the shortest honest ways through, found in the flow itself.

`python -m tests.flows.test_shortest_paths` shows them.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import pytest

from flows import content_files
from flows.conversation import (
    Button,
    Conversation,
    HandOver,
    Turn,
)
from flows.inputs import ButtonPress, Input, Sender, SharedNumber, TypedText
from flows.questions import journey
from flows.questions.questionnaire import get_question
from flows.turn import take_turn
from flows.understanding import faq
from flows.vocabulary import AnswerStatus
from tests.support.flow_client import (
    MONDAY,
    OWN_NUMBER,
    PC_REED_OFFICER,
    PROFILE,
    FlowClient,
    begin_callback,
    english,
    sample_states,
)

REFERENCE_LINE = "46/12345/26, victim 34, offender 16, Swale"


@dataclass(frozen=True, slots=True)
class PathResult:
    """What somebody pressed and typed, in order, and where that led. A tap is one press."""

    steps: tuple[str, ...]
    taps: int
    typed: int
    screens: int
    turn: Turn

    def describe(self) -> str:
        """Return the story as lines that a person can follow."""
        head = f"{self.taps} taps, {self.typed} typed, {self.screens} screens"
        return "\n".join([head, *(f"  {n}. {step}" for n, step in enumerate(self.steps, start=1))])


Choices = Callable[[Conversation, Button], bool]
Types = Callable[[Conversation], str]


def shortest(
    start: Turn, first: str, honest: Choices, types: Types, profile: str = ""
) -> PathResult:
    """Return the way to a sent referral with the fewest taps, of those that are `honest`.

    `first` is what was done to get to `start`, counted as one tap. A way through is told apart
    by where it stands and by what else it will ask, not by every answer on it.
    """
    order = count()
    stories = [(1, next(order), PathResult((first,), 1, 0, 1, start))]
    seen: set[object] = set()
    while stories:
        taps, _, story = heapq.heappop(stories)
        if any(isinstance(effect, HandOver) for effect in story.turn.effects):
            return story
        stands = story.turn.conversation
        asked = tuple(one.key for one in journey.applicable_questions(stands))
        where = (
            stands.stage,
            stands.editing,
            asked,
            tuple(sorted(journey.current_answers(stands))),
        )
        if where in seen or taps > 16:
            continue
        seen.add(where)
        for longer in _longer(story, honest, types, profile):
            heapq.heappush(stories, (longer.taps, next(order), longer))
    raise AssertionError("no honest way leads to a sent referral")


def _longer(story: PathResult, honest: Choices, types: Types, profile: str) -> Iterator[PathResult]:
    stands = story.turn.conversation
    shown = [button for reply in story.turn.replies for row in reply.buttons for button in row]
    for button in shown:
        if button.kind == "copy" or not honest(stands, button):
            continue
        taps, heard = _pressed(button, profile)
        turn = take_turn(stands, heard, MONDAY)
        yield _next(story, f"press {button.label}", taps, 0, turn)
    typed = types(stands)
    if typed:
        turn = take_turn(stands, TypedText(typed, message_id="2"), MONDAY)
        yield _next(story, f"type {typed}", 0, 1, turn)


def _pressed(button: Button, profile: str) -> tuple[int, Input]:
    """Telegram itself asks once more before it shares a number: that is a tap too."""
    if button.kind == "share_number":
        return 2, SharedNumber(OWN_NUMBER, message_id="2")
    sender = Sender(profile, can_share_number=bool(profile))
    return 1, ButtonPress(button.id, message_id="1", sender=sender)


def _next(story: PathResult, step: str, taps: int, typed: int, turn: Turn) -> PathResult:
    return PathResult(
        (*story.steps, step),
        story.taps + taps,
        story.typed + typed,
        story.screens + bool(turn.replies),
        turn,
    )


def _nothing(_: Conversation) -> str:
    return ""


# --- who goes which way

_ONWARD = ("go:self", "notice:adult", "answer:", "profile:", "share", "send~", "special:extra:")


def _asks_for_a_call(stands: Conversation, button: Button) -> bool:
    """Somebody harmed by a stranger, who answers every question, and wants to be called."""
    if button.id.startswith("answer:way:") and not button.id.startswith("answer:way:call"):
        return False
    no_detours = ("answer:harm:dispute", "answer:wish:pushed", "answer:extra:")
    return button.id.startswith(_ONWARD) and not button.id.startswith(no_detours)


def _refers_honestly(stands: Conversation, button: Button) -> bool:
    return button.id.startswith(("answer:", "send~"))


def _types_the_reference(stands: Conversation) -> str:
    one = journey.open_question(stands) if stands.stage == "asking" else None
    return REFERENCE_LINE if one and one.key == "line" else ""


OWN_PHONE = Sender(PROFILE, can_share_number=True)


def victim() -> PathResult:
    """Return the way of somebody harmed, on a telephone that knows their name and number."""
    heard = TypedText("/start", message_id="1", sender=OWN_PHONE)
    start = take_turn(Conversation(reference="RJ-ACDE-FGHJ"), heard, MONDAY)
    return shortest(start, "press Start", _asks_for_a_call, _nothing, PROFILE)


def victim_who_knows_them() -> PathResult:
    """Return the same way for somebody who knows the person who did it."""
    heard = TypedText("/start", message_id="1", sender=OWN_PHONE)
    start = take_turn(Conversation(reference="RJ-ACDE-FGHJ"), heard, MONDAY)

    def knows(stands: Conversation, button: Button) -> bool:
        return _asks_for_a_call(stands, button) and not button.id.startswith("answer:known:no")

    return shortest(start, "press Start", knows, _nothing, PROFILE)


def officer() -> PathResult:
    """Return the way of an invited officer who fills in the card."""
    invited = Conversation(reference="RJ-ACDE-FGHJ", officer=PC_REED_OFFICER)
    start = take_turn(invited, TypedText("/refer", message_id="1"), MONDAY)
    return shortest(start, "send /refer", _refers_honestly, _types_the_reference)


def paste() -> PathResult:
    """Return the way of an invited officer who pastes the template, filled in."""
    invited = Conversation(reference="RJ-ACDE-FGHJ", officer=PC_REED_OFFICER)
    start = take_turn(invited, TypedText("/refer", message_id="1"), MONDAY)

    def template(stands: Conversation) -> str:
        return "" if stands.answers else english("scenes.card.template_text")

    return shortest(start, "send /refer", _refers_honestly, template)


def call_back() -> PathResult:
    """Return the way of somebody who only asks to be called, from that button on."""
    walk = begin_callback()
    honest = ("profile:", "share", "answer:", "send~")
    return shortest(
        walk.turn,
        "press Ask us to call you",
        lambda stands, button: button.id.startswith(honest),
        _nothing,
        PROFILE,
    )


def _record(story: PathResult) -> dict[str, str]:
    record = next(one for one in story.turn.effects if isinstance(one, HandOver)).record
    assert record.may_contact
    return {one.question: one.value for one in record.lines if one.status == AnswerStatus.ANSWERED}


def test_somebody_harmed_needs_at_most_14_taps_and_types_nothing() -> None:
    story = victim()
    assert (story.taps <= 14, story.typed, story.screens - 1 <= 12) == (True, 0, True), (
        story.describe()
    )
    said = _record(story)
    assert said["number"] == OWN_NUMBER
    assert said["name"] == PROFILE
    assert {"age", "wish", "harm", "known", "their_age", "way", "if_answered"} <= set(said)


def test_knowing_them_costs_one_tap_more() -> None:
    assert victim_who_knows_them().taps == victim().taps + 1


def test_an_invited_officer_needs_at_most_10_taps_and_one_line() -> None:
    story = officer()
    assert story.taps <= 10, story.describe()
    assert story.typed == 1
    said = _record(story)
    card = {
        one.key
        for one in journey.journey_questions("officer")
        if not one.optional and not one.condition
    }
    assert card - {"in_relationship"} <= set(said)
    assert {"victim_age", "offender_age", "victim_area"} <= set(said)


def test_a_pasted_referral_needs_at_most_3_taps() -> None:
    story = paste()
    assert story.taps <= 3, story.describe()
    assert story.typed == 1
    assert {"agreed", "victim_age", "offence", "line"} <= set(_record(story))


def test_a_call_back_needs_4_taps_after_asking_for_it() -> None:
    """Name, number, what may be said, send; sharing a number takes Telegram's own yes as well."""
    story = call_back()
    assert len(story.steps) - 1 == 4, story.describe()
    assert story.typed == 0
    assert story.screens <= 5


# --- changing an answer

CHECKS = [name for name in sample_states() if name.endswith((", checking", ", at the first check"))]


@pytest.mark.parametrize("name", CHECKS)
def test_any_answer_is_changed_in_3_taps_from_the_check(name: str) -> None:
    """Change an answer, which one, the new answer; a yes more where others are asked again."""
    start = sample_states()[name]
    for key, (value, given) in start.current_answers.items():
        one = get_question(key)
        if one.internal:
            continue
        walk = start.copy()
        walk.press("change")
        walk.press(f"reopen:{key}~")
        assert walk.open_key == key
        others = [option for option in one.options if option != value]
        if others:
            walk.press(f"answer:{key}:{others[-1]}~")
            if walk.conversation.pending:
                walk.press("change_it")
            assert walk.current_answers[key] == (others[-1], AnswerStatus.ANSWERED)
        elif given == AnswerStatus.ANSWERED and one.non_answers:
            walk.press(f"special:{key}:{one.non_answers[0]}~")
            if walk.conversation.pending:
                walk.press("change_it")
            assert walk.current_answers[key] == ("", one.non_answers[0])
        else:
            walk.answer()
            assert walk.current_answers[key][1] == AnswerStatus.ANSWERED


# --- what there is to read


def _within(taps: int) -> set[str]:
    """Return every text that can be read within this many taps of Start, Start included."""
    start = FlowClient()
    start.say("/start")
    found, edge = set(), [start]
    for _ in range(taps):
        further = []
        for walk in edge:
            found |= {reply.text for reply in walk.turn.replies}
            shown = [b for r in walk.turn.replies for row in r.buttons for b in row]
            for button in shown:
                if not button.id.startswith(("here", "go:self", "go:officer", "leave", "call_me")):
                    going = walk.copy()
                    going.tap(button, "101")
                    further.append(going)
        edge = further
    return found | {reply.text for walk in edge for reply in walk.turn.replies}


def test_all_45_answers_and_all_cards_are_within_3_taps_of_the_hello() -> None:
    read = _within(3)
    for topic in faq.topics():
        assert english(f"faq.{topic.id}.answer") in read, topic.id
    for card in content_files.load_toml("cards.toml")["order"]:
        assert english(f"cards.{card}.text") in read, card


def test_leaving_is_one_tap_from_every_question_and_from_the_check() -> None:
    for walk in sample_states().values():
        if walk.conversation.stage in ("asking", "checking", "notice", "stopped"):
            assert walk.conversation.pending or walk.has_button("leave") or not walk.turn.replies


STORIES = (victim, victim_who_knows_them, officer, paste, call_back)

if __name__ == "__main__":
    for story in STORIES:
        print(f"{story.__name__}: {story().describe()}\n")  # noqa: T201
