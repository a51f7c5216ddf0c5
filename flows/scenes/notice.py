"""Before the questions: what we do with answers, and whether it is private here."""

from dataclasses import replace
from enum import StrEnum

from flows import wording
from flows.conversation import Conversation, Reply, Turn
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb, button_for, in_rows
from flows.interaction.moment import Moment, show_again
from flows.questions.questionnaire import get_question
from flows.scenes import explain
from flows.scenes.answering import option_answer, with_answer
from flows.stages import Move, Stage
from flows.understanding import text_match
from flows.wording import say


class NoticeChoice(StrEnum):
    """What can be chosen at the notice: go on with or without an age, or not now."""

    ADULT = "adult"
    YOUNG = "young"
    GO_ON = "go_on"
    NOT_PRIVATE = "not_private"


_TYPED_KEYS = {
    NoticeChoice.ADULT: "typed_adult",
    NoticeChoice.YOUNG: "typed_young",
    NoticeChoice.GO_ON: "typed_yes",
    NoticeChoice.NOT_PRIVATE: "typed_no",
}


def show(moment: Moment) -> Turn:
    """Return the notice; going on is agreeing to it."""
    conversation = moment.conversation
    language = conversation.language
    rows = [
        button_for(conversation, f"scenes.notice.{choice}", ButtonVerb.NOTICE_CHOICE, choice)
        for choice in NoticeChoice
    ]
    rows.append(button_for(conversation, "scenes.notice.more", ButtonVerb.PRIVACY))
    last = (
        button_for(conversation, "scenes.asking.last_row_back", ButtonVerb.BACK),
        button_for(conversation, "scenes.asking.last_row_leave", ButtonVerb.LEAVE),
    )
    reply = Reply(say(language, "scenes.notice.text"), (*in_rows(rows), last))
    return Turn(conversation, (reply,))


def handle(moment: Moment) -> Turn:
    """Return what typed words choose, else an answer to what was asked."""
    language = moment.conversation.language
    typed = {
        choice.value: wording.words(language, f"scenes.notice.{key}")
        for choice, key in _TYPED_KEYS.items()
    }
    typed[NoticeChoice.GO_ON] += wording.words(language, "commands.words.carry_on")
    chosen = text_match.exact_match(moment.text, typed)
    return _apply_choice(moment, chosen) if chosen else explain.answer_or_suggest(moment)


def press_notice_choice(moment: Moment) -> Turn:
    """Return what the button chooses; an old one shows where things are now."""
    chosen = moment.first_arg
    at_notice = moment.conversation.stage == Stage.NOTICE
    if not at_notice or not moment.is_current or chosen not in tuple(NoticeChoice):
        return show_again(moment)
    return _apply_choice(moment, chosen)


def _apply_choice(moment: Moment, chosen: str) -> Turn:
    conversation, choice = moment.conversation, NoticeChoice(chosen)
    if choice == NoticeChoice.NOT_PRIVATE:
        return _leave_until_private(conversation)
    agreed = replace(
        moves.apply_move(conversation, Move.AGREE),
        consented_at=moment.now,
        consent=say(conversation.language, "scenes.notice.text"),
    )
    if choice in (NoticeChoice.ADULT, NoticeChoice.YOUNG):
        # The button is the age question's answer: its own prompt is what the notice said.
        age = option_answer(agreed, get_question("age"), choice, moment.now)
        prompt = say(agreed.language, f"scenes.notice.{choice}")
        agreed = with_answer(agreed, replace(age, prompt=prompt))
    return Turn(agreed, rerender=True)


def _leave_until_private(conversation: Conversation) -> Turn:
    text = say(conversation.language, "scenes.notice.another_time")
    return Turn(moves.apply_move(conversation, Move.LEAVE), (Reply(text),))


BUTTON_HANDLERS = {ButtonVerb.NOTICE_CHOICE: press_notice_choice}
