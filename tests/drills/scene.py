"""People in the middle of something, on a real program, when something breaks.

Amina writes on Telegram, Maya in a browser, and Mira is about to save a note at the desk. Ben has
just said hello.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from flows.wording import say
from storage.chats import conversations
from storage.chats.inbox import InboxStage
from storage.chats.outbox import OutboxStage
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.tables import INBOX, OUTBOX
from tests.drills.browsers import ChatVisitor, StaffMember, fields_of, until
from tests.drills.fork_server import PATIENCE, ChildProgram, ForkServer
from tests.drills.load import program_settings, sign_in, url_of
from tests.harness.installed_program import go_through, told_reference, wait_for_text
from tests.support.builders import make_record
from tests.support.happy_path import PathStep, expected_answers, happy_path, steps_before
from tests.support.page_parser import ParsedPage, parse_page
from tests.telegram_server import TelegramServer, TelegramUser

REF = "ACDE-3467"
NOTE = "Rings on Friday"
LEFT = happy_path()[len(steps_before("name")) :]
"""What Amina and Maya have still to do: the next is to type a name."""
WRITTEN = 2
"""How many of these Amina has typed already when nothing can be saved."""
ANSWERED_AFTER = 1.0
"""Seconds after which Telegram says that Ben has been shown what it was sent."""


@dataclass
class Scene:
    """The program, and those in front of it; `typed` is what Maya's browser sends next."""

    server: TelegramServer
    database: Database
    program: ChildProgram
    amina: TelegramUser
    ben: TelegramUser
    maya: ChatVisitor
    mira: StaffMember
    note: tuple[str, dict[str, str]] = ("", {})
    typed: tuple[str, dict[str, str]] = ("", {})
    refused: list[ParsedPage] = field(default_factory=list)

    def ben_is_being_answered(self) -> None:
        """Ben has said hello, and Telegram has shown him the answer, but not said so yet."""
        self.server.fail_next("sendMessage", None, chat_id=self.ben.chat_id, delay=ANSWERED_AFTER)
        self.ben.opens_link()
        self.ben.wait_for(lambda chat: chat.last.from_bot, PATIENCE)

    def amina_writes(self) -> None:
        """Amina types her name, and the answer to the next question, which she knows."""
        for step in LEFT[:WRITTEN]:
            self.amina.says(step.say)

    def nothing_is_confirmed(self) -> None:
        """Telegram is not told that what Amina wrote has been taken; it keeps it."""
        seen = len(self.server.calls_of("getUpdates"))
        until(lambda: len(self.server.calls_of("getUpdates")) > seen + 1)
        written = [step.say for step in LEFT[:WRITTEN]]
        assert [one["message"]["text"] for one in self.server.pending] == written
        assert self.amina.screen[-1].text == written[-1], "and she is told nothing"

    def maya_is_refused(self) -> None:
        """Maya sends her name; her page says that it may not be saved, and still has it."""
        page = self._refused(self.maya.browser.try_once("POST", *self.typed))
        assert page.heading == say("en", "web.trouble.busy.title")
        assert say("en", "web.trouble.busy.text").split(".")[0] in page.text
        (form,) = (one for one in page.forms if "say" in one.fields)
        assert (form.action, form.fields) == self.typed

    def mira_is_refused(self) -> None:
        """Mira saves her note; her page says that it may not be saved, and still has it."""
        page = self._refused(self.mira.browser.try_once("POST", *self.note))
        assert page.heading == say("en", "desk.busy.title")
        (form,) = (one for one in page.forms if one.action == self.note[0])
        assert form.fields == self.note[1]

    def _refused(self, answer: httpx.Response) -> ParsedPage:
        assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert answer.headers["retry-after"]
        page = parse_page(answer.text)
        self.refused.append(page)
        return page

    def nothing_was_saved(self) -> None:
        """Nothing that anybody sent is there."""
        with self.database.reading() as unit:
            kept = conversations.load_conversation(unit, "telegram", str(self.amina.chat_id))
            assert [one.question for one in kept.conversation.answers][-1] == "their_age"
            assert NOTE not in [one.note for one in lifecycle.list_steps(unit, REF)]

    def amina_is_answered(self) -> None:
        """Amina is asked what comes next, once, and did nothing; Ben is told nothing twice."""
        shown = LEFT[WRITTEN].shown
        wait_for_text(self.amina, shown)
        assert len([one for one in self.amina.screen if one.text.startswith(shown)]) == 1
        assert len([one for one in self.ben.screen if one.from_bot]) <= 1

    def everybody_ends_well(self) -> None:
        """Maya and Mira press Try again; both people go on to a reference; all is kept, once."""
        for browser, sent in ((self.maya.browser, self.typed), (self.mira.browser, self.note)):
            assert browser.post(*sent).status == httpx.codes.SEE_OTHER
        self.maya.did.append(LEFT[0].say)
        for step in LEFT[1:]:
            self.maya.do(step)
        references = {self.maya.reference()}
        go_through(self.amina, LEFT[WRITTEN:])
        references.add(told_reference(self.amina))
        until(lambda: not self.waiting(INBOX, InboxStage.WAITING))
        until(lambda: not self.waiting(OUTBOX, OutboxStage.WAITING))
        assert self.server.pending == []
        with self.database.unit(self.server.clock()) as unit:
            notes = [one.note for one in lifecycle.list_steps(unit, REF) if one.note]
            assert notes == [NOTE]
            queue = {one.reference for one in lifecycle.list_queue(unit)}
            assert queue == {REF, *references}
            for reference in references:
                record = lifecycle.open_record(unit, reference, "Priya")
                answers = [(line.question, line.value) for line in record.lines]
                assert answers == expected_answers(happy_path())

    def waiting(self, table: object, stage: object) -> int:
        """Return how many rows of the inbox or the outbox are at a stage."""
        with self.database.reading() as unit:
            query = table.select().where(table.c.stage == stage)  # type: ignore[attr-defined]
            return len(unit.conn.execute(query).all())


@contextlib.contextmanager
def scene(
    runner: ForkServer,
    home: Path,
    database: Database,
    constants: dict[str, object] | None = None,
) -> Iterator[Scene]:
    """Give the scene; in the end the program is told to stop, and does."""
    now = datetime.now(UTC)
    token = sign_in(database, "mira", "mediator", now)
    with database.unit(now) as unit:
        lifecycle.hand_over(unit, make_record(REF), None)
        acts.claim(unit, REF, "mira")
    with TelegramServer() as server:
        url = str(database.backend.writer.url)
        settings = program_settings(server, url, home, "polling")
        program = ChildProgram(runner, home, settings, constants or {})
        program.start()
        maya = ChatVisitor.numbered([url_of(program)], 1, happy_path())
        mira = StaffMember([url_of(program)], token, "mira")
        with maya.browser, mira.browser:
            amina, ben = server.person("Amina"), server.person("Ben")
            made = Scene(server, database, program, amina, ben, maya, mira)
            try:
                _begin(made)
                yield made
                assert program.stop() == 0
            finally:
                program.kill()
    assert "Traceback" not in program.log


def _begin(made: Scene) -> None:
    before: tuple[PathStep, ...] = steps_before("name")
    made.amina.opens_link()
    go_through(made.amina, before)
    wait_for_text(made.amina, LEFT[0].shown)
    made.amina.settled(timeout=PATIENCE)
    made.maya.start()
    for step in before:
        made.maya.do(step)
    made.typed = fields_of(made.maya.wait_for(LEFT[0].shown), LEFT[0])
    path = f"/desk/r/{REF}/note"
    forms = made.mira.browser.get(f"/desk/r/{REF}").page.forms
    form = next(one for one in forms if one.action == path)
    made.note = (path, {**form.fields, "note": NOTE})
