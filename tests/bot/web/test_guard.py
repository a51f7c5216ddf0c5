"""The one guard before desk, chat, officers' pages and API: the same limits, headers and words."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from starlette.types import Message

from bot.web import forms
from bot.web.forms import BODY_MAX
from bot.web.guard import BUSY_RETRY_SECONDS, SECRET_FIELDS
from flows.wording import say
from storage.database import Database
from tests.bot.desk.api.test_api import token_for
from tests.harness.desk_fixtures import DeskApp, DeskBrowser
from tests.support.page_parser import parse_page
from tests.support.paths import ROOT

TYPED = "marigold"
TEMPLATES = ROOT / "bot" / "web" / "templates"
API_POSTS = ("/api/v1/referrals/ACDE-3467/steps",)
POSTS = ("/desk/sign-in", "/chat", "/officer", "/q", "/back", *API_POSTS)
"""What is posted to every kind of page, and to the API."""
EVERYWHERE = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


def make_busy(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database have no time for anybody any more."""

    async def no_time(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {"words": TYPED}, Exception(TYPED))

    monkeypatch.setattr(database, "read", no_time)
    monkeypatch.setattr(database, "write", no_time)


async def known_everywhere(desk: DeskApp) -> DeskBrowser:
    """Return a browser that has a token of the API and a cookie for every kind of page."""
    browser = await desk.signed_out()
    browser.client.headers["Authorization"] = f"Bearer {token_for(desk.database)}"
    for name in ("desk", "chat", "officer"):
        browser.client.cookies.set(name, "anything", domain="desk.test", path="/")
    return browser


def check_headers(answer: httpx.Response) -> None:
    """Check that an answer is kept nowhere and lets nothing in."""
    assert {name: answer.headers[name] for name in EVERYWHERE} == EVERYWHERE
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert len(answer.headers.get_list("cache-control")) == 1


@pytest.mark.parametrize("path", POSTS)
async def test_too_much_is_too_much_everywhere(desk: DeskApp, path: str) -> None:
    browser = await known_everywhere(desk)
    answer = await browser.post(path, words=TYPED * BODY_MAX)
    assert answer.status_code == 413
    assert TYPED not in answer.text
    check_headers(answer)


@pytest.mark.parametrize("path", POSTS)
async def test_busy_is_busy_everywhere(
    desk: DeskApp, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await known_everywhere(desk)
    make_busy(desk.database, monkeypatch)
    answer = await browser.post(path, words=TYPED)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == str(BUSY_RETRY_SECONDS)
    check_headers(answer)
    if path not in API_POSTS:
        again = next(one for one in parse_page(answer.text).forms if "words" in one.fields)
        assert (again.action, again.fields["words"]) == (path, TYPED)


@pytest.mark.parametrize("field", sorted(SECRET_FIELDS))
async def test_a_busy_page_never_gives_back_a_password_or_a_code(
    desk: DeskApp, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await known_everywhere(desk)
    make_busy(desk.database, monkeypatch)
    for path in (*POSTS, "/desk/account/password", "/desk/join"):
        answer = await browser.post(path, name=TYPED, **{field: TYPED})
        assert answer.status_code == 503
        assert TYPED not in answer.text
        if path.startswith("/desk/"):
            assert say("en", "desk.busy.go_back") in answer.text
            assert say("en", "desk.busy.typed") not in answer.text


def secret_names(template: Path) -> set[str]:
    """Return the names of the fields of a page in which a password or a code is typed."""
    text = template.read_text("utf-8")
    macros = re.findall(r'field\("(\w+)"[^}]*(?:password"|one-time-code")', text)
    return {*macros, *re.findall(r'<input[^>]* name="(\w*(?:code|password)\w*)"', text)}


def test_every_field_for_a_password_or_a_code_is_known_as_one() -> None:
    found = {name for one in TEMPLATES.rglob("*.html") for name in secret_names(one)}
    assert found == SECRET_FIELDS


async def test_an_error_of_ours_has_the_headers_too(
    desk: DeskApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError(TYPED)

    browser = await desk.signed_in("mediator", "mira")
    browser.client._transport.raise_app_exceptions = False  # type: ignore[attr-defined]
    monkeypatch.setattr("bot.desk.casework.queue.queue_views.queue_page", fails)
    answer = await browser.get("/desk/queue")
    assert answer.status_code == 500
    check_headers(answer)


@pytest.mark.parametrize("path", POSTS)
async def test_what_says_that_it_is_too_large_is_not_waited_for(desk: DeskApp, path: str) -> None:
    browser = await known_everywhere(desk)

    async def never() -> AsyncIterator[bytes]:
        yield b"words="
        raise AssertionError("read on")

    declared = {"Content-Length": "9" * 15, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.client.post(path, content=never(), headers=declared)
    assert answer.status_code == 413


async def test_a_browser_that_goes_while_it_sends_is_no_error(
    desk: DeskApp, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Message] = []

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answers.append(message)

    scope = {
        **{"type": "http", "method": "POST", "path": "/chat", "query_string": b"", "headers": []},
        **{"http_version": "1.1", "scheme": "http", "server": ("desk.test", 80)},
    }
    await desk.app(scope, gone, send)
    assert answers[0]["status"] == 400
    assert caplog.records == []


@pytest.mark.parametrize("path", POSTS)
async def test_a_body_that_does_not_end_is_given_up(
    desk: DeskApp, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "BODY_SECONDS", 0.02)
    browser = await known_everywhere(desk)
    answers: list[Message] = []
    parts = iter([{"type": "http.request", "body": b"words=", "more_body": True}])

    async def slow() -> Message:
        for part in parts:
            return part
        await asyncio.sleep(60)
        raise AssertionError("waited for")

    async def send(message: Message) -> None:
        answers.append(message)

    form = (b"content-type", b"application/x-www-form-urlencoded")
    named = [form, (b"authorization", browser.client.headers["Authorization"].encode())]
    scope = {
        **{"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": named},
        **{"http_version": "1.1", "scheme": "http", "server": ("desk.test", 80)},
    }
    await desk.app(scope, slow, send)
    assert answers[0]["status"] == 408


async def test_whoever_watches_the_machine_hears_that_the_database_is_busy(
    desk: DeskApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await desk.signed_out()
    make_busy(desk.database, monkeypatch)
    answer = await browser.get("/health")
    assert (answer.status_code, answer.text) == (503, "the database is busy")
    check_headers(answer)
