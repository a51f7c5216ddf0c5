"""Takes an answer: adds it as an event, asks first where it would re-open others, moves on."""

from dataclasses import replace
from datetime import datetime

from flows import content_files
from flows.conversation import Answer, Conversation, Reply, Turn
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb, button_for, in_rows
from flows.interaction.moment import Moment, reply_and_show_again, show_again
from flows.pending import ChangeAnswer
from flows.questions import answer_types, journey
from flows.questions.answer_types import Parsed
from flows.questions.questionnaire import Question, get_question, question_exists
from flows.stages import ANSWERABLE, Move, Stage
from flows.vocabulary import NON_ANSWERS, AnsweredBy, AnswerStatus, Journey, Option
from flows.wording import say


def record_answer(moment: Moment, question: Question, parsed: Parsed) -> Turn:
    """Return the turn after an answer; a change that re-opens other answers asks first."""
    conversation = moment.conversation
    answer = _build_answer(conversation, question, parsed, moment.now, moment.input.message_id)
    again = journey.reopened_by(conversation, answer)
    if again:
        change = ChangeAnswer(question.key, parsed.value, parsed.status, moment.input.message_id)
        return _confirm_reopening(replace(conversation, pending=change), again)
    return _apply_answer(conversation, answer)


def _apply_answer(conversation: Conversation, answer: Answer) -> Turn:
    taken = with_answer(conversation, answer)
    return Turn(taken, _follow_up(taken, answer), rerender=True)


def with_answer(conversation: Conversation, answer: Answer) -> Conversation:
    """Return the conversation with one more answer; nothing before it is lost."""
    stepped = moves.advance(conversation)
    return replace(stepped, answers=(*stepped.answers, answer), editing="")


def option_answer(
    conversation: Conversation, question: Question, option: str, now: datetime
) -> Answer:
    """Return the event of choosing an option; raise KeyError for one that is not offered."""
    parsed = answer_types.parsed_option(question, option, conversation.language)
    return _build_answer(conversation, question, parsed, now, None)


def parsed_answer(
    conversation: Conversation, question: Question, parsed: Parsed, now: datetime
) -> Answer:
    """Return the event of an answer that was read from other words."""
    return _build_answer(conversation, question, parsed, now, None)


def confirm_change(moment: Moment) -> Turn:
    """Return the turn after "change it": the answer that waited is taken."""
    conversation, change = moment.conversation, moment.conversation.pending
    if not isinstance(change, ChangeAnswer) or not question_exists(change.question):
        return show_again(moment)
    question = get_question(change.question)
    parsed = _parsed_from_change(question, change, conversation.language)
    answer = _build_answer(conversation, question, parsed, moment.now, change.message_id)
    return _apply_answer(conversation, answer)


def keep_previous_answer(moment: Moment) -> Turn:
    """Return the turn after "leave it as it was": nothing changes, and on we go."""
    return Turn(replace(moves.advance(moment.conversation), editing=""), rerender=True)


def _parsed_from_change(question: Question, change: ChangeAnswer, language: str) -> Parsed:
    if change.status != AnswerStatus.ANSWERED:
        return answer_types.non_answer(change.status, language)
    if question.options:
        return answer_types.parsed_option(question, change.value, language)
    return Parsed(change.value, change.value)


def _confirm_reopening(conversation: Conversation, reopened: tuple[Question, ...]) -> Turn:
    language = conversation.language
    titles = ", ".join(one.text(language, "title").rstrip("*?") for one in reopened)
    rows = [
        button_for(conversation, "scenes.asking.change_it", ButtonVerb.CONFIRM_CHANGE),
        button_for(conversation, "scenes.asking.keep_it", ButtonVerb.KEEP_PREVIOUS),
    ]
    text = say(language, "scenes.asking.changes_others", titles=titles)
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def _build_answer(
    conversation: Conversation,
    question: Question,
    parsed: Parsed,
    now: datetime,
    message_id: str | None,
) -> Answer:
    language = conversation.language
    return Answer(
        question=question.key,
        value=parsed.value,
        status=parsed.status,
        label=parsed.label,
        prompt=question.prompt(language),
        wording_version=content_files.wording_version(language),
        language=language,
        answered_at=now,
        answered_by=conversation.typed_by or _answered_by(conversation),
        message_id=message_id,
    )


def _answered_by(conversation: Conversation) -> str:
    by_officer = conversation.journey == Journey.OFFICER
    return AnsweredBy.OFFICER if by_officer else AnsweredBy.PERSON


_FOLLOW_UP_KEYS: dict[tuple[str, str], str] = {
    ("harm", Option.SEXUAL): "scenes.asking.support_sexual",
    ("harm", Option.DOMESTIC): "scenes.asking.support_home",
    ("still_happening", Option.YES): "scenes.asking.help_now",
}


def _follow_up(conversation: Conversation, answer: Answer) -> tuple[Reply, ...]:
    key = _FOLLOW_UP_KEYS.get((answer.question, answer.value))
    return (Reply(say(conversation.language, key)),) if key else ()


# --- buttons: each may be pressed at any time, from any message that still stands in the chat


def press_answer(moment: Moment) -> Turn:
    """Return what an option's button does, whenever it is pressed."""
    key, option = _two_args(moment)
    if not question_exists(key) or option not in get_question(key).options:
        return _reply_forged(moment)
    question = get_question(key)
    parsed = answer_types.parsed_option(question, option, moment.conversation.language)
    return _answer_by_button(moment, question, parsed)


def press_non_answer(moment: Moment) -> Turn:
    """Return what Not sure, Rather not say or Skip does, whenever it is pressed."""
    key, status = _two_args(moment)
    if not question_exists(key) or status not in NON_ANSWERS:
        return _reply_forged(moment)
    parsed = answer_types.non_answer(AnswerStatus(status), moment.conversation.language)
    return _answer_by_button(moment, get_question(key), parsed)


def press_keep(moment: Moment) -> Turn:
    """Return the turn after an earlier answer is kept: it is given again, as of now."""
    conversation, key = moment.conversation, moment.first_arg
    old = journey.previous_answer(conversation, get_question(key)) if question_exists(key) else None
    if old is None or moment.prompt_id < conversation.draft_epoch:
        return _reply_forged(moment)
    parsed = Parsed(old.value, old.label, old.status)
    return _answer_by_button(moment, get_question(key), parsed)


def press_profile(moment: Moment) -> Turn:
    """Return the turn after "use the name on my account"."""
    question, name = get_question("name"), moment.input.sender.profile_name
    parsed = answer_types.parse_answer(question, name, moment.conversation.language)
    # A profile may be called "skip" or "not sure": that is no answer of theirs.
    if not isinstance(parsed, Parsed) or parsed.status != AnswerStatus.ANSWERED:
        return reply_and_show_again(moment, "errors.name.first")
    return _answer_by_button(moment, question, parsed)


def press_reopen(moment: Moment) -> Turn:
    """Return the turn after an old question's "change that answer"."""
    conversation, key = moment.conversation, moment.first_arg
    in_chat = [question.key for question in journey.questions_in_chat(conversation)]
    if conversation.stage not in ANSWERABLE or key not in in_chat:
        return show_again(moment)
    return Turn(moves.open_for_change(conversation, key), rerender=True)


def _answer_by_button(moment: Moment, question: Question, parsed: Parsed) -> Turn:
    conversation = moment.conversation
    begun = conversation.stage not in (Stage.WELCOME, Stage.LEARNING, Stage.NOTICE)
    if moment.prompt_id < conversation.draft_epoch or not begun:
        return reply_and_show_again(moment, "scenes.asking.old_draft")
    if conversation.stage == Stage.PAUSED and moves.has_draft(conversation):
        conversation = moves.apply_move(conversation, Move.CARRY_ON)
    if conversation.stage == Stage.ASKING and journey.open_question(conversation) == question:
        return record_answer(moment.at(conversation), question, parsed)
    found = journey.current_answers(conversation).get(question.key)
    if found and (found.value, found.status) == (parsed.value, parsed.status):
        return Turn(conversation, toast=say(conversation.language, "scenes.asking.already"))
    return _offer_change(moment.at(conversation), question)


def _offer_change(moment: Moment, question: Question) -> Turn:
    conversation, language = moment.conversation, moment.conversation.language
    in_chat = journey.questions_in_chat(conversation)
    if conversation.stage not in ANSWERABLE or question not in in_chat:
        return reply_and_show_again(moment, "scenes.asking.old_draft")
    rows = [
        button_for(conversation, "scenes.asking.change_that", ButtonVerb.REOPEN, question.key),
        button_for(conversation, "scenes.learning.to_question", ButtonVerb.RERENDER),
    ]
    title = question.text(language, "title").rstrip("*?")
    text = say(language, "scenes.asking.old_button", title=title)
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def _reply_forged(moment: Moment) -> Turn:
    return reply_and_show_again(moment, "errors.chat.forged")


def _two_args(moment: Moment) -> tuple[str, str]:
    first, second, *_ = (*moment.args, "", "")
    return first, second


BUTTON_HANDLERS = {
    ButtonVerb.CONFIRM_CHANGE: confirm_change,
    ButtonVerb.KEEP_PREVIOUS: keep_previous_answer,
    ButtonVerb.ANSWER: press_answer,
    ButtonVerb.NON_ANSWER: press_non_answer,
    ButtonVerb.KEEP: press_keep,
    ButtonVerb.USE_PROFILE: press_profile,
    ButtonVerb.REOPEN: press_reopen,
}
