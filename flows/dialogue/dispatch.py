"""What an input leads to: danger first, then by what it is."""

from dataclasses import replace
from typing import assert_never

from flows import inputs
from flows.conversation import ClearMessage, Reply, Turn
from flows.dialogue import danger, form_submission
from flows.dialogue.absence import is_away
from flows.dialogue.presses import handle_press
from flows.dialogue.typed_text import handle_text
from flows.interaction import moves
from flows.interaction.moment import Moment, reply_and_show_again
from flows.questions import answer_types, journey
from flows.questions.answer_types import Parsed
from flows.questions.questionnaire import AnswerType, get_question
from flows.scenes import answering
from flows.service import service
from flows.stages import ANSWERABLE, Stage
from flows.understanding import crisis, faq
from flows.wording import has, say


def warm_up() -> None:
    """Build the caches of crisis detection and FAQ, so that the first person does not wait."""
    crisis.detect_danger("warm up")
    crisis.detect_pressure("warm up")
    for code in service().languages:
        faq.suggest(code, "warm up")


def dispatch_input(moment: Moment) -> Turn:
    """Return what follows from one input, before the next scene is rendered."""
    # A form looks for danger in each of its fields, and takes the answers all the same.
    if isinstance(moment.input, inputs.FormSubmission):
        away = is_away(moment.conversation, moment.now)
        return form_submission.submit_page(moment, moment.input, away)
    in_danger = danger.respond_to_danger(moment)
    if in_danger:
        return in_danger
    match moment.input:
        case inputs.ButtonPress():
            return handle_press(moment)
        case inputs.Attachment(medium, _):
            return _handle_attachment(moment, medium)
        case inputs.SharedNumber(number):
            return _handle_shared_number(moment, number)
        case inputs.MessageEdit():
            return _handle_edit(moment)
        case inputs.TypedText():
            return handle_text(moment)
        case _:
            assert_never(moment.input)


def _handle_attachment(moment: Moment, medium: str) -> Turn:
    key = medium if has(moment.conversation.language, f"scenes.sent_things.{medium}") else "any"
    turn = reply_and_show_again(moment, f"scenes.sent_things.{key}")
    message_id = moment.input.message_id
    return replace(turn, effects=(ClearMessage(message_id),) if message_id else ())


def _handle_shared_number(moment: Moment, number: str) -> Turn:
    conversation = moment.conversation
    is_asking = conversation.stage == Stage.ASKING
    question = journey.open_question(conversation) if is_asking else None
    if question is None or question.kind != AnswerType.PHONE:
        return reply_and_show_again(moment, "scenes.sent_things.contact")
    parsed = answer_types.parse_answer(question, number, conversation.language)
    if not isinstance(parsed, Parsed):
        example = answer_types.PHONE_EXAMPLE
        return reply_and_show_again(moment, "errors.phone.first", example=example)
    return answering.record_answer(moment, question, parsed)


def _handle_edit(moment: Moment) -> Turn:
    """An edited message changes the answer that it gave, if it still parses as one."""
    conversation, message_id = moment.conversation, moment.input.message_id
    given = [a for a in conversation.answers if message_id and a.message_id == message_id]
    on_path = [question.key for question in journey.applicable_questions(conversation)]
    editable = conversation.stage in ANSWERABLE
    if not given or not editable or given[-1].question not in on_path:
        return reply_and_show_again(moment, "scenes.asking.edited_not_an_answer")
    question = get_question(given[-1].question)
    parsed = answer_types.parse_answer(question, moment.text, conversation.language)
    if not isinstance(parsed, Parsed):
        return reply_and_show_again(moment, "scenes.asking.edited_not")
    now_open = journey.open_question(conversation)
    reopened = moves.open_for_change(conversation, question.key)
    turn = answering.record_answer(moment.at(reopened), question, parsed)
    if turn.conversation.pending:
        return turn
    # A question that stood open for change before the edit stays open after it.
    editing = now_open.key if now_open and conversation.editing else ""
    line = Reply(say(conversation.language, "scenes.asking.edited"))
    after = replace(turn.conversation, editing=editing)
    return replace(turn, conversation=after, replies=(line, *turn.replies))
