"""People in front of real browser pages, who try again until there is an answer."""

import csv
import io
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

import httpx

from bot.channels.web.guard import CHAT_COOKIE
from bot.desk.guard import BROWSER_COOKIE, SESSION_COOKIE
from flows.wording import say
from tests.drills.fork_server import PATIENCE
from tests.support.happy_path import PathStep, expected_answers, happy_path
from tests.support.page_parser import ParsedPage, parse_page

REFERENCE = re.compile(r"[A-Z0-9]{4}-[A-Z0-9]{4}")
BUSY = {say("en", "web.trouble.busy.title"), say("en", "desk.busy.title")}
OUT_OF_DATE = say("en", "desk.problems.out_of_date")
CLOSED_EXPORT = 409


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait until something is so; fail only when it never comes."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this never came"
        time.sleep(0.05)


@dataclass(slots=True)
class Shown:
    """What a browser shows, and how often it had to ask for it."""

    answer: httpx.Response
    page: ParsedPage
    tries: int

    @property
    def status(self) -> int:
        """Return the status of the page."""
        return self.answer.status_code


class PatientBrowser:
    """A browser on one of several processes; on the next of them when one is gone."""

    def __init__(
        self, urls: list[str], network: str, cookies: dict[str, str] | None = None
    ) -> None:
        self._urls, self._at = urls, 0
        self.client = httpx.Client(
            cookies=cookies, headers={"X-Forwarded-For": network}, timeout=PATIENCE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, path: str) -> Shown:
        """Open a page, and follow where it leads."""
        shown = self._ask("GET", path, {})
        while shown.answer.is_redirect:
            shown = self._ask("GET", shown.answer.headers["location"], {})
        return shown

    def post(self, path: str, fields: dict[str, str]) -> Shown:
        """Send a form, again with the same fields while there is no answer; do not follow."""
        return self._ask("POST", path, fields)

    def try_once(self, method: str, path: str, fields: dict[str, str]) -> httpx.Response:
        """Ask one process, once."""
        url = self._urls[self._at % len(self._urls)]
        data = fields if method == "POST" else None
        return self.client.request(method, url + path, data=data, headers={"Origin": url})

    def _ask(self, method: str, path: str, fields: dict[str, str]) -> Shown:
        deadline = time.monotonic() + PATIENCE
        tries = 0
        while True:
            assert time.monotonic() < deadline, f"no answer to {method} {path}"
            tries += 1
            try:
                answer = self.try_once(method, path, fields)
            except httpx.TransportError:
                self._at += 1
                time.sleep(0.03)
                continue
            page = parse_page(answer.text)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR, page.heading
                return Shown(answer, page, tries)
            self._check_busy(page, path, fields)
            time.sleep(0.1)

    @staticmethod
    def _check_busy(page: ParsedPage, path: str, fields: dict[str, str]) -> None:
        """A page that says that it is busy has all that was typed, in a form to be sent again."""
        assert page.heading in BUSY, page.heading
        if fields:
            (form,) = (one for one in page.forms if one.action == path.split("?")[0])
            assert form.fields == fields


@dataclass
class ChatVisitor:
    """Somebody who goes the whole way in a browser."""

    browser: PatientBrowser
    steps: tuple[PathStep, ...]
    did: list[str] = field(default_factory=list)

    @classmethod
    def numbered(cls, urls: list[str], n: int, steps: tuple[PathStep, ...] = ()) -> "ChatVisitor":
        """Return somebody with a network of their own; the steps have a name of their own too."""
        letters = "".join(chr(ord("a") + int(digit)) for digit in f"{n:03}")
        steps = steps or happy_path(
            f"Maya {letters}", f"07700 900{n % 1000:03}", f"+447700900{n % 1000:03}"
        )
        return cls(PatientBrowser(urls, f"198.51.{n // 250}.{n % 250}"), steps)

    def start(self) -> None:
        """Open the chat."""
        self.browser.get("/")
        assert self.browser.post("/start", {}).status == httpx.codes.SEE_OTHER
        assert self.browser.client.cookies.get(CHAT_COOKIE)

    def do(self, step: PathStep) -> ParsedPage:
        """Do a step, once it is asked for; return the page that follows."""
        page = self.wait_for(step.shown)
        path, fields = fields_of(page, step)
        assert self.browser.post(path, fields).status == httpx.codes.SEE_OTHER
        self.did.append(step.press or step.say)
        return self.browser.get("/chat").page

    def wait_for(self, words: str) -> ParsedPage:
        """Return the page once its newest message begins with these words."""
        deadline = time.monotonic() + PATIENCE
        while not newest(page := self.browser.get("/chat").page).startswith(words):
            assert time.monotonic() < deadline, (words, newest(page))
            time.sleep(0.05)
        return page

    def go_all_the_way(self) -> tuple[str, list[tuple[str, str]]]:
        """Return the reference that is told in the end, and the answers that were given."""
        self.start()
        for step in self.steps:
            self.do(step)
        return self.reference(), expected_answers(self.steps)

    def reference(self) -> str:
        """Wait for the reference that is told in the end; return it."""
        deadline = time.monotonic() + PATIENCE
        while not (told := REFERENCE.search(newest(page := self.browser.get("/chat").page))):
            assert time.monotonic() < deadline, newest(page)
            time.sleep(0.05)
        own = [one.text for one in page.messages if one.author == "own"]
        assert own == self.did, "each thing that was done is on the screen, once"
        return str(told[0])


def newest(page: ParsedPage) -> str:
    """Return the newest message that is not the person's own."""
    return next((one.text for one in reversed(page.messages) if one.author == "ours"), "")


def fields_of(page: ParsedPage, step: PathStep) -> tuple[str, dict[str, str]]:
    """Return where a step's form goes, and with what."""
    if step.press:
        return page.submission_for(step.press)
    form = next(one for one in page.forms if "say" in one.fields)
    return form.action, {**form.fields, "say": step.say}


class StaffMember:
    """Somebody at the desk; `done` has the acts that a page has said were saved, in order."""

    def __init__(self, urls: list[str], token: str, name: str) -> None:
        cookies = {SESSION_COOKIE: token, BROWSER_COOKIE: f"seat-of-{name}"}
        self.browser = PatientBrowser(urls, "203.0.113.5", cookies)
        self.name = name
        self.done: dict[str, list[str]] = {}
        self.exported = 0

    def unclaimed(self) -> Iterator[str]:
        """Return the references that the queue shows and that this person has not had yet."""
        page = self.browser.get("/desk/queue?view=new").page
        found = (link.removeprefix("/desk/r/")[:9] for link in page.links.values())
        return (one for one in found if REFERENCE.fullmatch(one) and one not in self.done)

    def work_on(self, reference: str) -> None:
        """Claim a referral, write a note, speak with the person, close it."""
        self.done[reference] = []
        self.act(reference, "claim", "claim", sure="yes")
        self.act(reference, "note", "note", note="Rings on Friday")
        self.act(reference, "act", "spoke", act="spoke", note="Spoke, all well")
        self.act(reference, "act", "close", act="close", sure="yes")

    def act(self, reference: str, form: str, name: str, **fields: str) -> None:
        """Send a form of a referral's page; it counts once the page says that it is saved."""
        path = f"/desk/r/{reference}/{form}"
        page = self.browser.get(f"/desk/r/{reference}").page
        sent = next(one for one in page.forms if one.action == path)
        shown = self.browser.post(path, {**sent.fields, **fields})
        if shown.status != httpx.codes.SEE_OTHER:
            # What was sent once more, after no answer came, was saved the first time.
            assert shown.tries > 1, (name, shown.status, shown.page.heading)
            assert OUT_OF_DATE in shown.page.text, (name, shown.page.text)
        self.done[reference].append(name)

    def export(self, known: set[str]) -> None:
        """Take a list of what is open; it holds what was known before, each once."""
        while True:
            page = self.browser.get("/desk/exports").page
            form = next(one for one in page.forms if one.action == "/desk/exports")
            asked = {**form.fields, "view": "all", "why": "planning", "form": "csv"}
            assert self.browser.post("/desk/exports", asked).status == httpx.codes.SEE_OTHER
            page = self.browser.get("/desk/exports").page
            take = next(one for one in page.forms if one.action.endswith("/take"))
            shown = self.browser.post(take.action, take.fields)
            if shown.status == httpx.codes.OK:
                break
            # The file went off and the answer was lost: it can be had once, so a new one is.
            assert (shown.status, shown.tries > 1) == (CLOSED_EXPORT, True)
        rows = list(csv.reader(io.StringIO(shown.answer.content.decode("utf-8-sig"), newline="")))
        listed = [row[0] for row in rows[1:-1]]
        assert len(listed) == len(set(listed)), "no referral twice"
        assert set(listed) >= known - self.done.keys()
        self.exported += 1
