"""Reads stories, plays them, and writes down again what the bot said in them.

A story is plain text. Its first line says in a sentence what it is about. Then come lines of what
somebody does ("Maya presses: Yes"), each followed by what they saw, indented. Its last lines begin
with "=" and must hold at the end; tests/story_runner/expectations.py knows them. Recording writes
the indented lines afresh and never any other.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from flows.inputs import FormFields
from storage.referrals import acts
from storage.tables import REFERRAL
from tests.story_runner.player import DeliveryFault, ScreenEvent, StoryPlayer
from tests.support.cast import CAST, PRIYA, Persona
from tests.support.paths import STORIES

INDENT = "    "
NAMES_IN_CHAT = "the service takes names in chat"
EVENT_LABELS = {
    "new": "",
    "edit": "(changes)",
    "toast": "(toast)",
    "copied": "(copies)",
    "cleared": "(clears the chat)",
    "deleted": "(deletes the message)",
    "left": "(leaves the group)",
}
_REFERENCE = re.compile(r"\b[ACDEFGHJKMNPQRTWXY34679]{4}-[ACDEFGHJKMNPQRTWXY34679]{4}\b")
_DUE = re.compile(r"\b\d{1,2}(:\d\d)?[ap]m on \w+day \d{1,2} \w+")


@dataclass(frozen=True, slots=True)
class StoryAction:
    """One line of what somebody does, and the lines that they saw."""

    text: str
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """One story, as it stands in its file."""

    title: str
    actions: tuple[StoryAction, ...]
    expectations: tuple[str, ...]

    @property
    def names_in_chat(self) -> bool:
        """Return whether the service of this story takes names in the chat."""
        return any(part.text == NAMES_IN_CHAT for part in self.actions)


def story_names() -> list[str]:
    """Return the names of all stories, in the order of the alphabet."""
    return sorted(path.stem for path in STORIES.glob("*.txt"))


def parse_story(text: str) -> Story:
    """Return the story in `text`; raise ValueError when it has no title."""
    title, *rest = text.strip().splitlines() or [""]
    if not title.endswith("."):
        raise ValueError("a story begins with a sentence that says what it is about")
    parts: list[StoryAction] = []
    for line in rest:
        if line.startswith(INDENT) or not line.strip():
            if parts:
                saw = (*parts[-1].seen, line.removeprefix(INDENT).rstrip())
                parts[-1] = replace(parts[-1], seen=saw)
        elif not line.startswith("= "):
            parts.append(StoryAction(line.strip()))
    told = tuple(StoryAction(part.text, _trimmed(part.seen)) for part in parts)
    return Story(title, told, tuple(line[2:].strip() for line in rest if line.startswith("= ")))


def format_story(story: Story) -> str:
    """Return a story as it stands in its file."""
    blocks = [[story.title]]
    for part in story.actions:
        saw = [f"{INDENT}{line}".rstrip() for line in part.seen]
        blocks.append([part.text, *saw])
    blocks.append([f"= {ending}" for ending in story.expectations])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def format_events(seen: list[ScreenEvent]) -> tuple[str, ...]:
    """Return what somebody saw as the lines of a story, the same on any day."""
    lines: list[str] = []
    for one in _merge_removals(seen):
        text = _DUE.sub("(due)", _REFERENCE.sub("(reference)", one.text))
        words = [line for line in text.splitlines() if line.strip()] or [""]
        words[0] = f"{EVENT_LABELS[one.kind]} {words[0]}".strip()
        buttons = " ".join(f"[{label}]" for label in one.labels)
        lines += ["", *words, *([buttons] if buttons else [])]
    return tuple(lines[1:])


class StoryRunner:
    """A story while it is told: who it is about, and how much they had to do."""

    def __init__(self, player: StoryPlayer) -> None:
        self.player = player
        self.main_persona: Persona | None = None
        self.taps = self.typed = self.screens = 0
        self.handed_over = False
        self._link = ""

    async def run(self, story: Story) -> Story:
        """Return the story as it went this time."""
        parts: list[StoryAction] = []
        for part in story.actions:
            try:
                parts.append(StoryAction(part.text, await self._run_action(part.text)))
            except Exception as problem:
                so_far = replace(
                    story, actions=(*parts[-3:], StoryAction(part.text)), expectations=()
                )
                problem.add_note(f"The story so far:\n...\n{format_story(so_far)}")
                raise
        return replace(story, actions=tuple(parts))

    async def _run_action(self, line: str) -> tuple[str, ...]:
        name, _, does = line.partition(" ")
        if name not in CAST:
            await self._outside_event(line)
            return ()
        who = CAST[name]
        self.main_persona = self.main_persona or who
        time = re.fullmatch(r"waits: (\d+) (minutes|hours|days)", does)
        if time:
            await self.player.wait(timedelta(**{time[2]: int(time[1])}))
        else:
            self._perform(who, does)
            await self.player.settle()
            self.handed_over = self.handed_over or self.player.has_referral()
        seen = self.player.take_events(who)
        self._count_screens(seen)
        _check_privacy(who, seen)
        return format_events(seen)

    def _perform(self, who: Persona, does: str) -> None:
        for pattern, act in ACTS:
            found = re.fullmatch(pattern, does)
            if found:
                act(self, who, *(one or "" for one in found.groups()))
                return
        raise ValueError(f"nobody knows how to do this: {does}")

    async def _outside_event(self, line: str) -> None:
        """What happens without the people in the chat."""
        if line == NAMES_IN_CHAT:
            return
        if line == "the program restarts":
            await self.player.restart()
        elif line.startswith("an administrator revokes "):
            self.player.revoke(CAST[line.removeprefix("an administrator revokes ")])
            await self.player.settle()
        elif line in FAULTS:
            self.player.fail_next_message(FAULTS[line])
        elif line == "staff claim" or line.startswith("staff step: "):
            self._staff_act(line.removeprefix("staff ").removeprefix("step: "))
            await self.player.settle()
        else:
            raise ValueError(f"nobody knows how to do this: {line}")

    def _staff_act(self, act: str) -> None:
        player, now = self.player, self.player.clock()
        with player.database.unit(now) as unit:
            newest = REFERRAL.select().order_by(REFERRAL.c.sent_at.desc())
            reference = unit.conn.execute(newest).one().reference
            if act == "claim":
                assert acts.claim(unit, reference, PRIYA)
            else:
                acts.perform_act(unit, reference, act, PRIYA)

    def _count_screens(self, seen: list[ScreenEvent]) -> None:
        """Count the screens that stand between a person and Send."""
        if not self.handed_over:
            self.screens += sum(one.kind == "new" and bool(one.labels) for one in seen)

    # --- what people do

    def opens(self, who: Persona, payload: str = "") -> None:
        """Press Start."""
        self.taps += 1
        self.player.says(who, f"/start {payload}".strip())

    def opens_invitation(self, who: Persona) -> None:
        """Come by a link of their own."""
        self._link = self.player.invite(who)
        self.reopens_link(who)

    def reopens_link(self, who: Persona) -> None:
        """Come by a link that was used before."""
        self.taps += 1
        self.player.says(who, self._link)

    def types(self, who: Persona, text: str) -> None:
        """Type something."""
        self.typed += 1
        self.player.says(who, text)

    def types_repeatedly(self, who: Persona, times: str, text: str) -> None:
        """Type something at length."""
        self.types(who, " ".join([text] * int(times)))

    def presses(self, who: Persona, label: str) -> None:
        """Press a button."""
        self.taps += 1
        self.player.presses(who, label)

    def presses_twice(self, who: Persona, label: str) -> None:
        """Press a button twice before anything happens."""
        self.presses(who, label)
        self.presses(who, label)

    def presses_old(self, who: Persona, label: str) -> None:
        """Press a button further up."""
        self.taps += 1
        self.player.presses(who, label, old=True)

    def fills_in(self, who: Persona, told: str) -> None:
        """Fill in a private page of the chat."""
        self.player.fills_in(who, _pairs(told))

    def fills_in_whole(self, who: Persona, told: str) -> None:
        """Fill in an officer's page, and send it."""
        self.player.fills_in(who, _pairs(told), "officer")

    def enters_by_phone(self, who: Persona, told: str) -> None:
        """Ring, and tell staff what they ask."""
        self.player.enter_by_phone(who, _pairs(told))

    def shows_code(self, who: Persona, line: str) -> None:
        """Show a code to whoever is there."""
        self._link = self.player.shows_code(who, line)

    def shares_number(self, who: Persona) -> None:
        """Press Share my number, and say yes to Telegram."""
        self.taps += 2
        self.player.shares_number(who)


StoryAct = Callable[..., None]
ACTS: tuple[tuple[str, StoryAct], ...] = (
    (r"opens the chat", StoryRunner.opens),
    (r"opens the link: (.+)", StoryRunner.opens),
    (r"opens the invitation", StoryRunner.opens_invitation),
    (r"opens the same invitation", StoryRunner.reopens_link),
    (r"types: (.+)", StoryRunner.types),
    (r"types (\d+) times over: (.+)", StoryRunner.types_repeatedly),
    (r"presses: (.+)", StoryRunner.presses),
    (r"presses twice: (.+)", StoryRunner.presses_twice),
    (r"presses the old button: (.+)", StoryRunner.presses_old),
    (r"fills in a private page: (.+)", StoryRunner.fills_in),
    (r"fills in the whole form and sends it: (.+)", StoryRunner.fills_in_whole),
    (r"rings, and staff type: (.+)", StoryRunner.enters_by_phone),
    (r"shows a code, with the reference (.+)", StoryRunner.shows_code),
    (r"scans the code", StoryRunner.reopens_link),
    (r"shares (?:her|his|their) number", StoryRunner.shares_number),
    (r"sends: (\w+)(?:, saying: (.+))?", lambda t, *told: t.player.sends(*told)),
    (r'edits "(.+)" to: (.+)', lambda t, *told: t.player.edits(*told)),
    (r"blocks the bot", lambda t, who: t.player.blocks(who)),
    (r"unblocks the bot", lambda t, who: t.player.unblocks(who)),
    (r"adds the bot to a group", lambda t, who: t.player.adds_to_group(who)),
)
FAULTS: dict[str, DeliveryFault] = {
    "the line asks to wait": "wait",
    "the line is down": "failed",
    "the line loses the answer": "lost",
}


def _merge_removals(seen: list[ScreenEvent]) -> list[ScreenEvent]:
    """Take messages that go away one after the other together."""
    found: list[ScreenEvent] = []
    for one in seen:
        going = {"cleared", "deleted"}
        if found and {one.kind, found[-1].kind} <= going:
            one = max(one, found.pop(), key=lambda gone: gone.kind == "cleared")
        found.append(one)
    return found


def _pairs(told: str) -> FormFields:
    """Return "name = Maya; way = call" as what was filled in."""
    pairs = [one.partition(" = ") for one in told.split("; ")]
    return tuple((key.strip(), value.strip()) for key, _, value in pairs)


def _trimmed(lines: tuple[str, ...]) -> tuple[str, ...]:
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def _check_privacy(who: Persona, seen: list[ScreenEvent]) -> None:
    """What is private is shown only by changing a message, never in a new one or a toast."""
    for one in seen:
        if one.kind in ("new", "toast"):
            bare = one.text.replace(" ", "")
            for private in (who.name, who.phone[3:], who.email):
                assert private not in bare, f"{private} is in a new message: {one.text}"
