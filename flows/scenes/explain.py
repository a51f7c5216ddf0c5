"""What can be explained at any moment without losing the place: topics, a person, privacy, help."""

from dataclasses import replace
from datetime import datetime

from flows import moves
from flows.buttons import button, button_for, in_rows
from flows.calendar import workdays
from flows.conversation import Button, Conversation, CountEvent, Input, Pending, Reply, Turn
from flows.service import service
from flows.understanding import faq
from flows.wording import format_time, say

IN_PROGRESS_STAGES = ("notice", "asking", "checking", "stopped")


def answer_or_suggest(conversation: Conversation, typed: str) -> Turn:
    """Return a checked answer to typed words, or up to three guesses, or a way to ask a person."""
    found = faq.suggest(conversation.language, typed)
    if found.answer:
        return show_topic(conversation, found.answer)
    if found.suggestions:
        return _did_you_mean(conversation, typed, found.suggestions)
    return _no_answer(conversation, typed)


def show_topic(conversation: Conversation, id: str, edits_message_id: str | None = None) -> Turn:
    """Return the answer to a topic; when questions are under way, the open one follows again."""
    language = conversation.language
    text = say(language, f"faq.{id}.answer")
    counted = (CountEvent("topic", id),)
    if conversation.stage in IN_PROGRESS_STAGES and edits_message_id is None:
        return Turn(conversation, (Reply(text),), counted, rerender=True)
    group = next(one.group for one in faq.topics() if one.id == id)
    rows = [
        button_for(conversation, "scenes.learning.more_questions", "group", group),
        *_offender_callback_buttons(conversation, id),
        *onward_buttons(conversation),
    ]
    return Turn(
        conversation, (Reply(text, in_rows(rows), edits_message_id=edits_message_id),), counted
    )


def _offender_callback_buttons(conversation: Conversation, id: str) -> list[Button]:
    """The person responsible may ask too: a call that staff know comes from them."""
    if id != "offender_side" or conversation.stage in IN_PROGRESS_STAGES:
        return []
    return [button_for(conversation, "anytime.person.call_me", "call_me", "responsible")]


def show_topic_groups(conversation: Conversation, edits_message_id: str | None = None) -> Turn:
    """Return the list of groups of questions."""
    language = conversation.language
    rows = [
        button(conversation, say(language, f"faq.{group}.title"), "group", group)
        for group in faq.groups()
    ]
    text = say(language, "scenes.learning.which")
    return Turn(
        conversation,
        (
            Reply(
                text,
                in_rows([*rows, *onward_buttons(conversation)]),
                edits_message_id=edits_message_id,
            ),
        ),
    )


def show_topic_group(
    conversation: Conversation, id: str, edits_message_id: str | None = None
) -> Turn:
    """Return the questions of one group."""
    language = conversation.language
    rows = [
        button(conversation, say(language, f"faq.{one.id}.title"), "topic", one.id)
        for one in faq.topics_in_group(id)
    ]
    rows.append(button_for(conversation, "anytime.faq.list", "questions"))
    text = say(language, "scenes.learning.which_group")
    return Turn(
        conversation,
        (
            Reply(
                text,
                in_rows([*rows, *onward_buttons(conversation)]),
                edits_message_id=edits_message_id,
            ),
        ),
    )


def show_contact_options(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return how to reach a person: the telephone, its hours, or a call from us."""
    language = conversation.language
    text = f"{say(language, 'anytime.person.text')}\n\n{_opening_status(language, now)}"
    filing = conversation.journey == "officer" and conversation.stage in IN_PROGRESS_STAGES
    call = [] if filing else [button_for(conversation, "anytime.person.call_me", "call_me")]
    rows = [*call, *onward_buttons(conversation)]
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def show_privacy(conversation: Conversation, user_input: Input) -> Turn:
    """Return what is kept, who sees it, and how to have it deleted."""
    language = conversation.language
    first = say(language, "anytime.privacy.text")
    more = say(language, "anytime.privacy.more")
    return Turn(
        conversation,
        (Reply(first), Reply(more, in_rows(onward_buttons(conversation)))),
        rerender=conversation.stage in IN_PROGRESS_STAGES,
    )


def show_help(conversation: Conversation) -> Turn:
    """Return what can be typed or pressed."""
    text = say(conversation.language, "anytime.help.text")
    if conversation.stage in IN_PROGRESS_STAGES:
        return Turn(conversation, (Reply(text),), rerender=True)
    rows = [button_for(conversation, "scenes.asking.last_row_questions", "questions")]
    return Turn(conversation, (Reply(text, in_rows([*rows, *onward_buttons(conversation)])),))


def show_languages(conversation: Conversation) -> Turn:
    """Return the languages on offer, or the truth that there is one, and an interpreter."""
    language, codes = conversation.language, service().languages
    if len(codes) == 1:
        rows = [button_for(conversation, "scenes.welcome.buttons.person", "person")]
        reply = Reply(
            say(language, "anytime.language.one"), in_rows([*rows, *onward_buttons(conversation)])
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
    rows.append(button_for(conversation, "anytime.faq.person", "person"))
    rows.append(button_for(conversation, "anytime.faq.keep", "pass_on"))
    text = say(language, "anytime.faq.did_you_mean")
    reply = Reply(text, in_rows([*rows, *onward_buttons(conversation)]))
    asked = replace(conversation, pending=Pending("missed", value=typed[:500]))
    return Turn(asked, (reply,), (CountEvent("faq", "suggested"),))


def _no_answer(conversation: Conversation, typed: str) -> Turn:
    kept = Pending("missed", value=typed[:500])
    asked = replace(conversation, pending=kept)
    rows = [
        button_for(conversation, "anytime.faq.person", "person"),
        button_for(conversation, "anytime.faq.list", "questions"),
        button_for(conversation, "anytime.faq.keep", "pass_on"),
        *onward_buttons(conversation),
    ]
    reply = Reply(say(conversation.language, "anytime.faq.none"), in_rows(rows))
    return Turn(asked, (reply,), (CountEvent("faq", "missed"),))


def onward_buttons(conversation: Conversation) -> list[Button]:
    """Return the way on from an explanation: back to the question, or the first door."""
    if conversation.stage in IN_PROGRESS_STAGES or moves.has_draft(conversation):
        return [button_for(conversation, "scenes.learning.to_question", "here")]
    if conversation.stage in ("sent", "withdrawn"):
        return [button_for(conversation, "scenes.asking.last_row_back", "here")]
    return [
        button_for(conversation, "scenes.welcome.buttons.self", "go", "self"),
        button_for(conversation, "scenes.asking.last_row_back", "here"),
    ]


def _opening_status(language: str, now: datetime) -> str:
    opens = workdays.next_opening(now, service())
    if opens is None:
        return say(language, "anytime.person.open_now")
    return say(language, "anytime.person.closed_now", opens_next=format_time(language, opens))
