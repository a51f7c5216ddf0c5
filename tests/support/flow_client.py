"""Walks a conversation in tests: one person with a clock, and all that they see and can press.

`python -m tests.support.flow_client` records where people can stand today, for
tests/flows/questions/test_recorded_states.py.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from flows import content_files
from flows.conversation import (
    Button,
    Conversation,
    Effect,
    HandOver,
    Reply,
    Turn,
)
from flows.inputs import ButtonPress, Input, Sender, SharedNumber, TypedText
from flows.officers import Officer
from flows.pending import ChangeAnswer
from flows.questions import journey
from flows.questions.questionnaire import Question
from flows.record import Record
from flows.turn import take_turn
from flows.vocabulary import AnswerStatus
from flows.wording import say
from storage.serialization import dumps
from tests.support.cast import SAM
from tests.support.paths import DATA

MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
RECORDED_DIR = DATA / "recorded"
PC_REED_OFFICER = SAM.officer
PROFILE = "Robin"
OWN_NUMBER = "+447700900419"

TYPED: Mapping[str, str] = {
    "name": "Robin Quincewood",
    "number": "07700 900 417",
    "email": "robin.quincewood@example.com",
    "code_word": "lanternfish",
    "note": "Marmaladestreet is best after dark",
    "officer_name": "PC Kim Volemarsh",
    "officer_agency": "Harbourside Police",
    "officer_contact": "kim.volemarsh@example.com",
    "victim_name": "Ash Tumbledown",
    "victim_contact": "07700 900 418",
    "line": "46/12345/26",
}
"""What people type where nothing can be pressed; none of it may come back in a new message."""

PRIVATE_FRAGMENTS = (
    "Quincewood",
    "quincewood",
    "900 41",
    "90041",
    "lanternfish",
    "Marmaladestreet",
    "Volemarsh",
    "volemarsh",
    "Harbourside",
    "Tumbledown",
)


@dataclass
class FlowClient:
    """One person in one chat. Every message and every button that they were sent is kept."""

    conversation: Conversation = field(
        default_factory=lambda: Conversation(reference="RJ-ACDE-FGHJ")
    )
    now: datetime = MONDAY
    profile: str = ""
    can_share_number: bool = False
    turn: Turn = field(default_factory=lambda: Turn(Conversation()))
    screen: dict[str, Reply] = field(default_factory=dict)
    buttons: tuple[tuple[str, Button], ...] = ()
    typed: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    messages: int = 100

    def send_input(self, user_input: Input, message: str | None = None) -> Turn:
        """Return what happens next; the screen is changed as a channel would change it."""
        if message is None:
            message = self._next_message()
            self.typed = (*self.typed, message)
        sender = Sender(self.profile, self.can_share_number)
        heard = replace(user_input, message_id=message, sender=sender)
        return self.apply(take_turn(self.conversation, heard, self.now))

    def apply(self, turn: Turn) -> Turn:
        """Put a turn on the screen and return it."""
        self.turn = turn
        self.conversation = replace(
            turn.conversation, reference=turn.conversation.reference or "RJ-KMNP-QRTW"
        )
        self.effects = (*self.effects, *turn.effects)
        self.screen = dict(self.screen)
        for reply in turn.replies:
            message = reply.edits_message_id or self._next_message()
            self.screen[message] = reply
            found = tuple((message, one) for row in reply.buttons for one in row)
            self.buttons = (*self.buttons, *(one for one in found if one not in self.buttons))
        return turn

    def _next_message(self) -> str:
        self.messages += 1
        return str(self.messages)

    def say(self, text: str) -> Turn:
        """Type something."""
        return self.send_input(TypedText(text))

    def tap(self, button: Button, message: str) -> Turn:
        """Press a button where it stands."""
        if button.kind == "share_number":
            return self.send_input(SharedNumber(OWN_NUMBER))
        return self.send_input(ButtonPress(button.id), message=message)

    def press(self, start: str) -> Turn:
        """Press the newest button whose label is `start`, or whose id begins with it."""
        message, button = self.newest(start)
        return self.tap(button, message)

    def press_topic(self, id: str) -> Turn:
        """Read the answer to a topic, as its button shows it."""
        return self.tap(Button("", f"topic:{id}~{self.conversation.prompt_id}"), "555")

    def press_bare(self, verb: str) -> Turn:
        """Press a button of this step that carries only its name."""
        return self.tap(Button("", f"{verb}~{self.conversation.prompt_id}"), "555")

    def newest(self, start: str) -> tuple[str, Button]:
        """Return the newest button of that label or id, and the message it stands on."""
        for message, reply in reversed(self.screen.items()):
            for row in reply.buttons:
                for button in row:
                    if start == button.label or button.id.startswith(start):
                        return message, button
        raise LookupError(start)

    def has_button(self, start: str) -> bool:
        """Return whether the messages of the last turn hold such a button."""
        shown = (b for r in self.turn.replies for row in r.buttons for b in row)
        return any(start == b.label or b.id.startswith(start) for b in shown)

    def wait(self, **amount: float) -> "FlowClient":
        """Let time pass."""
        self.now += timedelta(**amount)
        return self

    def copy(self) -> "FlowClient":
        """Return the same person at the same place, to be walked on alone."""
        return copy(self)

    @property
    def open_key(self) -> str:
        """The key of the open question, or ""."""
        one = (
            journey.open_question(self.conversation)
            if self.conversation.stage == "asking"
            else None
        )
        return one.key if one else ""

    @property
    def current_answers(self) -> dict[str, tuple[str, AnswerStatus]]:
        """What counts as answered, without when and how it was asked."""
        found = journey.current_answers(self.conversation)
        return {key: (answer.value, answer.status) for key, answer in found.items()}

    @property
    def record(self) -> Record:
        """The last record that was handed over."""
        return [one for one in self.effects if isinstance(one, HandOver)][-1].record

    def answer(self, wanted: str = "") -> Turn:
        """Answer the open question: `wanted`, else a usual option, or a few usual words."""
        one = journey.open_question(self.conversation)
        assert one is not None
        value = wanted or usual_answer(one)
        if value in one.options:
            return self.press(f"answer:{one.key}:{value}~")
        if value in (AnswerStatus.NOT_SURE, AnswerStatus.RATHER_NOT_SAY, AnswerStatus.SKIPPED):
            return self.tap(
                Button("", f"special:{one.key}:{value}~{self.conversation.prompt_id}"), "1"
            )
        return self.say(value)

    def answer_until(self, wanted: Mapping[str, str], until: str = "") -> "FlowClient":
        """Answer as `wanted`, or as usual, until a question is open or nothing is left to ask."""
        for _ in range(60):
            if self.conversation.stage != "asking" or self.open_key == until:
                return self
            self.answer(wanted.get(self.open_key, ""))
            if isinstance(self.conversation.pending, ChangeAnswer):
                self.press("change_it")
        raise AssertionError(f"still asking {self.open_key}")


_USUAL = {
    "wish": "take_part",
    "harm": "theft",
    "known": "no",
    "relationship": "other",
    "still_happening": "no",
    "way": "call",
    "extra": "skipped",
    "identified": "yes",
    "case": "over",
    "agreed": "me_today",
    "willing": "yes",
    "interested": "yes",
    "victim_asked": "yes",
    "offence": "theft",
    "victim_known": "no",
    "in_relationship": "family",
    "area": "swale",
    "victim_area": "swale",
    "happened_here": "yes",
}


def usual_answer(one: Question) -> str:
    """Return an ordinary answer that lets the questions go on."""
    known = _USUAL.get(one.key) or TYPED.get(one.key, "")
    chooses = known in one.options or known in [given.value for given in AnswerStatus]
    return known if chooses or not one.options else one.options[0]


def begin_self(**stands: object) -> FlowClient:
    """Return somebody harmed, at the first question after the notice."""
    walk = FlowClient(profile=PROFILE, can_share_number=True)
    walk.conversation = replace(walk.conversation, **stands)  # type: ignore[arg-type]
    walk.say("/start")
    walk.press("go:self")
    walk.press("notice:go_on")
    return walk


def begin_officer(
    officer: Officer | None = PC_REED_OFFICER, details_in_chat: bool = False
) -> FlowClient:
    """Return an officer at the first line of the card."""
    walk = FlowClient()
    walk.conversation = replace(walk.conversation, officer=officer, details_in_chat=details_in_chat)
    walk.say("/refer")
    return walk


def begin_callback() -> FlowClient:
    """Return somebody who only asks for a call, at its first question."""
    walk = FlowClient(profile=PROFILE, can_share_number=True)
    walk.say("/person")
    walk.press("call_me")
    return walk


FULL_ANSWERS = {
    "extra": "yes",
    "known": "yes",
    "relationship": "partner",
    "area": "elsewhere",
}
_PATHS: tuple[tuple[str, Callable[[], FlowClient], Mapping[str, str]], ...] = (
    ("self", begin_self, FULL_ANSWERS),
    ("self by email", begin_self, {"way": "email", "extra": "yes"}),
    ("self in a dispute", begin_self, {"harm": "dispute", "district": "ashford"}),
    ("self by text", begin_self, {"way": "text", "harm": "sexual"}),
    ("self in this chat", begin_self, {"way": "here", "harm": "domestic"}),
    ("self rings", begin_self, {"way": "i_will_call", "known": "yes", "relationship": "family"}),
    ("callback", begin_callback, {}),
    ("officer", begin_officer, {"victim_known": "yes", "offence": "sexual"}),
    ("new officer", lambda: begin_officer(None, True), {"victim_known": "yes"}),
)


def _states_along(
    name: str, walk: FlowClient, wanted: Mapping[str, str]
) -> Iterator[tuple[str, FlowClient]]:
    details = True
    while walk.conversation.stage == "asking":
        yield f"{name}, asked {walk.open_key}", walk.copy()
        walk.answer(wanted.get(walk.open_key, ""))
        if (
            walk.conversation.stage == "checking"
            and details
            and walk.conversation.journey == "officer"
        ):
            yield f"{name}, at the first check", walk.copy()
            details = False
            walk.press("details")
    yield f"{name}, {walk.conversation.stage}", walk.copy()
    if walk.conversation.stage == "checking":
        left = walk.copy()
        left.say("leave")
        yield f"{name}, paused", left
        changing = walk.copy()
        changing.press("change")
        changing.press("reopen:")
        yield f"{name}, changing {changing.open_key}", changing
        walk.press("send")
        yield f"{name}, sent", walk.copy()


_STOPS: tuple[tuple[str, Callable[[], FlowClient], Mapping[str, str]], ...] = (
    ("pushed", begin_self, {"wish": "pushed"}),
    ("dispute", begin_self, {"harm": "dispute", "district": "ashford"}),
    ("outside", begin_self, {"extra": "yes", "area": "elsewhere", "happened_here": "no"}),
    ("no_consent", begin_officer, {"agreed": "no"}),
    ("not_wanted", begin_officer, {"willing": "no", "interested": "no"}),
    ("victim_did_not_ask", begin_officer, {"offence": "domestic", "victim_asked": "no"}),
)


def _draft_at_welcome(name: str, walk: FlowClient) -> tuple[str, FlowClient]:
    for _ in range(20):
        walk.say("back")
        if walk.conversation.stage not in ("asking", "notice"):
            break
    return f"{name}, back before its first question", walk


@cache
def _build_states() -> tuple[tuple[str, FlowClient], ...]:
    found: list[tuple[str, FlowClient]] = [("fresh", FlowClient())]
    fresh = FlowClient(profile=PROFILE, can_share_number=True)
    fresh.say("/start")
    found.append(("welcome", fresh.copy()))
    fresh.press("go:learn")
    found.append(("learning", fresh.copy()))
    fresh.press("go:self")
    found.append(("notice", fresh.copy()))
    invited = FlowClient()
    invited.conversation = replace(invited.conversation, officer=PC_REED_OFFICER)
    invited.say("/start")
    found.append(("welcome of an invited officer", invited))
    for name, starts, wanted in _PATHS:
        found.extend(_states_along(name, starts(), wanted))
    for name, starts, wanted in _STOPS:
        stopped = starts().answer_until(wanted)
        assert stopped.conversation.stop_reason == name
        found.append((f"stopped: {name}", stopped))
    withdrawn = dict(found)["self, sent"].copy()
    withdrawn.press("withdraw")
    withdrawn.press("withdraw_yes")
    found.append(("withdrawn", withdrawn))
    late = begin_self().answer_until({}, until="way")
    found.append(("away for a while", late.copy().wait(minutes=20)))
    found.append(("away too long", late.copy().wait(days=4)))
    asked = late.copy()
    asked.say("person")
    asked.press("call_me")
    found.append(("self who then asks for a call", asked))
    for name in ("self, asked way", "officer, asked offence", "callback, asked number"):
        found.append(_draft_at_welcome(name, dict(found)[name].copy()))
    return tuple(found)


def sample_states() -> dict[str, FlowClient]:
    """Return somebody at every stage and at every question of every way through, by name."""
    return {name: walk.copy() for name, walk in _build_states()}


def distinct_states() -> dict[str, FlowClient]:
    """Return the same without those who stand where somebody else stands already."""
    found: dict[tuple[str, ...], str] = {}
    for name, walk in _build_states():
        stands = walk.conversation
        found.setdefault((stands.stage, stands.journey, walk.open_key, stands.stop_reason), name)
    everywhere = sample_states()
    return {name: everywhere[name] for name in found.values()}


def finish(walk: FlowClient, most: int = 60) -> FlowClient:
    """Go on by buttons, and by what has to be typed, until something is sent."""
    for _ in range(most):
        match walk.conversation.stage:
            case "sent":
                return walk
            case "asking" if isinstance(walk.conversation.pending, ChangeAnswer):
                walk.press("change_it")
            case "asking":
                walk.answer()
            case "checking":
                ask_status(walk)
                walk.press("send")
            case "notice":
                ask_status(walk)
                walk.press("notice:adult")
            case "paused":
                ask_status(walk)
                walk.press("carry_on")
            case "stopped":
                ask_status(walk)
                walk.press("reopen")
            case "withdrawn":
                ask_status(walk)
                walk.press("another")
            case "welcome" | "learning" | "expired":
                ask_status(walk)
                _choose_first_entry(walk)
    raise AssertionError(f"stranded at {walk.conversation.stage} {walk.open_key}")


def ask_status(walk: FlowClient) -> None:
    """Ask where things stand, when the last turn did not say so with buttons."""
    walk.say("/status")


def _choose_first_entry(walk: FlowClient) -> None:
    for door in ("go:self", "go:officer"):
        if walk.has_button(door):
            walk.press(door)
            return


def record_states() -> Path:
    """Write where everybody can stand under today's content; return the file."""
    file = RECORDED_DIR / f"{content_files.wording_version('en')}.json"
    kept = [
        f"{json.dumps(name)}: {dumps(one.conversation)}" for name, one in distinct_states().items()
    ]
    file.write_text("{\n" + ",\n".join(kept) + "\n}\n", encoding="utf-8")
    return file


def english(key: str, **blanks: object) -> str:
    """Return what is said in English under a key."""
    return say("en", key, **blanks)


if __name__ == "__main__":
    record_states()
