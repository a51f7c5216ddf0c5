"""What is typed while an answer is on its way, is late or does not come: no word of it is lost."""

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from bot.channels.web import guard
from flows.wording import say
from tests.browser.chat_actions import chat_log, do_step, start_chat, wait_for_question
from tests.browser.conftest import PATIENCE, OpenPage
from tests.support.happy_path import happy_path, steps_before

SENT, DANGER = "Amina", "he is hitting me now"


class HeldPosts:
    """The posts of a page to the chat: each waits until the test lets it go on."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._waiting: list[Route] = []
        page.route("**/chat", self._hold)

    def _hold(self, route: Route) -> None:
        if route.request.method == "POST":
            self._waiting.append(route)
        else:
            route.continue_()

    def next(self) -> Route:
        """Return the post that waits, once there is one."""
        for _ in range(PATIENCE // 20):
            if self._waiting:
                return self._waiting.pop(0)
            self._page.wait_for_timeout(20)
        raise AssertionError("nothing was posted")

    def let_go(self) -> None:
        """Hold no post any more."""
        self._page.unroute("**/chat", self._hold)
        for route in self._waiting:
            route.continue_()


def test_what_is_typed_while_an_answer_comes_stays_in_the_field(opens: OpenPage) -> None:
    page = opens()
    posts = _asked_for_the_name(page)
    _type_and_send(page, SENT)
    _field(page).fill(DANGER)
    posts.next().continue_()
    expect(chat_log(page)).to_contain_text(SENT)
    expect(_field(page)).to_have_value(DANGER)
    expect(_field(page)).to_be_focused()


def test_what_is_entered_while_an_answer_comes_is_sent_after_it(opens: OpenPage) -> None:
    page = opens()
    posts = _asked_for_the_name(page)
    _type_and_send(page, SENT)
    page.keyboard.press("Enter")
    _type_and_send(page, DANGER)
    posts.next().continue_()
    posts.next().continue_()
    expect(_own(page, DANGER)).to_have_count(1)
    expect(_own(page, SENT)).to_have_count(1)
    expect(_field(page)).to_have_value("")


def test_a_repeated_post_leaves_alone_what_was_typed_since(opens: OpenPage) -> None:
    page = opens()
    page.clock.install(time=0)
    posts = _asked_for_the_name(page)
    page.clock.pause_at(600)  # seconds; the post is repeated when the test says so
    _type_and_send(page, SENT)
    lost = posts.next()
    lost.abort()
    expect(page.get_by_text(say("en", "web.chat.lost_line"))).to_be_visible()
    _save(page, lost.request)
    expect(_own(page, SENT)).to_have_count(1)
    _field(page).fill(DANGER)
    page.clock.run_for(3000)
    repeated = posts.next()
    repeated.continue_()
    expect(page.locator("#words button")).to_be_enabled()
    expect(_field(page)).to_have_value(DANGER)
    posts.let_go()
    _field(page).press("Enter")
    expect(_own(page, DANGER)).to_have_count(1)
    expect(_own(page, SENT)).to_have_count(1)


def test_words_outlast_the_page_of_a_busy_database(
    opens: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opens()
    start_chat(page)
    posts = HeldPosts(page)
    do_step(page, happy_path()[0])
    held = posts.next()
    _field(page).fill(DANGER)
    with monkeypatch.context() as busy:
        busy.setattr(guard, "DATABASE_TIMEOUT", 0.0)
        held.continue_()
        expect(page.locator("h1")).to_have_text(say("en", "web.trouble.busy.title"))
    posts.let_go()
    page.get_by_role("button", name=say("en", "web.trouble.again")).click()
    wait_for_question(page, happy_path()[1].shown)
    expect(_field(page)).to_have_value(DANGER)
    _field(page).press("Enter")
    expect(_own(page, DANGER)).to_have_count(1)


def test_the_way_back_from_a_refusal_keeps_what_was_typed_since(opens: OpenPage) -> None:
    page = opens()
    posts = _asked_for_the_name(page)
    page.locator("[name=csrf]").evaluate_all("all => all.forEach(one => { one.value = 'old' })")
    _type_and_send(page, SENT)
    _field(page).fill(DANGER)
    posts.next().continue_()
    expect(page.locator("#typed")).to_have_value(SENT)
    page.get_by_role("link", name=say("en", "web.trouble.to_chat")).click()
    expect(_field(page)).to_have_value(DANGER)


def _asked_for_the_name(page: Page) -> HeldPosts:
    """Go on to the question of the name, and hold the posts from there on."""
    start_chat(page)
    before = steps_before("name")
    for step in before:
        do_step(page, step)
    wait_for_question(page, happy_path()[len(before)].shown)
    return HeldPosts(page)


def _save(page: Page, request: Request) -> None:
    """Have the server take a post, so that the page hears of the change but gets no answer."""
    headers = {**request.headers, "origin": page.evaluate("location.origin")}
    assert page.request.post(request.url, headers=headers, data=request.post_data).ok


def _field(page: Page) -> Locator:
    return page.get_by_label(say("en", "web.chat.field"))


def _own(page: Page, words: str) -> Locator:
    return chat_log(page).locator(".own").filter(has_text=words)


def _type_and_send(page: Page, words: str) -> None:
    _field(page).fill(words)
    _field(page).press("Enter")
