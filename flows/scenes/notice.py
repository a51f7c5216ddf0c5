"""Before the questions: what we do with answers, and whether it is private here."""

from dataclasses import replace
from datetime import datetime

from flows import moves, wording
from flows.buttons import Press, in_rows, said
from flows.conversation import Conversation, Heard, Reply, Turn
from flows.questions.questionnaire import question
from flows.scenes import explain
from flows.scenes.answering import answered, chosen_answer
from flows.understanding import text_match
from flows.wording import say

CHOICES = ("adult", "young", "go_on", "not_private")


def show(conversation: Conversation, heard: Heard) -> Turn:
    """Return the notice; going on is agreeing to it."""
    language = conversation.language
    rows = [said(conversation, f"scenes.notice.{one}", "notice", one) for one in CHOICES]
    rows.append(said(conversation, "scenes.notice.more", "privacy"))
    last = (
        said(conversation, "scenes.asking.last_row_back", "back"),
        said(conversation, "scenes.asking.last_row_leave", "leave"),
    )
    reply = Reply(say(language, "scenes.notice.text"), (*in_rows(rows), last))
    return Turn(conversation, (reply,))


def hear(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return what typed words choose, else an answer to what was asked."""
    typed = ("typed_adult", "typed_young", "typed_yes", "typed_no")
    names = {
        one: wording.words(conversation.language, f"scenes.notice.{words}")
        for one, words in zip(CHOICES, typed, strict=True)
    }
    names["go_on"] += wording.words(conversation.language, "anytime.words.carry_on")
    chosen = text_match.exact(heard.text, names)
    if chosen:
        return _choose(conversation, chosen, now)
    return explain.answer_or_suggest(conversation, heard.text)


def press(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return what the button chooses; an old one shows where things are now."""
    chosen = pressed.args[0] if pressed.args else ""
    if conversation.stage != "notice" or pressed.step != conversation.step or chosen not in CHOICES:
        return Turn(conversation, shows=True)
    return _choose(conversation, chosen, now)


def _choose(conversation: Conversation, chosen: str, now: datetime) -> Turn:
    if chosen == "not_private":
        return _not_private(conversation)
    agreed = replace(
        moves.moved(conversation, "agree"),
        consented_at=now,
        consent=say(conversation.language, "scenes.notice.text"),
    )
    if chosen in ("adult", "young"):
        age = chosen_answer(agreed, question("age"), chosen, now)
        asked = say(agreed.language, f"scenes.notice.{chosen}")
        agreed = answered(agreed, replace(age, asked=asked))
    return Turn(agreed, shows=True)


def _not_private(conversation: Conversation) -> Turn:
    text = say(conversation.language, "scenes.notice.another_time")
    return Turn(moves.moved(conversation, "leave"), (Reply(text),))


PRESSES = {"notice": press}
