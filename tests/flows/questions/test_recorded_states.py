"""A conversation in progress survives a changed questionnaire: recorded ones are finished.

`python -m tests.support.flow_client` records where people stand today, beside earlier wordings.
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from flows import content_files, wording
from flows.content_files import ContentTree
from flows.conversation import Conversation
from flows.questions import journey, questionnaire
from flows.vocabulary import AnswerStatus
from storage.serialization import dumps, loads
from tests.support.flow_client import (
    FULL_ANSWERS,
    MONDAY,
    RECORDED_DIR,
    FlowClient,
    begin_officer,
    begin_self,
    distinct_states,
    finish,
)

Change = Callable[[list[ContentTree], ContentTree], None]


def _row(rows: list[ContentTree], key: str) -> ContentTree:
    return next(row for row in rows if row["key"] == key)


def _as_it_is(rows: list[ContentTree], words: ContentTree) -> None:
    """Nothing changes."""


def _one_removed(rows: list[ContentTree], words: ContentTree) -> None:
    for key in ("their_age", "contacted"):
        rows.remove(_row(rows, key))


def _one_with_dependants_removed(rows: list[ContentTree], words: ContentTree) -> None:
    rows.remove(_row(rows, "relationship"))
    _row(rows, "still_happening")["depends_on"] = ["harm"]


def _option_renamed(rows: list[ContentTree], words: ContentTree) -> None:
    """The words stay; the key of what most people chose is another."""
    for key in ("harm", "offence"):
        options = _row(rows, key)["options"]
        options[options.index("theft")] = "stolen"
    words["questions"]["harm"]["options"]["stolen"] = "Something was stolen"
    words["questions"]["harm"]["typed"]["stolen"] = ["stolen"]


def _option_removed(rows: list[ContentTree], words: ContentTree) -> None:
    _row(rows, "way")["options"].remove("call")
    _row(rows, "agreed")["options"].remove("me_today")


def _one_added(rows: list[ContentTree], words: ContentTree) -> None:
    """A question that everybody is asked is added in the middle."""
    asked = {
        "key": "letter",
        "journeys": ["self", "callback", "officer"],
        "kind": "choice",
        "options": ["yes", "no"],
        "non_answers": ["not_sure"],
    }
    rows.insert(rows.index(_row(rows, "name")), asked)
    words["questions"]["letter"] = {
        "title": "By post",
        "ask": "May we send a letter?",
        "why": "We ask because some people like letters.",
        "options": {"yes": "Yes", "no": "No"},
    }


def _in_another_order(rows: list[ContentTree], words: ContentTree) -> None:
    rows.insert(0, rows.pop(rows.index(_row(rows, "their_age"))))
    rows.insert(0, rows.pop(rows.index(_row(rows, "line"))))
    rows.append(rows.pop(rows.index(_row(rows, "wish"))))


def _made_choice_of_words(rows: list[ContentTree], words: ContentTree) -> None:
    """What was typed freely is now chosen from a list."""
    _row(rows, "code_word").update(kind="choice", options=["yes", "no"])
    words["questions"]["code_word"]["options"] = {"yes": "Yes", "no": "No"}


def _asked_of_everybody(rows: list[ContentTree], words: ContentTree) -> None:
    """What only some were asked is now asked of all."""
    for key in ("still_happening", "best_time", "area", "victim_asked"):
        for limit in ("only_if", "condition", "depends_on"):
            _row(rows, key).pop(limit, None)


CHANGES: tuple[Change, ...] = (
    _as_it_is,
    _one_removed,
    _one_with_dependants_removed,
    _option_renamed,
    _option_removed,
    _one_added,
    _in_another_order,
    _made_choice_of_words,
    _asked_of_everybody,
)
NAMES = [change.__name__.strip("_").replace("_", " ") for change in CHANGES]


def _forget_what_was_read() -> None:
    questionnaire.all_questions.cache_clear()
    questionnaire.get_question.cache_clear()
    journey.journey_questions.cache_clear()
    journey._path.cache_clear()
    wording._lookup.cache_clear()


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Change], None]]:
    """Put another questionnaire in the place of the real one, until the test is over."""
    real = content_files.load_toml
    told, words = deepcopy(real("questions.toml")), deepcopy(content_files.load_language("en"))

    def change_it(change: Change) -> None:
        new, said = deepcopy(told), deepcopy(words)
        change(new["question"], said)

        def read_changed(name: str) -> ContentTree:
            return new if name == "questions.toml" else real(name)

        monkeypatch.setattr(content_files, "load_toml", read_changed)
        monkeypatch.setattr(content_files, "load_language", lambda code: said)
        _forget_what_was_read()

    yield change_it
    monkeypatch.undo()
    _forget_what_was_read()


def _recorded() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(RECORDED_DIR.glob("*.json")):
        kept: dict[str, Any] = json.loads(file.read_text("utf-8"))
        found |= {f"{file.stem}: {name}": json.dumps(body) for name, body in kept.items()}
    return found


KEPT = _recorded()


def recall(kept: str) -> FlowClient:
    """Return somebody where they stood, a minute later."""
    stands = loads(Conversation, kept)
    assert stands.stage
    now = (stands.last_input_at or MONDAY) + timedelta(minutes=1)
    return FlowClient(conversation=stands, now=now)


def test_there_are_conversations_from_every_stage_and_every_question() -> None:
    assert len({name.split(":")[0] for name in KEPT}) >= 2
    stands = [recall(kept) for kept in KEPT.values()]
    asked = {walk.open_key for walk in stands}
    missing = {one.key for one in questionnaire.all_questions()} - asked - {"details"}
    assert not missing
    assert {walk.conversation.stage for walk in stands} >= {
        "welcome",
        "learning",
        "notice",
        "asking",
        "checking",
        "stopped",
        "paused",
        "sent",
        "withdrawn",
    }


@pytest.mark.parametrize("change", CHANGES, ids=NAMES)
def test_nobody_is_stranded_and_what_counts_is_sent_as_it_was_asked(
    change: Change, changed: Callable[[Change], None]
) -> None:
    changed(change)
    one_version = max(KEPT).split(":")[0]
    for name, kept in KEPT.items():
        if change is not _as_it_is and not name.startswith(one_version):
            continue
        walk = recall(kept)
        given = {one.question: one for one in walk.conversation.answers}
        walk.say("/status")
        assert walk.turn.replies, name
        if walk.conversation.stage == "sent":
            continue
        finish(walk)
        on_paper = {one.key for one in questionnaire.all_questions()}
        assert walk.record.lines
        for sent in walk.record.lines:
            assert sent.question in on_paper, name
            answered = given.get(sent.question)
            if answered and sent.answered_at == answered.answered_at:
                assert (sent.prompt, sent.wording_version) == (
                    answered.prompt,
                    answered.wording_version,
                ), name


def test_a_question_added_while_somebody_is_at_the_check_opens_first(
    changed: Callable[[Change], None],
) -> None:
    changed(_one_added)
    for name, kept in KEPT.items():
        walk = recall(kept)
        if walk.conversation.stage != "checking":
            continue
        for does in ("/status", "hello", "send"):
            arrives = recall(kept)
            arrives.say(does)
            if does == "send" and arrives.conversation.stage == "sent":
                raise AssertionError(f"{name} was sent without its answer")
            assert arrives.open_key == "letter", (name, does)
        walk.say("/status")
        walk.answer("no")
        walk.answer_until({})  # whatever else was added since it was recorded
        assert walk.conversation.stage == "checking"
        walk.press("send")
        assert "letter" in {line.question for line in walk.record.lines}


def test_send_pressed_on_a_check_from_before_asks_the_new_question_first(
    changed: Callable[[Change], None],
) -> None:
    for start in (begin_self(), begin_officer()):
        walk = start.answer_until({})
        changed(_one_added)
        walk.press("send")
        assert walk.open_key == "letter"
        assert not walk.conversation.receipt
        changed(_as_it_is)


def test_a_button_of_a_question_that_is_gone_is_answered_calmly(
    changed: Callable[[Change], None],
) -> None:
    before = begin_self().answer_until({}, until="their_age")
    changed(_one_removed)
    walk = before.copy()
    walk.press("answer:their_age:adult")
    assert walk.turn.replies
    finish(walk)
    assert "their_age" not in {line.question for line in walk.record.lines}


def test_a_button_of_an_option_that_is_gone_is_answered_calmly(
    changed: Callable[[Change], None],
) -> None:
    before = begin_self().answer_until({}, until="harm")
    changed(_option_renamed)
    walk = before.copy()
    walk.press("answer:harm:theft")
    assert walk.open_key == "harm"
    assert walk.has_button("answer:harm:stolen")


def test_an_answer_whose_option_is_gone_is_asked_again_without_an_offer_to_keep_it(
    changed: Callable[[Change], None],
) -> None:
    walk = begin_self().answer_until({})
    changed(_option_renamed)
    walk.say("/status")
    assert walk.open_key == "harm"
    assert not walk.has_button("keep:")
    walk.answer("stolen")
    walk.answer_until({})
    assert walk.current_answers["harm"] == ("stolen", AnswerStatus.ANSWERED)


def test_what_was_answered_under_another_questionnaire_does_not_trouble_the_real_one(
    changed: Callable[[Change], None],
) -> None:
    for change in CHANGES:
        changed(change)
        earlier = [
            dumps(walk.conversation)
            for starts in (begin_self, begin_officer)
            for until in ("", "way", "offence", "note")
            for walk in (starts().answer_until(FULL_ANSWERS, until=until),)
        ]
        changed(_as_it_is)
        for kept in earlier:
            walk = recall(kept)
            walk.say("/status")
            finish(walk)
            asked = {one.key for one in questionnaire.all_questions()}
            assert {line.question for line in walk.record.lines} <= asked


@pytest.mark.parametrize("waiting", ["guess", "change", "words"])
def test_what_waits_for_a_yes_about_a_question_that_is_gone_is_let_go(
    waiting: str, changed: Callable[[Change], None]
) -> None:
    before = begin_self().answer_until({}, until="known")
    changed(_one_removed)
    kept = json.loads(dumps(before.conversation))
    kept["waiting"] = {"about": waiting, "question": "their_age", "value": "adult", "given": "said"}
    for says in ("yes", "no"):
        walk = recall(json.dumps(kept))
        walk.say(says)
        assert "their_age" not in walk.current_answers
    for presses in ("change_it", "use_words", "leave_it"):
        walk = recall(json.dumps(kept))
        walk.press_bare(presses)
        assert walk.open_key == "known"


def test_a_stop_for_a_reason_that_no_longer_holds_is_lifted_by_carrying_on(
    changed: Callable[[Change], None],
) -> None:
    stopped = begin_self().answer_until({"wish": "pushed"})
    assert stopped.conversation.stage == "stopped"
    stopped.say("leave")

    def not_asked(rows: list[ContentTree], words: ContentTree) -> None:
        rows.remove(_row(rows, "wish"))

    changed(not_asked)
    stopped.say("/status")
    stopped.press("carry_on")
    assert stopped.open_key == "harm"


def test_everything_that_is_recorded_is_written_and_read_back_the_same() -> None:
    for walk in distinct_states().values():
        assert loads(Conversation, dumps(walk.conversation)) == walk.conversation
