"""The words of the service are proofread, and the proofreader sees what it should see."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest

from bot.proofreading import ProofreadingReport, find_problems, proofread, readability, tables
from bot.proofreading.texts import (
    DISCREET_PREFIXES,
    NOT_PROSE,
    OFFICIAL_FORM_LABELS,
    LanguageTexts,
    language_differences,
    language_texts,
    text_problems,
)
from bot.proofreading.wording_keys import CODE_ROOT, WordingKeys, wording_keys
from flows import content_files
from flows.questions import answer_types
from flows.questions.questionnaire import all_questions
from flows.referral import rules
from flows.referral.rules import Facts, Requester, TriState
from flows.scenes import stopped
from flows.understanding import faq
from flows.wording import helplines

Seen = Callable[[LanguageTexts], list[str]]
TODAY = max(topic.reviewed_on for topic in faq.topics())


@pytest.fixture(scope="session")
def report() -> ProofreadingReport:
    """Return what the proofreader says of the words as they are."""
    return proofread(TODAY)


@pytest.fixture(scope="session")
def keys() -> WordingKeys:
    """Return what the code asks for."""
    return wording_keys()


@pytest.fixture(scope="session")
def english() -> LanguageTexts:
    """Return what is said in English."""
    return language_texts("en", content_files.load_language("en"))


def changed(pages: LanguageTexts, texts: dict[str, str]) -> LanguageTexts:
    """Return the pages with some texts changed."""
    return LanguageTexts(pages.language, {**pages.texts, **texts}, pages.lists)


@pytest.fixture(scope="session")
def seen(english: LanguageTexts, keys: WordingKeys) -> Seen:
    """Return what tells what the proofreader sees in changed pages and did not see before."""
    known = frozenset(text_problems(english, keys))
    return lambda after: [line for line in text_problems(after, keys) if line not in known]


def test_nothing_is_wrong_with_the_words(report: ProofreadingReport) -> None:
    assert report.errors == ()


def test_the_figures_tell_how_much_and_how_hard(report: ProofreadingReport) -> None:
    told = "\n".join(report.figures)
    assert f"topics: {len(faq.topics())} with" in told
    assert "hardest message" in told
    assert "hardest answer" in told
    assert "questions as typed" in told
    assert "false alarms" in told


def test_what_nobody_confirmed_is_a_warning_and_never_wrong(report: ProofreadingReport) -> None:
    told = "\n".join(report.warnings)
    assert "The service has not confirmed" in told
    for line, row in helplines().items():
        assert (row["status"] == "to_check") == (f"the helpline {line} has still" in told)


def test_what_was_reviewed_long_ago_is_a_warning_and_never_wrong() -> None:
    wrong, warnings = find_problems(TODAY + tables.REVIEW_AFTER + timedelta(days=1))
    assert wrong == ()
    old = [line for line in warnings if "last reviewed" in line or "last checked" in line]
    assert len(old) == len(faq.topics()) + len(helplines())
    _, fresh = find_problems(TODAY + tables.REVIEW_AFTER)
    assert not [line for line in fresh if "last reviewed" in line]


# --- what the proofreader sees


def test_a_text_that_is_missing_is_seen(english: LanguageTexts, seen: Seen) -> None:
    gone = {key: text for key, text in english.texts.items() if key != "scenes.paused.left"}
    after = LanguageTexts("en", gone, english.lists)
    assert seen(after) == ["en: scenes.paused.left is not said."]


def test_a_text_that_is_never_used_is_seen(english: LanguageTexts, seen: Seen) -> None:
    after = changed(english, {"scenes.paused.leftover": "You left."})
    assert seen(after) == ["en: scenes.paused.leftover is never used."]


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        ("commands.again.sure", "Sure, {name}?", "nobody fills: name"),
        ("commands.again.sure", "Call {999} now.", "nobody fills: 999"),
        ("commands.again.sure", "Sure {or not?", "does not open or close"),
        ("scenes.asking.change_it", "Yes, change that answer and everything after", "on a button"),
        (
            "questions.wish.options.pushed",
            "It was really someone else who wanted this",
            "on a button",
        ),
        ("scenes.welcome.hello", "Hello. " * 60, "60 words"),
        ("faq.cost.answer", "It is free. " * 32, "96 words"),
        ("telegram.description", "We help. " * 60, "longer than 512"),
        ("telegram.short_description", "We help. " * 14, "longer than 120"),
        ("telegram.commands.help", "We help. " * 30, "longer than 256"),
        ("errors.name.first", "That is invalid.", "says invalid"),
        ("errors.name.first", "Type a name \u2014 any name.", "says a long dash"),
        ("errors.name.first", "Letters & spaces only.", "says an ampersand"),
        ("cards.what.text", "It is a journey.", "says journey"),
        ("cards.what.text", "You can face your  Offender.", "says your offender"),
        ("scenes.paused.left", "We cleared what you said about the crime.", "in a hurry"),
        ("telegram.name", "Restorative Kent", "list of chats"),
        ("desk.alerts.new", "{reference}: a victim. {due}", "locked screen"),
        (
            "scenes.paused.left",
            "Notwithstanding considerable organisational uncertainty, participation "
            "continues irrespective of circumstances surrounding individual applications.",
            "grade",
        ),
    ],
)
def test_what_is_unkind_or_too_much_is_seen(
    english: LanguageTexts, seen: Seen, key: str, text: str, says: str
) -> None:
    found = seen(changed(english, {key: text}))
    assert [line for line in found if key in line and says in line], found


def test_short_texts_are_graded_together(english: LanguageTexts, seen: Seen) -> None:
    hard = "Unsuccessful authorisation; reconsider organisational circumstances accordingly."
    texts = {key: hard for key in english.texts if key.startswith("errors.email.")}
    found = seen(changed(english, texts))
    assert [line for line in found if "errors.email (short texts together)" in line]


def test_another_language_has_the_same_texts_and_blanks(english: LanguageTexts) -> None:
    welsh = LanguageTexts("cy", dict(english.texts), english.lists)
    assert list(language_differences([english, welsh])) == []
    less = {key: text for key, text in english.texts.items() if key != "scenes.paused.left"}
    other = {**less, "scenes.sent.now": "Mae {phone} yma."}
    assert list(language_differences([english, LanguageTexts("cy", other, english.lists)])) == [
        "scenes.paused.left is not said in both en and cy.",
        "scenes.sent.now has other blanks in cy than in en.",
    ]


def test_a_helpline_without_a_number_or_a_day_is_seen() -> None:
    sound = {"number": "999", "hours": "always", "for_whom": "all", "status": "checked"}
    assert not [*tables.helpline_problems({"a": {**sound, "checked_on": TODAY}})]
    assert [*tables.helpline_problems({"a": sound})]
    assert [*tables.helpline_problems({"a": {"checked_on": date(2026, 1, 1)}})]


# --- how it finds out what is used


@pytest.fixture
def new_code(tmp_path: Path) -> WordingKeys:
    """Return what code asks for that somebody has just written."""
    for room in ("flows", "bot"):
        (tmp_path / room).mkdir()
    (tmp_path / "flows" / "new.py").write_text(
        'say(language, "scenes.brand.new")\n'
        'say(language, f"scenes.brand_new.{one}")\n'
        'say(language, f"{any}.at_all")\n'
        'button_for(conversation, "scenes.brand.button" if one else "scenes.brand.other", "")\n'
        'button(conversation, say(language, "scenes.brand.called"), "press")\n'
        'read("cards.toml")\n'
    )
    return wording_keys(tmp_path)


def test_a_key_in_new_code_must_be_said(english: LanguageTexts, new_code: WordingKeys) -> None:
    found = list(text_problems(english, new_code))
    assert "en: scenes.brand.new is not said." in found
    assert "cards.toml" not in new_code.required


def test_a_blank_in_a_key_stands_for_anything_but_a_dot(new_code: WordingKeys) -> None:
    assert new_code.may_use("scenes.brand_new.word")
    assert not new_code.may_use("scenes.brand_new.word.more")
    assert not new_code.may_use("scenes.brand_new")
    assert not new_code.may_use("scenes.at_all")


def test_what_stands_on_a_button_is_known(new_code: WordingKeys) -> None:
    found = {label for label in new_code.button_labels if label.startswith("scenes.brand")}
    assert found == {f"scenes.brand.{one}" for one in ("button", "other", "called")}


@pytest.mark.parametrize(
    "key",
    [
        "commands.words.leave",
        "cards.rights.text",
        "crisis.suicidal.text",
        "desk.acts.claim",
        "desk.flags.danger_suicidal",
        "desk.reasons.somebody_under_18",
        "desk.stages.waiting",
        "faq.cost.answer",
        "faq.privacy.title",
        "questions.harm.why",
        "questions.district.options.swale",
        "scenes.stopped.pushed",
        "scenes.welcome.buttons.self",
    ],
)
def test_what_our_tables_name_must_be_said(english: LanguageTexts, seen: Seen, key: str) -> None:
    kept = {name: text for name, text in english.texts.items() if name != key}
    lists = {name: text for name, text in english.lists.items() if name != key}
    assert f"en: {key} is not said." in seen(LanguageTexts("en", kept, lists))


@pytest.mark.parametrize(
    "key",
    [
        "cards.gone.text",
        "faq.gone.answer",
        "questions.gone.ask",
        "questions.harm.options.gone",
        "scenes.stopped.gone",
    ],
)
def test_what_no_table_names_any_more_is_never_used(keys: WordingKeys, key: str) -> None:
    assert not keys.may_use(key)


def test_every_reason_to_stop_has_a_way_back() -> None:
    kinds_of_facts = (
        Facts(
            requester=who,
            consent=consent,
            wants_to_take_part=wish,
            domestic_or_sexual=kind,
            victim_asked=asked,
            in_area=area,
            is_dispute=dispute,
        )
        for who, (consent, wish, kind, asked, area, dispute) in product(
            Requester, product(TriState, repeat=6)
        )
    )
    found = {rules.stop_reason(facts) for facts in kinds_of_facts} - {""}
    assert found == set(stopped.DECIDING_QUESTIONS)


def test_every_way_of_not_understanding_has_words(english: LanguageTexts) -> None:
    source = (CODE_ROOT / "flows" / "questions" / "answer_types.py").read_text()
    whys = set(re.findall(r'Invalid\(\s*"([a-z_.]+)"', source))
    whys |= set(re.findall(r'return "([a-z_.]+)"', source))
    assert len(whys) >= 8
    for why in whys:
        assert {f"errors.{why}", f"errors.{why}.first"} & english.texts.keys(), why
    assert answer_types.PARSERS.keys() >= {one.kind for one in all_questions()}


# --- the formula, and what is left out of it


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("You can stop at any time. It is your choice. We are here to help you.", -5, 2),
        ("We ask so that the right person can call you. Only our staff see this.", -2, 4),
        (
            "Restorative approaches facilitate constructive dialogue between individuals "
            "responsible for offending behaviour and communities experiencing consequences.",
            20,
            40,
        ),
    ],
)
def test_the_grade_follows_how_hard_a_text_is(text: str, least: float, most: float) -> None:
    assert least <= readability.coleman_liau_grade(text) <= most


def test_the_grade_is_that_of_the_formula() -> None:
    ten_words_of_five_letters = " ".join(["aaaaa"] * 10) + "."
    assert readability.coleman_liau_grade(ten_words_of_five_letters) == pytest.approx(
        0.0588 * 500 - 0.296 * 10 - 15.8
    )
    with pytest.raises(ValueError, match="no words"):
        readability.coleman_liau_grade("  ")


def test_only_the_labels_of_the_form_and_a_line_of_codes_are_left_out() -> None:
    questions_left_out = {key.split(".")[1] for key in NOT_PROSE if key.startswith("questions.")}
    assert questions_left_out == set(OFFICIAL_FORM_LABELS)
    assert len(OFFICIAL_FORM_LABELS) == 7
    others = [key for key in NOT_PROSE if not key.startswith("questions.")]
    assert others == ["scenes.card.template_text"]


def test_what_must_be_discreet_is_there(english: LanguageTexts) -> None:
    for start in DISCREET_PREFIXES:
        assert [key for key in english.texts if key.startswith(start)], start
