"""An officer's questions: one card, edited in place, with what is answered so far."""

from dataclasses import replace
from datetime import datetime

from flows.buttons import button_for, navigation_row
from flows.conversation import (
    AnswerStatus,
    Button,
    ButtonRows,
    ClearMessage,
    Conversation,
    Input,
    InputKind,
    Pending,
    Reply,
    Turn,
)
from flows.questions import journey, paste
from flows.questions.answer_types import Parsed
from flows.questions.questionnaire import Question
from flows.scenes.answering import parsed_answer, with_answer
from flows.service import service
from flows.wording import say

PASTE_RESULT = "told"


def show_card(
    conversation: Conversation, question: Question, rows: ButtonRows, user_input: Input
) -> Turn:
    """Return the card with the open question; typed words stand on it only by editing."""
    language = conversation.language
    asked = question.prompt(language)
    if question is journey.journey_questions("officer")[0]:
        rows = (*rows, (_template_button(conversation),))
    return _render_card(conversation, asked, (*rows, navigation_row(conversation)), user_input)


def show_full_card(conversation: Conversation, rows: ButtonRows, user_input: Input) -> Turn:
    """Return the whole card, ready to be sent."""
    return _render_card(
        conversation, say(conversation.language, "scenes.checking.ready_card"), rows, user_input
    )


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


def handle_paste(
    conversation: Conversation, question: Question, user_input: Input, now: datetime
) -> Turn | None:
    """Return the turn after a pasted message or a typed line; None when it holds neither.

    Every coded answer in it is taken, the rest is left out, and the message is deleted.
    """
    pasted = paste.parse_paste(user_input.text, conversation.language, service().adult_age)
    enough = 1 if question.key == "line" and "line" in pasted.answers else 2
    if question.key.startswith(("officer_", "victim_contact")) or len(pasted.answers) < enough:
        return None
    taken = _record_all(conversation, pasted.answers, now)
    if len(pasted.answers) > 1 or pasted.unparsed_count:
        taken = replace(taken, pending=Pending(PASTE_RESULT, value=str(pasted.unparsed_count)))
    effects = (ClearMessage(user_input.message_id),) if user_input.message_id else ()
    return Turn(taken, (), effects, rerender=True)


def _record_all(
    conversation: Conversation, parsed: dict[str, Parsed], now: datetime
) -> Conversation:
    for one in journey.journey_questions("officer"):
        if one.key in parsed:
            answer = parsed_answer(conversation, one, parsed[one.key], now)
            conversation = with_answer(conversation, answer)
    return conversation


def _render_card(
    conversation: Conversation, below: str, rows: ButtonRows, user_input: Input
) -> Turn:
    card = (
        user_input.message_id
        if user_input.kind == InputKind.BUTTON
        else conversation.card_message_id
    )
    head = "\n\n".join(
        [*_paste_result(conversation), say(conversation.language, "scenes.card.head")]
    )
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
    hidden = [
        one
        for one in journey.applicable_questions(conversation)
        if one not in shown and one.key in found
    ]
    given = any(found[one.key].status == AnswerStatus.ANSWERED for one in hidden)
    return [say(conversation.language, "scenes.card.apart")] if given else []


def _paste_result(conversation: Conversation) -> list[str]:
    """Return what became of a pasted message: said once, on top of the card."""
    waiting = conversation.pending
    if waiting is None or waiting.kind != PASTE_RESULT:
        return []
    key = "scenes.card.took" if waiting.value == "0" else "scenes.card.took_unread"
    return [say(conversation.language, key, n=waiting.value)]


def _template_button(conversation: Conversation) -> Button:
    template = button_for(conversation, "scenes.card.template", "template")
    return replace(
        template, kind="copy", id=say(conversation.language, "scenes.card.template_text")
    )
