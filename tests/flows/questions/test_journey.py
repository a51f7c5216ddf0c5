"""Back loses nothing; a changed answer asks again only what rests on it, and says so first."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.conversation import Conversation
from flows.questions import journey
from flows.questions.questionnaire import Question, all_questions, get_question
from flows.vocabulary import AnswerStatus, Journey, Option
from tests.harness.thorough import examples
from tests.support.flow_client import (
    PC_REED_OFFICER,
    FlowClient,
    begin_officer,
    begin_self,
    english,
    sample_states,
)

ANSWERED = {
    name: walk
    for name, walk in sample_states().items()
    if walk.conversation.answers
    and walk.conversation.stage in ("asking", "checking")
    and "away" not in name
}
FULL = ("self, checking", "self by text, checking", "officer, checking", "new officer, checking")


def test_what_code_decides_by_can_be_chosen() -> None:
    assert set(Option) <= {option for question in all_questions() for option in question.options}


def keep_answers_until(walk: FlowClient, until: str) -> None:
    """Keep every answer on the way forward, until a question is open or nothing is left."""
    for _ in range(60):
        if walk.conversation.stage != "asking" or walk.open_key == until:
            return
        if walk.has_button("keep:"):
            walk.press("keep:")
        else:
            return


@settings(max_examples=examples(60), deadline=None)
@given(st.sampled_from(sorted(ANSWERED)), st.integers(1, 30))
def test_any_number_of_backs_then_keeping_gives_the_same_answers(place: str, backs: int) -> None:
    walk = ANSWERED[place].copy()
    before, open_before, journey_before = (
        walk.current_answers,
        walk.open_key,
        walk.conversation.journey,
    )
    answers = len(walk.conversation.answers)
    for _ in range(backs):
        if walk.conversation.stage not in ("asking", "checking") or not walk.has_button("back"):
            break
        walk.press("back")
        assert before.items() <= walk.current_answers.items()
        assert len(walk.conversation.answers) == answers
        if walk.conversation.journey != journey_before:
            return
    if walk.conversation.stage == "notice":
        walk.press("notice:go_on")
    if walk.conversation.stage == "paused":
        walk.press("carry_on")
    keep_answers_until(walk, open_before)
    assert walk.current_answers == before
    assert walk.conversation.stage in (ANSWERED[place].conversation.stage, "checking")


@pytest.mark.parametrize("name", FULL)
def test_from_the_check_back_goes_through_every_question_in_turn(name: str) -> None:
    walk = sample_states()[name]
    shown = [
        one.key for one in journey.applicable_questions(walk.conversation) if one.key != "details"
    ]
    met: list[str] = []
    while walk.conversation.stage in ("asking", "checking") and len(met) < len(shown):
        walk.press("back")
        met.append(walk.open_key)
    assert [key for key in reversed(met) if key != "details"][-10:] == shown[-10:]


def _changes(walk: FlowClient) -> list[tuple[Question, str]]:
    """Return every other answer that somebody could give by a button."""
    found = []
    for key, (value, _) in walk.current_answers.items():
        one = get_question(key)
        if not one.internal:
            found += [(one, other) for other in one.options if other != value]
            found += [(one, given.value) for given in one.non_answers if given.value != value]
    return found


def _change(walk: FlowClient, one: Question, other: str) -> None:
    walk.press("change")
    walk.press(f"reopen:{one.key}~")
    verb = "answer" if other in one.options else "special"
    walk.press(f"{verb}:{one.key}:{other}~")


def _asked_on_the_way(walk: FlowClient) -> list[str]:
    asked: list[str] = []
    for _ in range(60):
        if walk.conversation.stage != "asking":
            break
        asked.append(walk.open_key)
        if walk.has_button("keep:"):
            walk.press("keep:")
        else:
            walk.answer()
    return asked


READ_BY = {
    "harm_may_go_on": ("harm", "relationship"),
    "a_number_is_needed": ("way",),
    "someone_may_answer": ("way", "number"),
    "not_a_dispute": ("harm",),
    "only_victims_may_ask": ("offence", "in_relationship"),
    "officer_is_new": (),
    "details_may_stand_in_chat": (),
}
"""Which answers each condition of the questionnaire looks at."""


def _depends_on(key: str, on: str) -> bool:
    one = get_question(key)
    looks_at = {*one.depends_on, *READ_BY.get(one.condition, ())}
    return on in looks_at or any(_depends_on(other, on) for other in looks_at)


@pytest.mark.parametrize("name", FULL)
def test_every_change_asks_again_only_what_rests_on_it_and_says_so_first(name: str) -> None:
    """For every answer and every other option: what was said is exactly what happens."""
    start = sample_states()[name]
    for one, other in _changes(start):
        walk = start.copy()
        before = walk.current_answers
        _change(walk, one, other)
        named: list[str] = []
        if walk.conversation.pending:
            assert walk.current_answers == before, (one.key, other)
            said = walk.turn.replies[-1].text
            named = [key for key in before if _is_named(key, said)]
            assert named, said
            walk.press("change_it")
        assert walk.current_answers[one.key][0] in (other, ""), (one.key, other)
        lost = {key for key in before if key != one.key and key not in walk.current_answers}
        assert all(_depends_on(key, one.key) for key in lost), (one.key, other, lost)
        kept = {key: told for key, told in walk.current_answers.items() if key in before}
        assert all(before[key] == told for key, told in kept.items() if key != one.key)
        if walk.conversation.stage == "stopped":
            continue
        again = [key for key in _asked_on_the_way(walk) if key in before]
        went_on = walk.conversation.stage == "checking"
        assert set(again) == set(named) if went_on else set(again) <= set(named), (one.key, other)


def _is_named(key: str, said: str) -> bool:
    title = get_question(key).text("en", "title").rstrip("*?")
    titles = said.removeprefix(english("scenes.asking.changes_others", titles="|").split("|")[0])
    return title in titles.rsplit(".", maxsplit=2)[0].split(", ")


@pytest.mark.parametrize("name", FULL)
def test_what_is_asked_again_offers_the_old_answer(name: str) -> None:
    start = sample_states()[name]
    for one, other in _changes(start):
        walk = start.copy()
        before = walk.current_answers
        _change(walk, one, other)
        if not walk.conversation.pending:
            continue
        walk.press("change_it")
        if walk.conversation.stage == "asking" and walk.open_key in before:
            key = walk.open_key
            assert walk.has_button(f"keep:{key}")
            walk.press(f"keep:{key}")
            assert walk.current_answers[key] == before[key]


@pytest.mark.parametrize("name", FULL)
def test_leaving_it_as_it_was_changes_nothing(name: str) -> None:
    start = sample_states()[name]
    for one, other in _changes(start):
        walk = start.copy()
        before = walk.current_answers
        _change(walk, one, other)
        if walk.conversation.pending:
            walk.press("leave_it")
            assert (walk.current_answers, walk.conversation.stage) == (before, "checking")


def test_along_random_ways_only_what_depends_is_lost() -> None:
    random = Random(20261123)
    for _ in range(25):
        walk = begin_self()
        for _ in range(30):
            one = journey.open_question(walk.conversation)
            if walk.conversation.stage != "asking" or one is None:
                break
            walk.answer(random.choice([*one.options, *one.non_answers]) if one.options else "")
        if walk.conversation.stage != "checking":
            continue
        one, other = random.choice(_changes(walk))
        before = walk.current_answers
        _change(walk, one, other)
        if walk.conversation.pending:
            walk.press("change_it")
        lost = {key for key in before if key != one.key and key not in walk.current_answers}
        assert all(_depends_on(key, one.key) for key in lost)


def test_an_answer_off_the_path_does_not_count_but_comes_back_with_its_question() -> None:
    walk = begin_self().answer_until({"known": "yes", "relationship": "family"}, until="their_age")
    assert "still_happening" in walk.current_answers
    walk.say("change")
    walk.press("reopen:known")
    walk.press("answer:known:no")
    assert not {"relationship", "still_happening"} & set(walk.current_answers)
    walk.say("change")
    walk.press("reopen:known")
    walk.press("answer:known:yes")
    assert walk.open_key == "relationship"
    assert walk.has_button("keep:relationship")


def test_the_open_question_is_the_first_without_an_answer() -> None:
    for walk in ANSWERED.values():
        one = journey.first_unanswered(walk.conversation)
        if one is None:
            continue
        on_path = journey.applicable_questions(walk.conversation)
        before = on_path[: on_path.index(one)]
        assert all(other.key in walk.current_answers or other.optional for other in before)
        assert one.key not in walk.current_answers


def test_answers_that_count_are_on_the_path_in_its_order() -> None:
    for walk in sample_states().values():
        on_path = [one.key for one in journey.applicable_questions(walk.conversation)]
        counting = list(walk.current_answers)
        assert [key for key in on_path if key in counting] == counting


def test_an_option_that_is_no_longer_offered_no_longer_counts() -> None:
    walk = begin_self().answer_until({}, until="known")
    old = tuple(
        replace(one, value="piracy") if one.question == "harm" else one
        for one in walk.conversation.answers
    )
    assert "harm" not in journey.current_answers(replace(walk.conversation, answers=old))


def test_a_question_that_is_no_longer_asked_is_not_looked_at() -> None:
    walk = begin_self().answer_until({}, until="known")
    looking = replace(walk.conversation, editing="star_sign")
    assert journey.open_question(looking) == get_question("known")


def test_every_condition_and_every_reference_to_a_question_exists() -> None:
    keys = {one.key for one in all_questions()}
    for one in all_questions():
        assert set(one.depends_on) <= keys
        assert not one.condition or one.condition in journey.CONDITIONS
        assert set(READ_BY) == set(journey.CONDITIONS)
        for other, values in one.only_if:
            assert set(values) <= set(get_question(other).options)


def test_what_a_question_rests_on_is_asked_before_it() -> None:
    order = [one.key for one in all_questions()]
    for one in all_questions():
        assert all(order.index(other) < order.index(one.key) for other in one.depends_on)


def test_nothing_is_asked_of_a_journey_that_does_not_exist() -> None:
    assert journey.applicable_questions(Conversation(journey=Journey.NONE)) == ()
    assert journey.open_question(Conversation()) is None


def test_a_known_officer_is_not_asked_who_they_are() -> None:
    asked = {
        one.key for one in journey.applicable_questions(begin_officer(PC_REED_OFFICER).conversation)
    }
    assert not {"officer_name", "officer_agency", "officer_contact"} & asked
    new = {one.key for one in journey.applicable_questions(begin_officer(None).conversation)}
    assert {"officer_name", "officer_agency", "officer_contact"} <= new


def test_skipping_and_not_saying_are_kept_apart() -> None:
    walk = begin_self()
    walk.answer(AnswerStatus.RATHER_NOT_SAY)
    walk.answer(AnswerStatus.NOT_SURE)
    assert walk.current_answers["age"] == ("", AnswerStatus.RATHER_NOT_SAY)
    assert walk.current_answers["wish"] == ("", AnswerStatus.NOT_SURE)
