"""Plays a story in a browser without JavaScript: over HTTP, on the pages as they are."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import httpx

from bot.channel_interface import Body, Channel
from bot.channels.web import WebChannel
from bot.peers.rate_limit import RateLimiter
from bot.runtime import Runtime
from flows.vocabulary import OutboxKind
from flows.wording import say
from storage.chats import browser_sessions
from storage.unit import Unit
from tests.story_runner.flow_player import FakeChannel
from tests.story_runner.player import DeliveryFault, ScreenEvent, Store, StoryPlayer
from tests.story_runner.runner import EVENT_LABELS, Story, StoryAction
from tests.support.cast import Persona
from tests.support.page_parser import ParsedPage, parse_page

WEB_URL = "http://chat.test"
USES_NAME, SHARES_NUMBER = "Use the name on my account", "Share my number"
UNSUPPORTED_BUTTONS = (USES_NAME, SHARES_NUMBER)
"""Buttons that need to know an account or a number: a browser knows neither, so they are typed."""
UNSUPPORTED_ACTIONS = {
    "sends": "a browser sends words only",
    "edits": "what was sent from a page stays as it is; an answer is changed by its button",
    "blocks": "a page is closed, it cannot be blocked",
    "unblocks": "a page is closed, it cannot be blocked",
    "adds the bot": "there are no groups",
}
"""What cannot be done in a browser: the step is passed over, and the story goes on without it."""
TRUNCATED_STORIES = {
    "edited_message": ("edits", ("told number: +447700900733", "safe if_answered: no_message")),
    "away_for_three_days": ("types: hello", ("stage welcome",)),
    "nobody_worked_on_it": ("types: /status", ()),
}
"""Stories whose later steps hang on such a step, or on a visit that ended after 72 hours: they are
told until there, and end without what hangs on the rest."""
UNSUPPORTED_EXPECTATIONS = {
    "the chat is closed": "a page cannot be blocked",
    "typed <= 0": "a name and a number are typed here",
    "typed <= 1": "a name and a number are typed here",
}
"""Endings that cannot hold in a browser."""


class UnlimitedLimiter(RateLimiter):
    """Lets a story go as fast as it can."""

    def allow(self, rule: str, *keys: str) -> bool:
        """Return True."""
        return True


@dataclass(slots=True)
class Tab:
    """One person's browser: the page it shows, those before it, what was seen so far."""

    client: httpx.AsyncClient
    page: ParsedPage = field(default_factory=ParsedPage)
    pages: list[ParsedPage] = field(default_factory=list)
    previous_messages: dict[str, tuple[str, str]] = field(default_factory=dict)
    last_prompt: tuple[str, tuple[str, ...]] = ("", ())
    events: list[ScreenEvent] = field(default_factory=list)
    hidden: bool = False
    address: str = ""

    def load(self, html: str) -> None:
        """Take over the page that came."""
        self.pages.append(self.page)
        self.page = parse_page(html)


class FaultyWebChannel(WebChannel):
    """The channel of the program; showing a message may meet trouble, before it or after."""

    fault: DeliveryFault | None = None

    def show(self, unit: Unit, address: str, kind: OutboxKind, body: Body) -> str | None:
        """Show as the program does, unless there is trouble: then the turn is undone."""
        trouble = self.fault if kind == OutboxKind.SAY else None
        if trouble:
            self.fault = None
        if trouble in ("wait", "failed"):
            raise ConnectionError
        shown = super().show(unit, address, kind, body)
        if trouble == "lost":
            raise ConnectionError
        return shown


class WebPlayer(StoryPlayer):
    """Plays through the pages: reads the HTML, fills the forms, presses the buttons."""

    channel = "web"

    def __init__(self, store: Store, names_in_chat: bool = False) -> None:
        super().__init__(store, names_in_chat)
        self._paper = FakeChannel()
        self._acts: list[Callable[[], Awaitable[None]]] = []

    def build(self) -> Runtime:
        """Return the parts of a process that serves pages."""
        self.running = self.build_app()
        runtime = self.running.runtime
        runtime.answer_within = 0.0
        runtime.limiter = UnlimitedLimiter(runtime.vault.fingerprint, runtime.peers)
        self.alerts = self._paper.alerts
        self.web_channel = FaultyWebChannel(self.database)
        own: dict[str, Channel] = {"web": self.web_channel, "paper": self._paper}
        runtime.channels, runtime.alerts = {**runtime.channels, **own}, ("paper",)
        app = self.running.pages()
        self.tabs: dict[str, Tab] = defaultdict(
            lambda: Tab(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app), base_url=WEB_URL, follow_redirects=True
                )
            )
        )
        return runtime

    async def restart(self) -> None:
        """End the program and start it again; what stands on the screens stays there."""
        tabs = dict(self.tabs)
        await super().restart()
        for name, tab in tabs.items():
            fresh = self.tabs[name].client
            fresh.cookies = tab.client.cookies
            self.tabs[name] = replace(tab, client=fresh)

    async def save_arrivals(self) -> None:
        """Do on the pages what people do."""
        acts, self._acts = self._acts, []
        for act in acts:
            await act()

    async def settle(self) -> None:
        """Answer what came, and have everybody look at their page."""
        await super().settle()
        await self._reload_pages()

    async def wait(self, time: timedelta) -> None:
        """Let time pass; then everybody looks at their page."""
        await super().wait(time)
        await self._reload_pages()

    def says(self, who: Persona, text: str) -> None:
        """Type into the field and send it; who is not in the chat yet presses Start first."""
        self._acts.append(lambda: self._say(who, text))

    def presses(self, who: Persona, label: str, old: bool = False) -> None:
        """Press a button of the page; an old one stands on a page that is still open."""
        tab = self.tabs[who.name]
        if label == USES_NAME:
            self.says(who, who.name)
            return
        if label in tab.page.copies:
            tab.events.append(ScreenEvent("copied", tab.page.copies[label]))
            return
        pages = [*tab.pages, tab.page]
        pages = [one for one in reversed(pages) if one.forms]
        newest = pages[0]
        found = [one for one in pages[1 if old else 0 :] if label in one.labels]
        assert found, f"no button {label!r} among {newest.labels}"
        path, fields = found[0].submission_for(label)
        self._acts.append(lambda: self._post(who, path, fields))

    def shares_number(self, who: Persona) -> None:
        """Type the number: a browser does not know it."""
        self.says(who, who.phone)

    def sends(self, who: Persona, thing: str, caption: str = "") -> None:
        """Cannot be done."""

    def edits(self, who: Persona, old: str, new: str) -> None:
        """Cannot be done."""

    def blocks(self, who: Persona) -> None:
        """Cannot be done."""

    def unblocks(self, who: Persona) -> None:
        """Cannot be done."""

    def adds_to_group(self, who: Persona) -> None:
        """Cannot be done."""

    def fail_next_message(self, what: DeliveryFault) -> None:
        """Let the next message meet trouble."""
        self.web_channel.fault = what

    def take_events(self, who: Persona) -> list[ScreenEvent]:
        """Return what changed on the page since the last time."""
        tab = self.tabs[who.name]
        seen, tab.events = tab.events, []
        return seen

    def message_count(self, who: Persona) -> int:
        """Return how many messages stand on the page."""
        return len(self.tabs[who.name].page.messages)

    def has_keyboard(self, who: Persona) -> bool:
        """Return False: the keyboard is the person's own."""
        return False

    def address_of(self, who: Persona) -> str:
        """Return the address behind the cookie."""
        return self.tabs[who.name].address

    async def _say(self, who: Persona, text: str) -> None:
        tab = self.tabs[who.name]
        if not tab.client.cookies.get("chat"):
            tab.load((await tab.client.get("/")).text)
            path, fields = tab.page.submission_for("Start")
            await self._post(who, path, fields)
            if text == "/start":
                return
            await super().settle()
            await self._reload_pages()
            tab.events.clear()
        pages = [one for one in [tab.page, *reversed(tab.pages)] if "say" in _fields(one)]
        form = next(one for one in pages[0].forms if "say" in one.fields)
        await self._post(who, form.action, {**form.fields, "say": text})

    async def _post(self, who: Persona, path: str, fields: dict[str, str]) -> None:
        tab = self.tabs[who.name]
        answer = await tab.client.post(path, data=fields)
        assert answer.status_code == 200, f"{answer.status_code}: {parse_page(answer.text).heading}"
        tab.load(answer.text)
        own = [one for one in tab.page.messages if one.author == "own"]
        tab.previous_messages |= {one.id: (one.author, one.text) for one in own}

    async def _reload_pages(self) -> None:
        for tab in self.tabs.values():
            token = tab.client.cookies.get("chat")
            if token:
                found = await self.database.write(browser_sessions.session_address, token)
                tab.address = found or ""
                tab.load((await tab.client.get("/chat")).text)
                _record_changes(tab)


def _fields(page: ParsedPage) -> set[str]:
    return {name for form in page.forms for name in form.fields}


def _record_changes(tab: Tab) -> None:
    """Note what is new on a page: what went, what changed, what came; the newest has the buttons.

    A page that hides the talk shows nothing, and nothing of before comes back after it.
    """
    if not any("say" in form.fields for form in tab.page.forms):
        tab.hidden = True
        return
    page, before = tab.page, tab.previous_messages
    now = {one.id: (one.author, one.text) for one in page.messages}
    gone = {how for id, (how, _) in before.items() if id not in now and how != "passing"}
    if gone and not tab.hidden:
        tab.events.append(ScreenEvent("cleared" if "ours" in gone else "deleted"))
    asked = (page.prompt_id, tuple(page.labels))
    for id, (how, text) in now.items():
        asks_anew = id == page.prompt_id == tab.last_prompt[0] and asked != tab.last_prompt
        if how == "own" or (before.get(id) == (how, text) and not asks_anew):
            continue
        kind = "toast" if how == "passing" else "edit" if id in before else "new"
        tab.events.append(ScreenEvent(kind, text, asked[1] if id == page.prompt_id else ()))
    tab.previous_messages, tab.last_prompt, tab.hidden = now, asked, False


# --- what a story says, as it goes in a browser


def adapt_story(name: str, story: Story) -> Story:
    """Return a story as it goes in a browser, by the tables above."""
    until, not_reached = TRUNCATED_STORIES.get(name, ("", ()))
    parts = story.actions
    if until:
        parts = parts[: next(n for n, one in enumerate(parts) if _action_starts(one, until))]
    dropped = {*not_reached, *UNSUPPORTED_EXPECTATIONS}
    endings = tuple(one for one in story.expectations if one not in dropped)
    return replace(story, actions=tuple(map(_adapt_action, parts)), expectations=endings)


def _action_starts(part: StoryAction, what: str) -> bool:
    return part.text.partition(" ")[2].startswith(what)


def _adapt_action(part: StoryAction) -> StoryAction:
    """Return a step with what is seen in a browser.

    Sent twice it counts once; after a while away, a page hides the talk before it is cleared. A
    turn is shown whole: nothing twice, and no words of a person's that it takes away again.
    """
    if any(_action_starts(part, what) for what in UNSUPPORTED_ACTIONS):
        return replace(part, seen=())
    said = _message_blocks(part.seen)
    blocks = [
        block
        for before, block in pairwise([[], *said])
        if block not in (before, [EVENT_LABELS["deleted"]])
    ]
    if _action_starts(part, "presses twice"):
        blocks = blocks[:1]
    if _action_starts(part, "waits"):
        blocks = [block for block in blocks if block != [EVENT_LABELS["cleared"]]]
    return replace(part, seen=tuple(_only_the_newest_asks(blocks)))


def _message_blocks(saw: tuple[str, ...]) -> list[list[str]]:
    """Return the messages in what somebody saw, without what a browser does not offer."""
    blocks: list[list[str]] = [[]]
    for line in saw:
        if line:
            blocks[-1].append(_without_unsupported(line))
        else:
            blocks.append([])
    saved = [say("en", "scenes.asking.saved")]
    return [block for block in blocks if block and block != saved]


def _without_unsupported(line: str) -> str:
    for label in UNSUPPORTED_BUTTONS:
        line = line.replace(f"[{label}] ", "")
    return line


def _only_the_newest_asks(blocks: list[list[str]]) -> Iterator[str]:
    """Give the lines; buttons stand only under the newest message that has some."""
    asking = [n for n, block in enumerate(blocks) if block[-1].startswith("[")]
    for n, block in enumerate(blocks):
        yield from [""] if n else []
        yield from block[:-1] if n in asking[:-1] else block
