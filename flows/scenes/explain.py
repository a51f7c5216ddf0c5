"""What can be explained at any moment without losing the place: topics, a person, privacy, help."""

from dataclasses import replace
from datetime import datetime

from flows.calendar import workdays
from flows.conversation import Button, Conversation, CountEvent, Reply, Turn
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb, button, button_for, in_rows
from flows.interaction.moment import Moment
from flows.pending import UnansweredQuestion
from flows.service import service
from flows.stages import DONE, DRAFT
from flows.understanding import faq
from flows.vocabulary import CounterEvent, FaqOutcome, Journey
from flows.wording import format_time, say

OFFENDER_ARG = "responsible"
"""On the button for a call-back that the person responsible asks for."""
OFFENDER_TOPIC = "offender_side"
"""The topic that speaks to the person responsible."""
KEPT_QUESTION_MAX = 500
"""Characters kept of a question without an answer."""


def answer_or_suggest(moment: Moment) -> Turn:
    """Return a checked answer to typed words, or up to three guesses, or a way to ask a person."""
    conversation = moment.conversation
    found = faq.suggest(conversation.language, moment.text)
    if found.answer:
        return show_topic(conversation, found.answer)
    if found.suggestions:
        return _did_you_mean(conversation, moment.text, found.suggestions)
    return _no_answer(conversation, moment.text)


def show_topic(conversation: Conversation, id: str, edits_message_id: str | None = None) -> Turn:
    """Return the answer to a topic; when questions are under way, the open one follows again."""
    language = conversation.language
    text = say(language, f"faq.{id}.answer")
    counted = (CountEvent(CounterEvent.TOPIC, id),)
    if conversation.stage in DRAFT and edits_message_id is None:
        return Turn(conversation, (Reply(text),), counted, rerender=True)
    group = next(one.group for one in faq.topics() if one.id == id)
    rows = [
        button_for(conversation, "scenes.learning.more_questions", ButtonVerb.TOPIC_GROUP, group),
        *_offender_callback_buttons(conversation, id),
        *onward_buttons(conversation),
    ]
    return Turn(conversation, (Reply(text, in_rows(rows), edits_message_id),), counted)


def _offender_callback_buttons(conversation: Conversation, id: str) -> list[Button]:
    """The person responsible may ask too: a call that staff know comes from them."""
    if id != OFFENDER_TOPIC or conversation.stage in DRAFT:
        return []
    return [button_for(conversation, "commands.person.call_me", ButtonVerb.CALL_ME, OFFENDER_ARG)]


def show_topic_groups(moment: Moment) -> Turn:
    """Return the list of groups of questions."""
    conversation, language = moment.conversation, moment.conversation.language
    rows = [
        button(conversation, say(language, f"faq.{group}.title"), ButtonVerb.TOPIC_GROUP, group)
        for group in faq.groups()
    ]
    text = say(language, "scenes.learning.which")
    return Turn(conversation, (Reply(text, in_rows([*rows, *onward_buttons(conversation)])),))


def show_topic_group(
    conversation: Conversation, id: str, edits_message_id: str | None = None
) -> Turn:
    """Return the questions of one group."""
    language = conversation.language
    rows = [
        button(conversation, say(language, f"faq.{one.id}.title"), ButtonVerb.TOPIC, one.id)
        for one in faq.topics_in_group(id)
    ]
    rows.append(button_for(conversation, "commands.faq.list", ButtonVerb.QUESTIONS))
    text = say(language, "scenes.learning.which_group")
    buttons = in_rows([*rows, *onward_buttons(conversation)])
    return Turn(conversation, (Reply(text, buttons, edits_message_id),))


def show_contact_options(moment: Moment) -> Turn:
    """Return how to reach a person: the telephone, its hours, or a call from us."""
    conversation = moment.conversation
    language = conversation.language
    text = f"{say(language, 'commands.person.text')}\n\n{_opening_status(language, moment.now)}"
    # An officer who is filing a referral is the one who will be rung anyway.
    filing = conversation.journey == Journey.OFFICER and conversation.stage in DRAFT
    rows = onward_buttons(conversation)
    if not filing:
        rows = [button_for(conversation, "commands.person.call_me", ButtonVerb.CALL_ME), *rows]
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def show_privacy(moment: Moment) -> Turn:
    """Return what is kept, who sees it, and how to have it deleted."""
    conversation = moment.conversation
    language = conversation.language
    first = Reply(say(language, "commands.privacy.text"))
    more = Reply(say(language, "commands.privacy.more"), in_rows(onward_buttons(conversation)))
    return Turn(conversation, (first, more), rerender=conversation.stage in DRAFT)


def show_help(moment: Moment) -> Turn:
    """Return what can be typed or pressed."""
    conversation = moment.conversation
    text = say(conversation.language, "commands.help.text")
    if conversation.stage in DRAFT:
        return Turn(conversation, (Reply(text),), rerender=True)
    rows = [button_for(conversation, "scenes.asking.last_row_questions", ButtonVerb.QUESTIONS)]
    return Turn(conversation, (Reply(text, in_rows([*rows, *onward_buttons(conversation)])),))


def show_languages(moment: Moment) -> Turn:
    """Return the languages on offer, or the truth that there is one, and an interpreter."""
    conversation = moment.conversation
    language, codes = conversation.language, service().languages
    if len(codes) == 1:
        rows = [button_for(conversation, "scenes.welcome.buttons.person", ButtonVerb.PERSON)]
        rows += onward_buttons(conversation)
        return Turn(conversation, (Reply(say(language, "commands.language.one"), in_rows(rows)),))
    rows = [
        button(
            conversation, say(code, f"commands.language_names.{code}"), ButtonVerb.LANGUAGE, code
        )
        for code in codes
    ]
    return Turn(conversation, (Reply(say(language, "commands.language.which"), in_rows(rows)),))


def _did_you_mean(conversation: Conversation, typed: str, ids: tuple[str, ...]) -> Turn:
    language = conversation.language
    rows = [
        button(conversation, say(language, f"faq.{id}.title"), ButtonVerb.TOPIC, id)
        for id in ids[:3]
    ]
    rows.append(button_for(conversation, "commands.faq.person", ButtonVerb.PERSON))
    rows.append(button_for(conversation, "commands.faq.keep", ButtonVerb.SAVE_QUESTION))
    text = say(language, "commands.faq.did_you_mean")
    reply = Reply(text, in_rows([*rows, *onward_buttons(conversation)]))
    asked = replace(conversation, pending=UnansweredQuestion(typed[:KEPT_QUESTION_MAX]))
    return Turn(asked, (reply,), (CountEvent(CounterEvent.FAQ, FaqOutcome.SUGGESTED),))


def _no_answer(conversation: Conversation, typed: str) -> Turn:
    asked = replace(conversation, pending=UnansweredQuestion(typed[:KEPT_QUESTION_MAX]))
    rows = [
        button_for(conversation, "commands.faq.person", ButtonVerb.PERSON),
        button_for(conversation, "commands.faq.list", ButtonVerb.QUESTIONS),
        button_for(conversation, "commands.faq.keep", ButtonVerb.SAVE_QUESTION),
        *onward_buttons(conversation),
    ]
    reply = Reply(say(conversation.language, "commands.faq.none"), in_rows(rows))
    return Turn(asked, (reply,), (CountEvent(CounterEvent.FAQ, FaqOutcome.MISSED),))


def onward_buttons(conversation: Conversation) -> list[Button]:
    """Return what follows an explanation: the open question, or the welcome."""
    if conversation.stage in DRAFT or moves.has_draft(conversation):
        return [button_for(conversation, "scenes.learning.to_question", ButtonVerb.RERENDER)]
    if conversation.stage in DONE:
        return [button_for(conversation, "scenes.asking.last_row_back", ButtonVerb.RERENDER)]
    return [
        button_for(conversation, "scenes.welcome.buttons.self", ButtonVerb.WELCOME_CHOICE, "self"),
        button_for(conversation, "scenes.asking.last_row_back", ButtonVerb.RERENDER),
    ]


def _opening_status(language: str, now: datetime) -> str:
    opens = workdays.next_opening(now, service())
    if opens is None:
        return say(language, "commands.person.open_now")
    return say(language, "commands.person.closed_now", opens_next=format_time(language, opens))
