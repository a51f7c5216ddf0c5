"""What can be explained at any moment without losing the place: topics, a person, privacy, help."""

from dataclasses import replace
from datetime import datetime

from flows import moves
from flows.buttons import button, in_rows, said
from flows.calendar import workdays
from flows.conversation import Button, Conversation, Count, Heard, Reply, Turn, Waiting
from flows.service import service
from flows.understanding import faq
from flows.wording import say, spoken_time

BUSY = ("notice", "asking", "checking", "stopped")


def answer_or_suggest(conversation: Conversation, typed: str) -> Turn:
    """Return a checked answer to typed words, or up to three guesses, or a way to ask a person."""
    found = faq.suggest(conversation.language, typed)
    if found.answer:
        return topic(conversation, found.answer)
    if found.suggestions:
        return _did_you_mean(conversation, typed, found.suggestions)
    return _no_answer(conversation, typed)


def topic(conversation: Conversation, id: str, edits: str | None = None) -> Turn:
    """Return the answer to a topic; when questions are under way, the open one follows again."""
    language = conversation.language
    text = say(language, f"faq.{id}.answer")
    counted = (Count("topic", id),)
    if conversation.stage in BUSY and edits is None:
        return Turn(conversation, (Reply(text),), counted, shows=True)
    group = next(one.group for one in faq.topics() if one.id == id)
    rows = [
        said(conversation, "scenes.learning.more_questions", "group", group),
        *_call_for_the_other_side(conversation, id),
        *ways_on(conversation),
    ]
    return Turn(conversation, (Reply(text, in_rows(rows), edits=edits),), counted)


def _call_for_the_other_side(conversation: Conversation, id: str) -> list[Button]:
    """The person responsible may ask too: a call that staff know comes from them."""
    if id != "offender_side" or conversation.stage in BUSY:
        return []
    return [said(conversation, "anytime.person.call_me", "call_me", "responsible")]


def groups(conversation: Conversation, edits: str | None = None) -> Turn:
    """Return the list of groups of questions."""
    language = conversation.language
    rows = [
        button(conversation, say(language, f"faq.{group}.title"), "group", group)
        for group in faq.groups()
    ]
    text = say(language, "scenes.learning.which")
    return Turn(conversation, (Reply(text, in_rows([*rows, *ways_on(conversation)]), edits=edits),))


def group(conversation: Conversation, id: str, edits: str | None = None) -> Turn:
    """Return the questions of one group."""
    language = conversation.language
    rows = [
        button(conversation, say(language, f"faq.{one.id}.title"), "topic", one.id)
        for one in faq.in_group(id)
    ]
    rows.append(said(conversation, "anytime.faq.list", "questions"))
    text = say(language, "scenes.learning.which_group")
    return Turn(conversation, (Reply(text, in_rows([*rows, *ways_on(conversation)]), edits=edits),))


def a_person(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return how to reach a person: the telephone, its hours, or a call from us."""
    language = conversation.language
    text = f"{say(language, 'anytime.person.text')}\n\n{_open_or_not(language, now)}"
    filing = conversation.journey == "officer" and conversation.stage in BUSY
    call = [] if filing else [said(conversation, "anytime.person.call_me", "call_me")]
    rows = [*call, *ways_on(conversation)]
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def privacy(conversation: Conversation, heard: Heard) -> Turn:
    """Return what is kept, who sees it, and how to have it deleted."""
    language = conversation.language
    first = say(language, "anytime.privacy.text")
    more = say(language, "anytime.privacy.more")
    return Turn(
        conversation,
        (Reply(first), Reply(more, in_rows(ways_on(conversation)))),
        shows=conversation.stage in BUSY,
    )


def help_text(conversation: Conversation) -> Turn:
    """Return what can be typed or pressed."""
    text = say(conversation.language, "anytime.help.text")
    if conversation.stage in BUSY:
        return Turn(conversation, (Reply(text),), shows=True)
    rows = [said(conversation, "scenes.asking.last_row_questions", "questions")]
    return Turn(conversation, (Reply(text, in_rows([*rows, *ways_on(conversation)])),))


def languages(conversation: Conversation) -> Turn:
    """Return the languages on offer, or the truth that there is one, and an interpreter."""
    language, codes = conversation.language, service().languages
    if len(codes) == 1:
        rows = [said(conversation, "scenes.welcome.buttons.person", "person")]
        reply = Reply(
            say(language, "anytime.language.one"), in_rows([*rows, *ways_on(conversation)])
        )
        return Turn(conversation, (reply,))
    rows = [
        button(conversation, say(code, f"anytime.language_names.{code}"), "speak", code)
        for code in codes
    ]
    return Turn(conversation, (Reply(say(language, "anytime.language.which"), in_rows(rows)),))


def _did_you_mean(conversation: Conversation, typed: str, ids: tuple[str, ...]) -> Turn:
    language = conversation.language
    rows = [button(conversation, say(language, f"faq.{id}.title"), "topic", id) for id in ids[:3]]
    rows.append(said(conversation, "anytime.faq.person", "person"))
    rows.append(said(conversation, "anytime.faq.keep", "pass_on"))
    text = say(language, "anytime.faq.did_you_mean")
    reply = Reply(text, in_rows([*rows, *ways_on(conversation)]))
    asked = replace(conversation, waiting=Waiting("missed", value=typed[:500]))
    return Turn(asked, (reply,), (Count("faq", "suggested"),))


def _no_answer(conversation: Conversation, typed: str) -> Turn:
    kept = Waiting("missed", value=typed[:500])
    asked = replace(conversation, waiting=kept)
    rows = [
        said(conversation, "anytime.faq.person", "person"),
        said(conversation, "anytime.faq.list", "questions"),
        said(conversation, "anytime.faq.keep", "pass_on"),
        *ways_on(conversation),
    ]
    reply = Reply(say(conversation.language, "anytime.faq.none"), in_rows(rows))
    return Turn(asked, (reply,), (Count("faq", "missed"),))


def ways_on(conversation: Conversation) -> list[Button]:
    """Return the way on from an explanation: back to the question, or the first door."""
    if conversation.stage in BUSY or moves.has_draft(conversation):
        return [said(conversation, "scenes.learning.to_question", "here")]
    if conversation.stage in ("sent", "withdrawn"):
        return [said(conversation, "scenes.asking.last_row_back", "here")]
    return [
        said(conversation, "scenes.welcome.buttons.self", "go", "self"),
        said(conversation, "scenes.asking.last_row_back", "here"),
    ]


def _open_or_not(language: str, now: datetime) -> str:
    opens = workdays.opening(now, service())
    if opens is None:
        return say(language, "anytime.person.open_now")
    return say(language, "anytime.person.closed_now", opens_next=spoken_time(language, opens))
