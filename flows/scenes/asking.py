"""The questions: one at a time, each with why it is asked, and ways back, round and out."""

from dataclasses import replace

from flows.conversation import (
    Button,
    ButtonKind,
    ButtonRows,
    ClearMessage,
    Conversation,
    Reply,
    Turn,
)
from flows.interaction.buttons import ButtonVerb, button, button_for, in_rows, navigation_row
from flows.interaction.moment import Moment, show_again
from flows.pending import ConfirmSuggestion, ConfirmUnconfirmedText
from flows.questions import answer_types, journey
from flows.questions.answer_types import Invalid, Parsed, Suggestion
from flows.questions.questionnaire import AnswerType, Question
from flows.scenes import explain, officer_card
from flows.scenes.answering import record_answer
from flows.understanding import faq, text_match
from flows.vocabulary import Journey
from flows.wording import has, say, words

_FREE_TEXT_TYPES = (AnswerType.NAME, AnswerType.SHORT_TEXT, AnswerType.NOTE)
"""Types that would take any words for an answer; a clear question is answered as a question."""
_EXACT_TYPES = (AnswerType.PHONE, AnswerType.EMAIL, AnswerType.CONTACT, AnswerType.CASE_REFERENCE)
"""Types whose answers are never near a question's words: a misfit is a slip, unless it asks."""


def show(moment: Moment) -> Turn:
    """Return the open question, on the officer's card or as a message of its own."""
    conversation = moment.conversation
    one = journey.open_question(conversation)
    if one is None:
        raise LookupError("there is no open question to show")
    if conversation.journey == Journey.OFFICER:
        rows = (*_page_row(moment, one), *answer_rows(moment, one))
        return officer_card.show_card(moment, one, rows)
    text = one.prompt(conversation.language)
    if journey.previous_answer(conversation, one):
        text = f"{text}\n\n{say(conversation.language, 'scenes.asking.keep_hint')}"
    rows = (*answer_rows(moment, one), navigation_row(conversation))
    shares = any(b.kind == ButtonKind.SHARE_NUMBER for row in rows for b in row)
    page = _page_row(moment, one)
    asking = conversation
    if shares != asking.has_reply_keyboard:
        asking = replace(asking, has_reply_keyboard=shares)
    if shares and page:
        beside = Reply(say(conversation.language, "scenes.asking.or_on_a_page"), page)
        return Turn(asking, (beside, Reply(text, rows)))
    return Turn(asking, (Reply(text, (*page, *rows)),))


def answer_rows(moment: Moment, question: Question) -> ButtonRows:
    """Return the buttons that answer a question."""
    conversation, key = moment.conversation, question.key
    options = [_option_button(conversation, question, option) for option in question.options]
    also = tuple(
        button_for(conversation, f"scenes.asking.{given}", ButtonVerb.NON_ANSWER, key, given)
        for given in question.non_answers
    )
    rows = [*in_rows(options, question.columns), *_shortcuts(moment, question), also]
    if journey.previous_answer(conversation, question):
        rows.append((button_for(conversation, "scenes.asking.keep", ButtonVerb.KEEP, key),))
    pending = conversation.pending
    if isinstance(pending, ConfirmUnconfirmedText) and pending.question == question.key:
        rows.append((button_for(conversation, "scenes.asking.use_typed", ButtonVerb.USE_TEXT),))
    return tuple(row for row in rows if row)


def _option_button(conversation: Conversation, question: Question, option: str) -> Button:
    label = question.option_label(conversation.language, option)
    return button(conversation, label, ButtonVerb.ANSWER, question.key, option)


def _page_row(moment: Moment, question: Question) -> ButtonRows:
    """Return the way to a private page, for what is typed; a reply keyboard cannot hold it."""
    conversation = moment.conversation
    if question.options or not moment.input.sender.can_open_page:
        return ()
    page = button_for(conversation, "scenes.asking.on_a_page", ButtonVerb.PRIVATE_PAGE)
    return ((replace(page, kind=ButtonKind.PRIVATE_PAGE),),)


def _shortcuts(moment: Moment, question: Question) -> ButtonRows:
    conversation, sender = moment.conversation, moment.input.sender
    if question.key == "name" and sender.profile_name:
        verb = ButtonVerb.USE_PROFILE
        return ((button_for(conversation, "questions.name.use_profile", verb, question.key),),)
    if question.key == "number" and sender.can_share_number:
        share = button_for(conversation, "questions.number.share", ButtonVerb.SHARE_NUMBER)
        return ((replace(share, kind=ButtonKind.SHARE_NUMBER),),)
    return ()


def handle(moment: Moment) -> Turn:
    """Return what typed words do: they answer, are a slip to confirm, or are a question."""
    conversation = moment.conversation
    question = journey.open_question(conversation)
    if question is None:
        return show_again(moment)
    if conversation.journey == Journey.OFFICER:
        pasted = officer_card.handle_paste(moment, question)
        if pasted:
            return pasted
    previous = journey.previous_answer(conversation, question)
    if previous and _says_keep(conversation, moment.text):
        kept = Parsed(previous.value, previous.label, previous.status)
        return record_answer(moment, question, kept)
    if question.kind in _FREE_TEXT_TYPES and _is_a_question(conversation, question, moment.text):
        return explain.answer_or_suggest(moment)
    result = answer_types.parse_answer(question, moment.text, conversation.language)
    match result:
        case Parsed():
            return _with_message_cleared(moment, record_answer(moment, question, result), question)
        case Suggestion():
            return _confirm_suggestion(conversation, question, result)
        case Invalid():
            return _handle_invalid(moment, question, result)


def _with_message_cleared(moment: Moment, turn: Turn, question: Question) -> Turn:
    """What an officer typed stands on the card, so their message is taken out of the chat."""
    message_id = moment.input.message_id
    if question.options or Journey.OFFICER not in question.journeys or not message_id:
        return turn
    return replace(turn, effects=(*turn.effects, ClearMessage(message_id)))


def _says_keep(conversation: Conversation, text: str) -> bool:
    said = words(conversation.language, "commands.words.keep")
    return text_match.exact_match(text, {"keep": said}) is not None


def _is_a_question(conversation: Conversation, question: Question, text: str) -> bool:
    asks = text.rstrip().endswith("?")
    is_note = question.kind == AnswerType.NOTE
    # A note tells a story, and stories hold the words of many topics: only "?" asks there.
    if is_note and not asks:
        return False
    # One or two words are a name or a code word, even where a topic is called the same.
    long_enough = len(text.split()) >= 3
    if not (asks or long_enough):
        return False
    found = faq.suggest(conversation.language, text)
    return bool(found.answer or (asks and found.suggestions and not is_note))


def _confirm_suggestion(
    conversation: Conversation, question: Question, suggestion: Suggestion
) -> Turn:
    asked = replace(conversation, pending=ConfirmSuggestion(question.key, suggestion.option))
    rows = [
        _option_button(asked, question, suggestion.option),
        button_for(asked, "scenes.asking.guess_no", ButtonVerb.RERENDER),
    ]
    return Turn(asked, (Reply(say(asked.language, "scenes.asking.guess"), in_rows(rows)),))


def _handle_invalid(moment: Moment, question: Question, invalid: Invalid) -> Turn:
    conversation = moment.conversation
    if question.kind not in _EXACT_TYPES or moment.text.rstrip().endswith("?"):
        found = faq.suggest(conversation.language, moment.text)
        if found.answer or found.suggestions:
            return explain.answer_or_suggest(moment)
    again = replace(conversation, invalid_count=conversation.invalid_count + 1)
    text = say(conversation.language, _error_key(again, invalid), **dict(invalid.blanks))
    rows = answer_rows(moment.at(again), question)
    if again.invalid_count > 1:
        rows = (*rows, (button_for(again, "scenes.welcome.buttons.person", ButtonVerb.PERSON),))
    return Turn(again, (Reply(text, (*rows, navigation_row(again))),))


def _error_key(conversation: Conversation, invalid: Invalid) -> str:
    key = invalid.error_key
    if "." in key:
        return f"errors.{key}"
    again = conversation.invalid_count > 1 and has(conversation.language, f"errors.{key}.again")
    return f"errors.{key}.{'again' if again else 'first'}"
