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

from bot.pipeline.respond import Answered
from flows.conversation import Filled, HandOver
from storage.referrals import lifecycle
from storage.tables import REFERRAL
from tests.story_runner.player import Player, Seen, Troubles
from tests.support.cast import CAST, PRIYA, Person
from tests.support.paths import STORIES

INDENT = "    "
NAMES_IN_CHAT = "the service takes names in chat"
MARKS = {
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
class Part:
    """One line of what somebody does, and the lines that they saw."""

    line: str
    saw: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """One story, as it stands in its file."""

    title: str
    parts: tuple[Part, ...]
    endings: tuple[str, ...]

    @property
    def names_in_chat(self) -> bool:
        """Return whether the service of this story takes names in the chat."""
        return any(part.line == NAMES_IN_CHAT for part in self.parts)


def names() -> list[str]:
    """Return the names of all stories, in the order of the alphabet."""
    return sorted(path.stem for path in STORIES.glob("*.txt"))


def read(text: str) -> Story:
    """Return the story in `text`; raise ValueError when it has no title."""
    title, *rest = text.strip().splitlines() or [""]
    if not title.endswith("."):
        raise ValueError("a story begins with a sentence that says what it is about")
    parts: list[Part] = []
    for line in rest:
        if line.startswith(INDENT) or not line.strip():
            if parts:
                saw = (*parts[-1].saw, line.removeprefix(INDENT).rstrip())
                parts[-1] = replace(parts[-1], saw=saw)
        elif not line.startswith("= "):
            parts.append(Part(line.strip()))
    told = tuple(Part(part.line, _trimmed(part.saw)) for part in parts)
    return Story(title, told, tuple(line[2:].strip() for line in rest if line.startswith("= ")))


def write(story: Story) -> str:
    """Return a story as it stands in its file."""
    blocks = [[story.title]]
    for part in story.parts:
        saw = [f"{INDENT}{line}".rstrip() for line in part.saw]
        blocks.append([part.line, *saw])
    blocks.append([f"= {ending}" for ending in story.endings])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def shown(seen: list[Seen]) -> tuple[str, ...]:
    """Return what somebody saw as the lines of a story, the same on any day."""
    lines: list[str] = []
    for one in _at_a_glance(seen):
        text = _DUE.sub("(due)", _REFERENCE.sub("(reference)", one.text))
        words = [line for line in text.splitlines() if line.strip()] or [""]
        words[0] = f"{MARKS[one.how]} {words[0]}".strip()
        buttons = " ".join(f"[{label}]" for label in one.labels)
        lines += ["", *words, *([buttons] if buttons else [])]
    return tuple(lines[1:])


class Telling:
    """A story while it is told: who it is about, and how much they had to do."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.main: Person | None = None
        self.taps = self.typed = self.screens = 0
        self.handed_over = False
        self._link = ""

    async def tell(self, story: Story) -> Story:
        """Return the story as it went this time."""
        parts: list[Part] = []
        for part in story.parts:
            try:
                parts.append(Part(part.line, await self._part(part.line)))
            except Exception as problem:
                so_far = replace(story, parts=(*parts[-3:], Part(part.line)), endings=())
                problem.add_note(f"The story so far:\n...\n{write(so_far)}")
                raise
        return replace(story, parts=tuple(parts))

    async def _part(self, line: str) -> tuple[str, ...]:
        name, _, does = line.partition(" ")
        if name not in CAST:
            await self._aside(line)
            return ()
        who = CAST[name]
        self.main = self.main or who
        time = re.fullmatch(r"waits: (\d+) (minutes|hours|days)", does)
        if time:
            await self.player.wait(timedelta(**{time[2]: int(time[1])}))
        else:
            self._act(who, does)
            self._note(await self.player.settle())
        seen = self.player.seen_by(who)
        self._count(seen)
        _check_private(who, seen)
        return shown(seen)

    def _act(self, who: Person, does: str) -> None:
        for pattern, act in ACTS:
            found = re.fullmatch(pattern, does)
            if found:
                act(self, who, *(one or "" for one in found.groups()))
                return
        raise ValueError(f"nobody knows how to do this: {does}")

    async def _aside(self, line: str) -> None:
        """What happens without the people in the chat."""
        if line == NAMES_IN_CHAT:
            return
        if line == "the program restarts":
            await self.player.restart()
        elif line in TROUBLES:
            self.player.goes_wrong(TROUBLES[line])
        elif line == "staff claim" or line.startswith("staff step: "):
            self._staff(line.removeprefix("staff ").removeprefix("step: "))
            await self.player.settle()
        else:
            raise ValueError(f"nobody knows how to do this: {line}")

    def _staff(self, act: str) -> None:
        player, now = self.player, self.player.clock.now()
        with player.database.transaction() as connection:
            newest = REFERRAL.select().order_by(REFERRAL.c.sent_at.desc())
            reference = connection.execute(newest).one().reference
            if act == "claim":
                assert lifecycle.claim(connection, reference, PRIYA, now)
            else:
                lifecycle.take_step(connection, player.vault, reference, act, PRIYA, now)

    def _note(self, answered: list[Answered]) -> None:
        effects = [effect for one in answered if one.turn for effect in one.turn.effects]
        self.handed_over = self.handed_over or any(isinstance(e, HandOver) for e in effects)

    def _count(self, seen: list[Seen]) -> None:
        """Count the screens that stand between a person and Send."""
        if not self.handed_over:
            self.screens += sum(one.how == "new" and bool(one.labels) for one in seen)

    # --- what people do

    def opens(self, who: Person, payload: str = "") -> None:
        """Press Start."""
        self.taps += 1
        self.player.says(who, f"/start {payload}".strip())

    def opens_invitation(self, who: Person) -> None:
        """Come by a link of their own."""
        self._link = self.player.invite(who)
        self.opens_same(who)

    def opens_same(self, who: Person) -> None:
        """Come by a link that was used before."""
        self.taps += 1
        self.player.says(who, self._link)

    def types(self, who: Person, text: str) -> None:
        """Type something."""
        self.typed += 1
        self.player.says(who, text)

    def types_over(self, who: Person, times: str, text: str) -> None:
        """Type something at length."""
        self.types(who, " ".join([text] * int(times)))

    def presses(self, who: Person, label: str) -> None:
        """Press a button."""
        self.taps += 1
        self.player.presses(who, label)

    def presses_twice(self, who: Person, label: str) -> None:
        """Press a button twice before anything happens."""
        self.presses(who, label)
        self.presses(who, label)

    def presses_old(self, who: Person, label: str) -> None:
        """Press a button further up."""
        self.taps += 1
        self.player.presses(who, label, old=True)

    def fills_in(self, who: Person, told: str) -> None:
        """Fill in a private page of the chat."""
        self.player.fills_in(who, _pairs(told))

    def fills_in_whole(self, who: Person, told: str) -> None:
        """Fill in an officer's page, and send it."""
        self.player.fills_in(who, _pairs(told), "officer")

    def is_taken_down(self, who: Person, told: str) -> None:
        """Ring, and tell staff what they ask."""
        self.player.is_taken_down(who, _pairs(told))

    def shows_code(self, who: Person, line: str) -> None:
        """Show a code to whoever is there."""
        self._link = self.player.shows_code(who, line)

    def shares_number(self, who: Person) -> None:
        """Press Share my number, and say yes to Telegram."""
        self.taps += 2
        self.player.shares_number(who)


Act = Callable[..., None]
ACTS: tuple[tuple[str, Act], ...] = (
    (r"opens the chat", Telling.opens),
    (r"opens the link: (.+)", Telling.opens),
    (r"opens the invitation", Telling.opens_invitation),
    (r"opens the same invitation", Telling.opens_same),
    (r"types: (.+)", Telling.types),
    (r"types (\d+) times over: (.+)", Telling.types_over),
    (r"presses: (.+)", Telling.presses),
    (r"presses twice: (.+)", Telling.presses_twice),
    (r"presses the old button: (.+)", Telling.presses_old),
    (r"fills in a private page: (.+)", Telling.fills_in),
    (r"fills in the whole form and sends it: (.+)", Telling.fills_in_whole),
    (r"rings, and staff type: (.+)", Telling.is_taken_down),
    (r"shows a code, with the reference (.+)", Telling.shows_code),
    (r"scans the code", Telling.opens_same),
    (r"shares (?:her|his|their) number", Telling.shares_number),
    (r"sends: (\w+)(?:, saying: (.+))?", lambda t, *told: t.player.sends(*told)),
    (r'edits "(.+)" to: (.+)', lambda t, *told: t.player.edits(*told)),
    (r"blocks the bot", lambda t, who: t.player.blocks(who)),
    (r"unblocks the bot", lambda t, who: t.player.unblocks(who)),
    (r"adds the bot to a group", lambda t, who: t.player.adds_to_group(who)),
)
TROUBLES: dict[str, Troubles] = {
    "the line asks to wait": "wait",
    "the line is down": "failed",
    "the line loses the answer": "lost",
}


def _at_a_glance(seen: list[Seen]) -> list[Seen]:
    """Take messages that go away one after the other together."""
    found: list[Seen] = []
    for one in seen:
        going = {"cleared", "deleted"}
        if found and {one.how, found[-1].how} <= going:
            one = max(one, found.pop(), key=lambda gone: gone.how == "cleared")
        found.append(one)
    return found


def _pairs(told: str) -> Filled:
    """Return "name = Maya; way = call" as what was filled in."""
    pairs = [one.partition(" = ") for one in told.split("; ")]
    return tuple((key.strip(), value.strip()) for key, _, value in pairs)


def _trimmed(lines: tuple[str, ...]) -> tuple[str, ...]:
    while lines and not lines[-1]:
        lines = lines[:-1]
    return lines


def _check_private(who: Person, seen: list[Seen]) -> None:
    """What is private is shown only by changing a message, never in a new one or a toast."""
    for one in seen:
        if one.how in ("new", "toast"):
            bare = one.text.replace(" ", "")
            for private in (who.called, who.phone[3:], who.email):
                assert private not in bare, f"{private} is in a new message: {one.text}"
