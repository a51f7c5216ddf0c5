"""The questions: one at a time, each with why it is asked, and ways back, round and out."""

from dataclasses import replace
from datetime import datetime

from flows import moves
from flows.buttons import ButtonPress, button, button_for, in_rows, navigation_row
from flows.conversation import (
    AnswerStatus,
    ButtonRows,
    ClearMessage,
    Conversation,
    Input,
    Pending,
    Reply,
    Turn,
)
from flows.questions import answer_types, journey
from flows.questions.answer_types import Invalid, Parsed, Suggestion
from flows.questions.questionnaire import Question, get_question, question_exists
from flows.scenes import explain, officer_card
from flows.scenes.answering import record_answer
from flows.understanding import faq, text_match
from flows.wording import has, say, words

_FREE_TEXT_KINDS = ("name", "words", "note")
"""Kinds that would take any words for an answer; a clear question is heard as a question."""


def show(conversation: Conversation, user_input: Input) -> Turn:
    """Return the open question, on the officer's card or as a message of its own."""
    one = journey.open_question(conversation)
    if one is None:
        raise LookupError("there is no open question to show")
    if conversation.journey == "officer":
        rows = (
            *_page_row(conversation, one, user_input),
            *answer_rows(conversation, one, user_input),
        )
        return officer_card.show_card(conversation, one, rows, user_input)
    text = one.prompt(conversation.language)
    if journey.previous_answer(conversation, one):
        text = f"{text}\n\n{say(conversation.language, 'scenes.asking.keep_hint')}"
    rows = (*answer_rows(conversation, one, user_input), navigation_row(conversation))
    shares = any(b.kind == "share_number" for row in rows for b in row)
    page = _page_row(conversation, one, user_input)
    asking = replace(conversation, has_reply_keyboard=shares)
    if shares and page:
        beside = Reply(say(conversation.language, "scenes.asking.or_on_a_page"), page)
        return Turn(asking, (beside, Reply(text, rows)))
    return Turn(asking, (Reply(text, (*page, *rows)),))


def answer_rows(conversation: Conversation, question: Question, user_input: Input) -> ButtonRows:
    """Return the buttons that answer a question."""
    language = conversation.language
    options = [
        button(
            conversation, question.option_label(language, option), "answer", question.key, option
        )
        for option in question.options
    ]
    also = tuple(
        button_for(conversation, f"scenes.asking.{given}", "special", question.key, given)
        for given in question.non_answers
    )
    rows = [
        *in_rows(options, question.columns),
        *_shortcuts(conversation, question, user_input),
        also,
    ]
    if journey.previous_answer(conversation, question):
        rows.append((button_for(conversation, "scenes.asking.keep", "keep", question.key),))
    waiting = conversation.pending
    if waiting and waiting.kind == "words" and waiting.question == question.key:
        rows.append((button_for(conversation, "scenes.asking.use_typed", "use_words"),))
    return tuple(row for row in rows if row)


def _page_row(conversation: Conversation, question: Question, user_input: Input) -> ButtonRows:
    """Return the way to a private page, for what is typed; a reply keyboard cannot hold it."""
    if question.options or not user_input.can_open_page:
        return ()
    page = button_for(conversation, "scenes.asking.on_a_page", "quiet")
    return ((replace(page, kind="quiet"),),)


def _shortcuts(conversation: Conversation, question: Question, user_input: Input) -> ButtonRows:
    if question.key == "name" and user_input.profile_name:
        return ((button_for(conversation, "questions.name.use_profile", "profile", "name"),),)
    if question.key == "number" and user_input.can_share_number:
        share = button_for(conversation, "questions.number.share", "share")
        return ((replace(share, kind="share_number"),),)
    return ()


def handle(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return what typed words do: they answer, are a slip to confirm, or are a question."""
    one = journey.open_question(conversation)
    if one is None:
        return Turn(conversation, rerender=True)
    if conversation.journey == "officer":
        pasted = officer_card.handle_paste(conversation, one, user_input, now)
        if pasted:
            return pasted
    if journey.previous_answer(conversation, one) and _says_keep(conversation, user_input.text):
        kept = ButtonPress("keep", (one.key,), conversation.prompt_id)
        return press_keep(conversation, user_input, kept, now)
    if one.kind in _FREE_TEXT_KINDS and _is_a_question(conversation, one, user_input.text):
        return explain.answer_or_suggest(conversation, user_input.text)
    reading = answer_types.parse_answer(one, user_input.text, conversation.language)
    match reading:
        case Parsed():
            return _with_message_cleared(
                record_answer(conversation, one, reading, user_input, now), one, user_input
            )
        case Suggestion():
            return _confirm_suggestion(conversation, one, reading)
        case Invalid():
            return _handle_invalid(conversation, one, reading, user_input)


def _with_message_cleared(turn: Turn, question: Question, user_input: Input) -> Turn:
    """What an officer typed stands on the card, so their message is taken out of the chat."""
    if question.options or "officer" not in question.journeys or not user_input.message_id:
        return turn
    return replace(turn, effects=(*turn.effects, ClearMessage(user_input.message_id)))


def _says_keep(conversation: Conversation, text: str) -> bool:
    said = words(conversation.language, "anytime.words.keep")
    return text_match.exact_match(text, {"keep": said}) is not None


def _is_a_question(conversation: Conversation, question: Question, text: str) -> bool:
    asks = text.rstrip().endswith("?")
    if question.kind == "note" and not asks:
        return False
    long_enough = len(text.split()) >= 3
    found = faq.suggest(conversation.language, text) if asks or long_enough else None
    return bool(
        found and (found.answer or (asks and found.suggestions and question.kind != "note"))
    )


def _confirm_suggestion(
    conversation: Conversation, question: Question, suggestion: Suggestion
) -> Turn:
    asked = replace(conversation, pending=Pending("guess", question.key, suggestion.option))
    language = conversation.language
    rows = [
        button(
            asked,
            question.option_label(language, suggestion.option),
            "answer",
            question.key,
            suggestion.option,
        ),
        button_for(asked, "scenes.asking.guess_no", "here"),
    ]
    return Turn(asked, (Reply(say(language, "scenes.asking.guess"), in_rows(rows)),))


def _handle_invalid(
    conversation: Conversation, question: Question, invalid: Invalid, user_input: Input
) -> Turn:
    if question.kind not in (
        "phone",
        "email",
        "contact",
        "line",
    ) or user_input.text.rstrip().endswith("?"):
        found = faq.suggest(conversation.language, user_input.text)
        if found.answer or found.suggestions:
            return explain.answer_or_suggest(conversation, user_input.text)
    again = replace(conversation, invalid_count=conversation.invalid_count + 1)
    text = say(conversation.language, _error_key(again, invalid), **dict(invalid.blanks))
    person = (button_for(again, "scenes.welcome.buttons.person", "person"),)
    rows = (
        *answer_rows(again, question, user_input),
        *((person,) if again.invalid_count > 1 else ()),
    )
    return Turn(again, (Reply(text, (*rows, navigation_row(again))),))


def _error_key(conversation: Conversation, invalid: Invalid) -> str:
    if "." in invalid.error_key:
        return f"errors.{invalid.error_key}"
    again = conversation.invalid_count > 1 and has(
        conversation.language, f"errors.{invalid.error_key}.again"
    )
    return f"errors.{invalid.error_key}.{'again' if again else 'first'}"


# --- buttons


def press_answer(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return what an option's button does, whenever it is pressed."""
    key, option = _two_args(pressed)
    if not question_exists(key) or option not in get_question(key).options:
        return _reply_forged(conversation)
    reading = answer_types.parsed_option(get_question(key), option, conversation.language)
    return _answer_by_button(conversation, user_input, pressed, get_question(key), reading, now)


def press_special(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return what Not sure, Rather not say or Skip does, whenever it is pressed."""
    key, given = _two_args(pressed)
    if not question_exists(key) or given not in [
        one.value for one in AnswerStatus if one != AnswerStatus.ANSWERED
    ]:
        return _reply_forged(conversation)
    reading = answer_types.non_answer(AnswerStatus(given), conversation.language)
    return _answer_by_button(conversation, user_input, pressed, get_question(key), reading, now)


def press_keep(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the turn after an earlier answer is kept: it is said again, as of now."""
    key, _ = _two_args(pressed)
    old = journey.previous_answer(conversation, get_question(key)) if question_exists(key) else None
    if old is None or pressed.prompt_id < conversation.draft_epoch:
        return _reply_forged(conversation)
    reading = Parsed(old.value, old.label, old.status)
    return _answer_by_button(conversation, user_input, pressed, get_question(key), reading, now)


def press_profile(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the turn after "use the name on my account"."""
    one = get_question("name")
    reading = answer_types.parse_answer(one, user_input.profile_name, conversation.language)
    if not isinstance(reading, Parsed) or reading.status != AnswerStatus.ANSWERED:
        text = say(conversation.language, "errors.name.first")
        return Turn(conversation, (Reply(text),), rerender=True)
    return _answer_by_button(conversation, user_input, pressed, one, reading, now)


def press_reopen(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the turn after an old question's "change that answer"."""
    key, _ = _two_args(pressed)
    in_chat = [one.key for one in journey.questions_in_chat(conversation)]
    if conversation.stage not in ("asking", "checking", "stopped") or key not in in_chat:
        return Turn(conversation, rerender=True)
    return Turn(replace(moves.apply_move(conversation, "reopen"), editing=key), rerender=True)


def _answer_by_button(
    conversation: Conversation,
    user_input: Input,
    pressed: ButtonPress,
    question: Question,
    parsed: Parsed,
    now: datetime,
) -> Turn:
    if pressed.prompt_id < conversation.draft_epoch or conversation.stage in (
        "welcome",
        "learning",
        "notice",
    ):
        return _reply_old_draft(conversation)
    if conversation.stage == "paused" and moves.has_draft(conversation):
        conversation = moves.apply_move(conversation, "carry_on")
    if conversation.stage == "asking" and journey.open_question(conversation) == question:
        return record_answer(conversation, question, parsed, user_input, now)
    found = journey.current_answers(conversation).get(question.key)
    if found and (found.value, found.status) == (parsed.value, parsed.status):
        return Turn(conversation, toast=say(conversation.language, "scenes.asking.already"))
    return _offer_change(conversation, question)


def _offer_change(conversation: Conversation, question: Question) -> Turn:
    if conversation.stage not in ("asking", "checking", "stopped"):
        return _reply_old_draft(conversation)
    if question not in journey.questions_in_chat(conversation):
        return _reply_old_draft(conversation)
    language = conversation.language
    rows = [
        button_for(conversation, "scenes.asking.change_that", "reopen", question.key),
        button_for(conversation, "scenes.learning.to_question", "here"),
    ]
    text = say(
        language, "scenes.asking.old_button", title=question.text(language, "title").rstrip("*?")
    )
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def _reply_old_draft(conversation: Conversation) -> Turn:
    text = say(conversation.language, "scenes.asking.old_draft")
    return Turn(conversation, (Reply(text),), rerender=True)


def _reply_forged(conversation: Conversation) -> Turn:
    return Turn(
        conversation, (Reply(say(conversation.language, "errors.chat.forged")),), rerender=True
    )


def _two_args(pressed: ButtonPress) -> tuple[str, str]:
    first, second, *_ = (*pressed.args, "", "")
    return first, second


BUTTON_HANDLERS = {
    "answer": press_answer,
    "special": press_special,
    "keep": press_keep,
    "profile": press_profile,
    "reopen": press_reopen,
}
