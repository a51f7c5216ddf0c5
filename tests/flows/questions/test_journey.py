"""Back loses nothing; a changed answer asks again only what rests on it, and says so first."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.conversation import Conversation, Given
from flows.questions import journey
from flows.questions.questionnaire import Question, question, questions
from tests.support.flow_client import PC_REED, Walk, begin_officer, begin_self, line, places

ANSWERED = {
    name: walk
    for name, walk in places().items()
    if walk.stands.answers and walk.stands.stage in ("asking", "checking") and "away" not in name
}
FULL = ("self, checking", "self by text, checking", "officer, checking", "new officer, checking")


def keep_on(walk: Walk, until: str) -> None:
    """Keep every answer on the way forward, until a question is open or nothing is left."""
    for _ in range(60):
        if walk.stands.stage != "asking" or walk.open == until:
            return
        if walk.sees("keep:"):
            walk.press("keep:")
        else:
            return


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(ANSWERED)), st.integers(1, 30))
def test_any_number_of_backs_then_keeping_gives_the_same_answers(place: str, backs: int) -> None:
    walk = ANSWERED[place].copy()
    before, open_before, journey_before = walk.counting, walk.open, walk.stands.journey
    answers = len(walk.stands.answers)
    for _ in range(backs):
        if walk.stands.stage not in ("asking", "checking") or not walk.sees("back"):
            break
        walk.press("back")
        assert before.items() <= walk.counting.items()
        assert len(walk.stands.answers) == answers
        if walk.stands.journey != journey_before:
            return
    if walk.stands.stage == "notice":
        walk.press("notice:go_on")
    if walk.stands.stage == "paused":
        walk.press("carry_on")
    keep_on(walk, open_before)
    assert walk.counting == before
    assert walk.stands.stage in (ANSWERED[place].stands.stage, "checking")


@pytest.mark.parametrize("name", FULL)
def test_from_the_check_back_goes_through_every_question_in_turn(name: str) -> None:
    walk = places()[name]
    shown = [one.key for one in journey.path(walk.stands) if one.key != "details"]
    met: list[str] = []
    while walk.stands.stage in ("asking", "checking") and len(met) < len(shown):
        walk.press("back")
        met.append(walk.open)
    assert [key for key in reversed(met) if key != "details"][-10:] == shown[-10:]


def _changes(walk: Walk) -> list[tuple[Question, str]]:
    """Return every other answer that somebody could give by a button."""
    found = []
    for key, (value, _) in walk.counting.items():
        one = question(key)
        if not one.silent:
            found += [(one, other) for other in one.options if other != value]
            found += [(one, given.value) for given in one.also if given.value != value]
    return found


def _change(walk: Walk, one: Question, other: str) -> None:
    walk.press("change")
    walk.press(f"reopen:{one.key}~")
    verb = "answer" if other in one.options else "special"
    walk.press(f"{verb}:{one.key}:{other}~")


def _asked_on_the_way(walk: Walk) -> list[str]:
    asked: list[str] = []
    for _ in range(60):
        if walk.stands.stage != "asking":
            break
        asked.append(walk.open)
        if walk.sees("keep:"):
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
    one = question(key)
    looks_at = {*one.rests_on, *READ_BY.get(one.when, ())}
    return on in looks_at or any(_depends_on(other, on) for other in looks_at)


@pytest.mark.parametrize("name", FULL)
def test_every_change_asks_again_only_what_rests_on_it_and_says_so_first(name: str) -> None:
    """For every answer and every other option: what was said is exactly what happens."""
    start = places()[name]
    for one, other in _changes(start):
        walk = start.copy()
        before = walk.counting
        _change(walk, one, other)
        named: list[str] = []
        if walk.stands.waiting:
            assert walk.counting == before, (one.key, other)
            said = walk.turn.replies[-1].text
            named = [key for key in before if _is_named(key, said)]
            assert named, said
            walk.press("change_it")
        assert walk.counting[one.key][0] in (other, ""), (one.key, other)
        lost = {key for key in before if key != one.key and key not in walk.counting}
        assert all(_depends_on(key, one.key) for key in lost), (one.key, other, lost)
        kept = {key: told for key, told in walk.counting.items() if key in before}
        assert all(before[key] == told for key, told in kept.items() if key != one.key)
        if walk.stands.stage == "stopped":
            continue
        again = [key for key in _asked_on_the_way(walk) if key in before]
        went_on = walk.stands.stage == "checking"
        assert set(again) == set(named) if went_on else set(again) <= set(named), (one.key, other)


def _is_named(key: str, said: str) -> bool:
    title = question(key).says("en", "title").rstrip("*?")
    titles = said.removeprefix(line("scenes.asking.changes_others", titles="|").split("|")[0])
    return title in titles.rsplit(".", maxsplit=2)[0].split(", ")


@pytest.mark.parametrize("name", FULL)
def test_what_is_asked_again_offers_the_old_answer(name: str) -> None:
    start = places()[name]
    for one, other in _changes(start):
        walk = start.copy()
        before = walk.counting
        _change(walk, one, other)
        if not walk.stands.waiting:
            continue
        walk.press("change_it")
        if walk.stands.stage == "asking" and walk.open in before:
            key = walk.open
            assert walk.sees(f"keep:{key}")
            walk.press(f"keep:{key}")
            assert walk.counting[key] == before[key]


@pytest.mark.parametrize("name", FULL)
def test_leaving_it_as_it_was_changes_nothing(name: str) -> None:
    start = places()[name]
    for one, other in _changes(start):
        walk = start.copy()
        before = walk.counting
        _change(walk, one, other)
        if walk.stands.waiting:
            walk.press("leave_it")
            assert (walk.counting, walk.stands.stage) == (before, "checking")


def test_along_random_ways_only_what_depends_is_lost() -> None:
    random = Random(20261123)
    for _ in range(25):
        walk = begin_self()
        for _ in range(30):
            one = journey.open_question(walk.stands)
            if walk.stands.stage != "asking" or one is None:
                break
            walk.answer(random.choice([*one.options, *one.also]) if one.options else "")
        if walk.stands.stage != "checking":
            continue
        one, other = random.choice(_changes(walk))
        before = walk.counting
        _change(walk, one, other)
        if walk.stands.waiting:
            walk.press("change_it")
        lost = {key for key in before if key != one.key and key not in walk.counting}
        assert all(_depends_on(key, one.key) for key in lost)


def test_an_answer_off_the_path_does_not_count_but_comes_back_with_its_question() -> None:
    walk = begin_self().go_on({"known": "yes", "relationship": "family"}, until="their_age")
    assert "still_happening" in walk.counting
    walk.say("change")
    walk.press("reopen:known")
    walk.press("answer:known:no")
    assert not {"relationship", "still_happening"} & set(walk.counting)
    walk.say("change")
    walk.press("reopen:known")
    walk.press("answer:known:yes")
    assert walk.open == "relationship"
    assert walk.sees("keep:relationship")


def test_the_open_question_is_the_first_without_an_answer() -> None:
    for walk in ANSWERED.values():
        one = journey.first_unanswered(walk.stands)
        if one is None:
            continue
        on_path = journey.path(walk.stands)
        before = on_path[: on_path.index(one)]
        assert all(other.key in walk.counting or other.offered for other in before)
        assert one.key not in walk.counting


def test_answers_that_count_are_on_the_path_in_its_order() -> None:
    for walk in places().values():
        on_path = [one.key for one in journey.path(walk.stands)]
        counting = list(walk.counting)
        assert [key for key in on_path if key in counting] == counting


def test_an_option_that_is_no_longer_offered_no_longer_counts() -> None:
    walk = begin_self().go_on({}, until="known")
    old = tuple(
        replace(one, value="piracy") if one.question == "harm" else one
        for one in walk.stands.answers
    )
    assert "harm" not in journey.counting(replace(walk.stands, answers=old))


def test_a_question_that_is_no_longer_asked_is_not_looked_at() -> None:
    walk = begin_self().go_on({}, until="known")
    looking = replace(walk.stands, looking_at="star_sign")
    assert journey.open_question(looking) == question("known")


def test_every_condition_and_every_reference_to_a_question_exists() -> None:
    keys = {one.key for one in questions()}
    for one in questions():
        assert set(one.rests_on) <= keys
        assert not one.when or one.when in journey.CONDITIONS
        assert set(READ_BY) == set(journey.CONDITIONS)
        for other, values in one.only_if:
            assert set(values) <= set(question(other).options)


def test_what_a_question_rests_on_is_asked_before_it() -> None:
    order = [one.key for one in questions()]
    for one in questions():
        assert all(order.index(other) < order.index(one.key) for other in one.rests_on)


def test_nothing_is_asked_of_a_journey_that_does_not_exist() -> None:
    assert journey.path(Conversation(journey="nobody")) == ()
    assert journey.open_question(Conversation()) is None


def test_a_known_officer_is_not_asked_who_they_are() -> None:
    asked = {one.key for one in journey.path(begin_officer(PC_REED).stands)}
    assert not {"officer_name", "officer_agency", "officer_contact"} & asked
    new = {one.key for one in journey.path(begin_officer(None).stands)}
    assert {"officer_name", "officer_agency", "officer_contact"} <= new


def test_skipping_and_not_saying_are_kept_apart() -> None:
    walk = begin_self()
    walk.answer(Given.RATHER_NOT_SAY)
    walk.answer(Given.NOT_SURE)
    assert walk.counting["age"] == ("", Given.RATHER_NOT_SAY)
    assert walk.counting["wish"] == ("", Given.NOT_SURE)
