"""Before the questions: what we do with answers, and whether it is private here."""

from dataclasses import replace
from datetime import datetime

from flows import moves, wording
from flows.buttons import ButtonPress, button_for, in_rows
from flows.conversation import Conversation, Input, Reply, Turn
from flows.questions.questionnaire import get_question
from flows.scenes import explain
from flows.scenes.answering import option_answer, with_answer
from flows.understanding import text_match
from flows.wording import say

CHOICES = ("adult", "young", "go_on", "not_private")


def show(conversation: Conversation, user_input: Input) -> Turn:
    """Return the notice; going on is agreeing to it."""
    language = conversation.language
    rows = [button_for(conversation, f"scenes.notice.{one}", "notice", one) for one in CHOICES]
    rows.append(button_for(conversation, "scenes.notice.more", "privacy"))
    last = (
        button_for(conversation, "scenes.asking.last_row_back", "back"),
        button_for(conversation, "scenes.asking.last_row_leave", "leave"),
    )
    reply = Reply(say(language, "scenes.notice.text"), (*in_rows(rows), last))
    return Turn(conversation, (reply,))


def handle(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return what typed words choose, else an answer to what was asked."""
    typed = ("typed_adult", "typed_young", "typed_yes", "typed_no")
    names = {
        one: wording.words(conversation.language, f"scenes.notice.{words}")
        for one, words in zip(CHOICES, typed, strict=True)
    }
    names["go_on"] += wording.words(conversation.language, "anytime.words.carry_on")
    chosen = text_match.exact_match(user_input.text, names)
    if chosen:
        return _apply_choice(conversation, chosen, now)
    return explain.answer_or_suggest(conversation, user_input.text)


def press_notice_choice(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return what the button chooses; an old one shows where things are now."""
    chosen = pressed.args[0] if pressed.args else ""
    if (
        conversation.stage != "notice"
        or pressed.prompt_id != conversation.prompt_id
        or chosen not in CHOICES
    ):
        return Turn(conversation, rerender=True)
    return _apply_choice(conversation, chosen, now)


def _apply_choice(conversation: Conversation, choice: str, now: datetime) -> Turn:
    if choice == "not_private":
        return _leave_until_private(conversation)
    agreed = replace(
        moves.apply_move(conversation, "agree"),
        consented_at=now,
        consent=say(conversation.language, "scenes.notice.text"),
    )
    if choice in ("adult", "young"):
        age = option_answer(agreed, get_question("age"), choice, now)
        asked = say(agreed.language, f"scenes.notice.{choice}")
        agreed = with_answer(agreed, replace(age, prompt=asked))
    return Turn(agreed, rerender=True)


def _leave_until_private(conversation: Conversation) -> Turn:
    text = say(conversation.language, "scenes.notice.another_time")
    return Turn(moves.apply_move(conversation, "leave"), (Reply(text),))


BUTTON_HANDLERS = {"notice": press_notice_choice}
