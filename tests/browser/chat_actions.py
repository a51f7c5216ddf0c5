"""What a person does on the page of the chat, in a real browser."""

from playwright.sync_api import Locator, Page, expect

from flows.wording import say
from tests.support.happy_path import PathStep


def start_chat(page: Page) -> None:
    """Open the chat and begin."""
    page.goto("/")
    page.get_by_role("button", name=say("en", "web.start.button")).click()
    expect(chat_log(page)).to_be_visible()


def chat_log(page: Page) -> Locator:
    """Return the list of what was said."""
    return page.get_by_role("log")


def wait_for_question(page: Page, first_line: str) -> None:
    """Wait until the newest message says this."""
    expect(chat_log(page).locator(".ours, .own").last).to_contain_text(first_line)


def do_step(page: Page, step: PathStep) -> None:
    """Do one step of the way, once it is asked for."""
    wait_for_question(page, step.shown)
    # A page without JavaScript scrolls to its fragment, and moves the focus there, until it has
    # loaded: a machine that answers faster than that would click beside the button.
    page.wait_for_load_state()
    if step.press:
        page.locator("#buttons").get_by_role("button", name=step.press, exact=True).click()
    else:
        field = page.get_by_label(say("en", "web.chat.field"))
        field.fill(step.say)
        field.press("Enter")


def shown_reference(page: Page) -> str:
    """Return the reference that the chat shows at the end."""
    copied = page.locator(".copy output")
    expect(copied).to_be_visible()
    return copied.inner_text().strip()
