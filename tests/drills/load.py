"""Many people at once, on Telegram, in browsers and at the desk, while programs are killed.

Afterwards all that anybody was told is saved is there, once.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from pathlib import Path

from sqlalchemy import Table, func
from sqlalchemy import select as rows_of

from flows.vocabulary import READ_ONLY_STEPS, StepName
from storage.accounts import sign_ins, staff
from storage.accounts.sign_ins import SignInMethod
from storage.chats import conversations
from storage.chats.inbox import InboxStage
from storage.chats.outbox import OutboxStage
from storage.database import Database
from storage.referrals import lifecycle
from storage.tables import INBOX, OUTBOX, REFERRAL
from tests.drills.browsers import REFERENCE, ChatVisitor, PatientBrowser, StaffMember
from tests.drills.fork_server import PATIENCE, ChildProgram, ForkServer
from tests.harness.telegram_app import WEBHOOK_SECRET
from tests.support.happy_path import expected_answers, happy_path
from tests.support.ports import free_port
from tests.telegram_server import TelegramServer, TelegramUser
from tests.telegram_server.updates import FIRST_UPDATE_ID

ON_TELEGRAM, IN_BROWSERS = 5, 2
"""How many write at the same time, one conversation after another."""
STAFF = "mira"


@dataclass
class LoadGenerator:
    """People who ask for a call, one after another, and staff, until it is enough."""

    server: TelegramServer
    database: Database
    urls: list[str]
    stop: threading.Event = field(default_factory=threading.Event)
    sent: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    errors: list[Exception] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    threads: list[threading.Thread] = field(default_factory=list)
    staff: StaffMember | None = None

    def begin(self, pages: bool) -> None:
        """Begin; with `pages`, in browsers too."""
        acts: list[Callable[[int], None]] = [self._talk_on_telegram] * ON_TELEGRAM
        if pages:
            now = self.server.clock()
            self.staff = StaffMember(
                self.urls, sign_in(self.database, STAFF, "coordinator", now), STAFF
            )
            acts += [self._talk_in_browser] * IN_BROWSERS + [self._work_at_the_desk]
        self.threads = [
            threading.Thread(target=self._until_enough, args=[act], daemon=True) for act in acts
        ]
        for one in self.threads:
            one.start()

    def finish(self) -> None:
        """Let each end what they are at; raise what went wrong for them."""
        self.stop.set()
        for one in self.threads:
            one.join(PATIENCE)
        if self.staff:
            self.staff.browser.client.close()
        if self.errors:
            raise ExceptionGroup("what people met", self.errors)
        assert not any(one.is_alive() for one in self.threads)

    def _until_enough(self, act: Callable[[int], None]) -> None:
        try:
            while True:
                act(next(self.numbers))
                if self.stop.is_set():
                    break
        except Exception as trouble:  # shown by the test, whose thread this is not
            self.errors.append(trouble)

    def _talk_on_telegram(self, n: int) -> None:
        letters = "".join(chr(ord("a") + int(digit)) for digit in f"{n:03}")
        person = self.server.person(f"P{n}")
        steps = happy_path(
            f"Amina {letters}", f"07700 900{n % 1000:03}", f"+447700900{n % 1000:03}"
        )
        person.opens_link()
        for step in steps:
            _wait_for_text(person, step.shown)
            if step is steps[-1]:
                assert self._draft_answers(person) == [*expected_answers(steps), ("extra", "")], (
                    "each answer is there, once"
                )
            if step.press:
                person.presses(step.press)
            else:
                person.says(step.say)
        told = person.wait_for(lambda p: REFERENCE.findall(p.last_from_bot.text), PATIENCE)
        self.sent[told[0]] = expected_answers(steps)

    def _draft_answers(self, person: TelegramUser) -> list[tuple[str, str]]:
        with self.database.reading(self.server.clock()) as unit:
            kept = conversations.load_conversation(unit, "telegram", str(person.chat_id))
        return [(answer.question, answer.value) for answer in kept.conversation.answers]

    def _talk_in_browser(self, n: int) -> None:
        visitor = ChatVisitor.numbered(self.urls, n)
        with visitor.browser:
            reference, answers = visitor.go_all_the_way()
        self.sent[reference] = answers

    def _work_at_the_desk(self, _: int) -> None:
        assert self.staff
        known = set(self.sent)
        for reference in list(self.staff.unclaimed())[:1]:
            self.staff.work_on(reference)
        self.staff.export(known)

    @property
    def staff_is_done(self) -> bool:
        """Return whether staff have worked on a referral, and taken an export."""
        return self.staff is None or bool(self.staff.done and self.staff.exported)


def sign_in(database: Database, name: str, role: str, now: datetime | None = None) -> str:
    """Return the token of somebody who has just signed in at the desk."""
    with database.unit(now) as unit:
        code = staff.invite_staff(unit, name, role, "ada")
        id = staff.redeem_staff_invitation(unit, code)
        assert id
        return sign_ins.begin_sign_in(unit, id, SignInMethod.PASSWORD)


def program_settings(server: TelegramServer, url: str, home: Path, mode: str) -> dict[str, str]:
    """Return the environment of a program on this database, on a port of its own."""
    port = str(free_port())
    told = {
        "TELEGRAM_BOT_TOKEN": server.token,
        "TELEGRAM_API_URL": server.api_url,
        "TELEGRAM_MODE": mode,
        "DATABASE_URL": url,
        "VAULT_KEY_FILE": str(home / "vault.json"),
        "PORT": port,
        "LOG_LEVEL": "ERROR",
        "EXPORT_ALONE_UP_TO": "100000",
    }
    if mode == "webhook":
        told["TELEGRAM_WEBHOOK_URL"] = f"http://127.0.0.1:{port}"
        told["TELEGRAM_WEBHOOK_SECRET"] = WEBHOOK_SECRET
    return told


def url_of(program: ChildProgram) -> str:
    """Return the address of a program's pages."""
    return f"http://127.0.0.1:{program.settings['PORT']}"


@contextlib.contextmanager
def running_under_load(
    mode: str,
    runners: Sequence[ForkServer],
    home: Path,
    database: Database,
    pages: bool = True,
    **more: str,
) -> Iterator[list[ChildProgram]]:
    """Give the programs while people write to them; afterwards see that all of it is there once.

    The URL of the database holds no password, so that it can be told. `more` are other settings.
    """
    url = str(database.backend.writer.url)
    with TelegramServer() as server:
        programs = [
            ChildProgram(runner, home, {**program_settings(server, url, home, mode), **more})
            for runner in runners
        ]
        town = LoadGenerator(server, database, [url_of(one) for one in programs])
        town.begin(pages)
        try:
            yield programs
            _drain(programs[0], town)
        finally:
            town.stop.set()
            for program in programs:
                program.kill()
        updates = server.account().updates._next - FIRST_UPDATE_ID
    _check_all_stored_once(town, updates)
    _check_acts_of_staff(town)
    told = programs[0].log
    assert "rj.respond" not in told, "no row failed"
    assert "Traceback" not in told


def _drain(program: ChildProgram, town: LoadGenerator) -> None:
    if program.pid is None:
        program.start()
    deadline = time.monotonic() + PATIENCE
    while not town.staff_is_done and not town.errors:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    town.finish()
    while _count(town, OUTBOX, OutboxStage.WAITING) or _count(town, INBOX, InboxStage.WAITING):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert program.stop() == 0


def _check_all_stored_once(town: LoadGenerator, updates: int) -> None:
    account = town.server.account()
    assert account.updates.pending() == []
    assert all(query.answered for query in account.queries.values()), "every press is acknowledged"
    assert len(town.sent) >= len(town.threads) - 1
    assert _count(town, INBOX, InboxStage.DONE, "telegram") == updates, "each is handled, once"
    assert (
        _count(town, INBOX, InboxStage.SET_ASIDE) == _count(town, OUTBOX, OutboxStage.GIVEN_UP) == 0
    )
    with town.database.unit() as unit:
        found = unit.conn.scalars(rows_of(REFERRAL.c.reference)).all()
        assert sorted(found) == sorted(town.sent), "each referral is there, once"
        for reference, told in town.sent.items():
            now = town.server.clock()
            record = lifecycle.open_record(replace(unit, now=now), reference, "Priya")
            assert [(line.question, line.value) for line in record.lines] == told


def _check_acts_of_staff(town: LoadGenerator) -> None:
    """What a page has said is saved is there, once and in order; the last may be there unsaid."""
    if town.staff is None:
        return
    looks = {*READ_ONLY_STEPS} - {StepName.NOTE}
    with town.database.reading() as unit:
        for reference, done in town.staff.done.items():
            steps = lifecycle.list_steps(unit, reference)
            kept = [str(one.act) for one in steps if one.actor == STAFF and one.act not in looks]
            assert kept == done, reference


def _count(
    town: LoadGenerator, table: Table, stage: InboxStage | OutboxStage, channel: str = ""
) -> int:
    with town.database.reading() as unit:
        rows = rows_of(func.count()).where(table.c.stage == stage)
        if channel:
            rows = rows.where(table.c.channel == channel)
        return int(unit.conn.execute(rows).scalar_one())


def _wait_for_text(person: TelegramUser, words: str) -> None:
    person.wait_for(
        lambda p: any(m.from_bot for m in p.screen) and p.last_from_bot.text.startswith(words),
        PATIENCE,
    )


def browser_of(program: ChildProgram, network: str = "198.51.100.7") -> PatientBrowser:
    """Return a browser that nobody has used, on the pages of one program."""
    return PatientBrowser([url_of(program)], network)
