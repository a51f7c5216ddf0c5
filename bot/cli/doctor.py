"""Checks the whole set-up: errors, warnings, and how to fix them. Changes nothing."""

import asyncio
import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, exists, func, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from bot.channels.email import check_mail
from bot.channels.telegram.checkup import check_telegram
from bot.proofreading import find_problems
from bot.settings import Settings
from flows.service import service
from flows.understanding import faq
from flows.wording import helplines
from storage import key_check, logbook
from storage.accounts.staff import IS_ACTIVE
from storage.backends import UnsafeDatabase
from storage.backends.sqlite_driver import sqlite_file
from storage.chats.inbox import InboxStage
from storage.chats.outbox import OutboxStage
from storage.database import Database
from storage.reports.daily_counters import UNTRUSTED_PROXY
from storage.tables import DAILY_COUNTER, INBOX, OUTBOX
from storage.unit import Unit
from storage.vault import Vault, VaultError
from storage.web_tables import STAFF

MIN_FREE_SHARE = 0.2
"""The share of the disk that should be free: rewriting the file needs its size once more."""

ADMINISTRATOR = "administrator"
INVITE_HINT = "Type: rj staff invite NAME --role administrator"

PROXY_HINT = "Name it in TRUSTED_PROXIES."

Findings = tuple[list[str], list[str]]


def run_checks(settings: Settings) -> Findings:
    """Return plain lines: what is wrong and must be mended, and what to look at.

    No line holds the value of a setting; each says what to do.
    """
    now = datetime.now(UTC)
    vault, key_found = _check_key_file(settings)
    found = [
        _check_webhook_address(settings),
        key_found,
        _check_database(settings, vault),
        asyncio.run(check_telegram(settings)),
        _check_alert_channels(settings),
        (check_mail(settings), []),
        _check_broker(settings),
        _check_backups(settings),
        _check_clock(now),
        _check_content(now.date()),
        _check_disk_space(settings),
    ]
    wrong = [line for lines, _ in found for line in lines]
    return wrong, [line for _, lines in found for line in lines]


def _check_webhook_address(settings: Settings) -> Findings:
    url = settings.telegram_webhook_url
    if settings.is_live and settings.telegram_mode == "webhook" and url:
        return ([] if url.startswith("https://") else ["TELEGRAM_WEBHOOK_URL must be https."]), []
    return [], []


def _check_key_file(settings: Settings) -> tuple[Vault | None, Findings]:
    file = settings.key_file
    if not file.exists():
        if settings.vault_key_file is None:
            return None, ([], ["There is no key yet. One is made when it first runs."])
        return None, (["There is no file at VAULT_KEY_FILE. Make one with: rj key make FILE"], [])
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        return None, (["Others can read the key file. Type chmod 600 and its name."], [])
    try:
        return Vault.open(file, create=False), ([], [])
    except VaultError:
        return None, (["The file at VAULT_KEY_FILE is no key file. Put back a copy of it."], [])


def _check_database(settings: Settings, vault: Vault | None) -> Findings:
    file = sqlite_file(settings.database_url)
    if file and not file.exists():
        return [], ["There is no database yet. One is made when it first runs."]
    try:
        database = Database(settings.database_url, vault)
    except UnsafeDatabase as trouble:
        return [str(trouble)], []
    try:
        return _inspect_database(database, vault, str(file or ""))
    except (SQLAlchemyError, UnsafeDatabase, OSError) as trouble:
        return [f"The database cannot be opened ({type(trouble).__name__})."], []
    finally:
        database.close()


def _inspect_database(database: Database, vault: Vault | None, file: str) -> Findings:
    if not database.is_current():
        return ["The tables are not up to date. Type: rj migrate"], []
    wrong = [line.replace(file, "and its name") if file else line for line in database.check()]
    with database.transaction() as connection:
        notes = [database.backend.describe(connection), *_notes_on_rows(connection)]
    if vault is None:
        return wrong, notes
    with database.unit() as unit:
        if not _key_matches(unit):
            wrong.append("The key file is not the one that this database was kept under.")
        if not wrong and (when := logbook.chain_broken_at(unit)):
            wrong.append(f"A line of the logbook was changed or lost: {when:%d %B %Y %H:%M} UTC.")
    return wrong, notes


def _key_matches(unit: Unit) -> bool:
    """Return whether the key is the database's own; a fresh database stays without a key check."""
    point = unit.conn.begin_nested()
    fits = key_check.vault_matches(unit)
    point.rollback()
    return fits


def _notes_on_rows(connection: Connection) -> Iterator[str]:
    """Give what the clear columns tell, which need no key."""
    aside = select(func.count()).where(INBOX.c.stage == InboxStage.SET_ASIDE)
    given_up = select(func.count()).where(OUTBOX.c.stage == OutboxStage.GIVEN_UP)
    if number := connection.execute(aside).scalar_one():
        yield f"Messages that came in and could not be answered, set aside: {number}."
    if number := connection.execute(given_up).scalar_one():
        yield f"Messages that could not be sent, given up: {number}."
    today = datetime.now(UTC).date()
    recent = (DAILY_COUNTER.c.day >= today - timedelta(days=1), DAILY_COUNTER.c.n > 0)
    untrusted = tuple_(DAILY_COUNTER.c.event, DAILY_COUNTER.c.key) == UNTRUSTED_PROXY
    if connection.execute(select(exists().where(untrusted, *recent))).scalar_one():
        yield f"All visitors count as one: their proxy is not named. {PROXY_HINT}"
    active = exists().where(STAFF.c.role == ADMINISTRATOR, *IS_ACTIVE)
    if not connection.execute(select(active)).scalar_one():
        yield f"Nobody looks after the accounts of staff. {INVITE_HINT}"


def _check_alert_channels(settings: Settings) -> Findings:
    by_chat = settings.staff_telegram_chat is not None and settings.telegram_bot_token is not None
    if by_chat or settings.staff_email:
        return [], []
    nobody = "Nobody is told of a new request. Set STAFF_TELEGRAM_CHAT or STAFF_EMAIL."
    return [], [nobody]


def _check_broker(settings: Settings) -> Findings:
    if settings.events_url is None:
        return [], []
    from bot.channels.broker import check_broker  # its library is not loaded where it is not used

    return asyncio.run(check_broker(settings))


def _check_backups(settings: Settings) -> Findings:
    if settings.backup_recipient or not settings.is_live:
        return [], []
    return [], ["No backups can be made. Set BACKUP_RECIPIENT: rj key recovery FILE"]


def _check_clock(now: datetime) -> Findings:
    """The clock cannot be before the day on which the newest content was looked at."""
    wrong = []
    if now.date() < _newest_review_date():
        wrong.append("The clock of this machine is behind. Set it right, or promises will be late.")
    try:
        ZoneInfo(service().zone)
    except ZoneInfoNotFoundError:
        wrong.append("The time zone in service.toml is not known to this machine.")
    return wrong, []


def _newest_review_date() -> date:
    checked: list[date] = [row["checked_on"] for row in helplines().values()]
    return max([*checked, *(topic.reviewed_on for topic in faq.topics())])


def _check_content(today: date) -> Findings:
    wrong, warnings = find_problems(today)
    return list(wrong), list(warnings)


def _check_disk_space(settings: Settings) -> Findings:
    file = sqlite_file(settings.database_url)
    if file is None:
        return [], []
    folder = next(one for one in (file.absolute().parents) if one.exists())
    disk = shutil.disk_usage(folder)
    if disk.free >= MIN_FREE_SHARE * disk.total:
        return [], []
    return [], [f"The disk of the database has less than {MIN_FREE_SHARE:.0%} room left."]
