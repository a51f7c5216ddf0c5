"""An officer's questions: one card, edited in place, with what is answered so far."""

from dataclasses import replace
from datetime import datetime

from flows.conversation import (
    Button,
    ButtonKind,
    ButtonRows,
    ClearMessage,
    Conversation,
    Reply,
    Turn,
)
from flows.inputs import ButtonPress
from flows.interaction.buttons import ButtonVerb, button_for, navigation_row
from flows.interaction.moment import Moment
from flows.pending import PasteResult
from flows.questions import journey, paste
from flows.questions.answer_types import Parsed
from flows.questions.questionnaire import CASE_REFERENCE_QUESTION, Question
from flows.scenes.answering import parsed_answer, with_answer
from flows.service import service
from flows.vocabulary import AnswerStatus, Journey
from flows.wording import say

_CONTACT_PREFIXES = ("officer_", "victim_contact")
"""Questions whose answers look like a pasted line: a name, an agency, a telephone number."""


def show_card(moment: Moment, question: Question, rows: ButtonRows) -> Turn:
    """Return the card with the open question; typed words stand on it only by editing."""
    conversation = moment.conversation
    language = conversation.language
    asked = question.prompt(language)
    if question is journey.journey_questions(Journey.OFFICER)[0]:
        rows = (*rows, (_template_button(conversation),))
    return _render_card(moment, asked, (*rows, navigation_row(conversation)))


def show_full_card(moment: Moment, rows: ButtonRows) -> Turn:
    """Return the whole card, ready to be sent."""
    conversation = moment.conversation
    return _render_card(moment, say(conversation.language, "scenes.checking.ready_card"), rows)


def card_lines(conversation: Conversation, coded_only: bool = False) -> list[str]:
    """Return each answer that counts as "title: answer", in the order asked.

    With `coded_only`, only what was chosen from a list: a new message holds no typed words.
    """
    found = journey.current_answers(conversation)
    return [
        f"{one.text(conversation.language, 'title')}: {found[one.key].label}"
        for one in journey.questions_in_chat(conversation)
        if one.key in found and not one.internal and (one.options or not coded_only)
    ]


def handle_paste(moment: Moment, question: Question) -> Turn | None:
    """Return the turn after a pasted message or a typed line; None when it holds neither.

    Every coded answer in it is taken, the rest is left out, and the message is deleted.
    """
    conversation = moment.conversation
    pasted = paste.parse_paste(moment.text, conversation.language, service().adult_age)
    # One coded piece is an answer to the open question; two are a paste. Only a case reference
    # is as sure alone, and only where it was asked for.
    is_reference = question.key == CASE_REFERENCE_QUESTION and question.key in pasted.answers
    enough = 1 if is_reference else 2
    if question.key.startswith(_CONTACT_PREFIXES) or len(pasted.answers) < enough:
        return None
    taken = _record(conversation, pasted.answers, moment.now)
    if len(pasted.answers) > 1 or pasted.unparsed:
        taken = replace(taken, pending=PasteResult(len(pasted.unparsed)))
    message_id = moment.input.message_id
    return Turn(taken, (), (ClearMessage(message_id),) if message_id else (), rerender=True)


def _record(conversation: Conversation, parsed: dict[str, Parsed], now: datetime) -> Conversation:
    for one in journey.journey_questions(Journey.OFFICER):
        if one.key in parsed:
            answer = parsed_answer(conversation, one, parsed[one.key], now)
            conversation = with_answer(conversation, answer)
    return conversation


def _render_card(moment: Moment, below: str, rows: ButtonRows) -> Turn:
    conversation = moment.conversation
    # The card that was pressed is the one in sight, even when a newer one was sent since.
    is_press = isinstance(moment.input, ButtonPress)
    card = moment.input.message_id if is_press else conversation.card_message_id
    intro = say(conversation.language, "scenes.card.head")
    head = "\n\n".join([*_paste_result(conversation), intro])
    apart = _hidden_details_note(conversation)
    coded = "\n".join((head, *card_lines(conversation, coded_only=True), *apart))
    reply = Reply(f"{coded}\n\n{below}", rows)
    if card:
        whole = "\n".join((head, *card_lines(conversation), *apart))
        reply = Reply(f"{whole}\n\n{below}", rows, card, private=True, fallback_text=reply.text)
    return Turn(replace(conversation, card_message_id=card), (reply,))


def _hidden_details_note(conversation: Conversation) -> list[str]:
    """Return one line for what was given on a private page and never shows in the chat."""
    found = journey.current_answers(conversation)
    shown = journey.questions_in_chat(conversation)
    hidden = [one for one in journey.applicable_questions(conversation) if one not in shown]
    answers = [found[one.key] for one in hidden if one.key in found]
    given = any(one.status == AnswerStatus.ANSWERED for one in answers)
    return [say(conversation.language, "scenes.card.apart")] if given else []


def _paste_result(conversation: Conversation) -> list[str]:
    """Return what became of a pasted message: said once, on top of the card."""
    if not isinstance(conversation.pending, PasteResult):
        return []
    n = conversation.pending.unparsed_count
    key = "scenes.card.took_unread" if n else "scenes.card.took"
    return [say(conversation.language, key, n=n)]


def _template_button(conversation: Conversation) -> Button:
    template = button_for(conversation, "scenes.card.template", ButtonVerb.TEMPLATE)
    text = say(conversation.language, "scenes.card.template_text")
    return replace(template, kind=ButtonKind.COPY, id=text)
