"""Somebody who asked to be written to in the chat, and the member of staff who does."""

import re

from storage.referrals import acts
from tests.harness.desk_fixtures import DeskBrowser
from tests.harness.telegram_app import TelegramApp, follow_path, press_buttons
from tests.support.happy_path import SEND as SEND
from tests.support.happy_path import happy_path, option_label, steps_before
from tests.telegram_server import TelegramUser

SKIP_LABEL = happy_path()[-2].press


async def request_chat_contact(
    rig: TelegramApp, person: TelegramUser, if_seen: str = "first_name"
) -> str:
    """Let somebody send a request and choose this chat; return its reference."""
    await follow_path(rig, person, steps_before("way"))
    await press_buttons(rig, person, option_label("way", "here"), option_label("if_seen", if_seen))
    await press_buttons(rig, person, SKIP_LABEL, SEND)
    receipt = rig.conversation_of(person).receipt
    assert receipt is not None, person.shown()
    return receipt.reference


def claim_referral(rig: TelegramApp, reference: str, actor: str) -> None:
    """Have a referral claimed."""
    with rig.running.runtime.database.unit(rig.now()) as unit:
        assert acts.claim(unit, reference, actor)


async def send_reply(browser: DeskBrowser, reference: str, which: str, **chosen: str) -> str:
    """Choose a wording, look at it and send it; return the text that was shown before."""
    path = f"/desk/r/{reference}/reply"
    seen = await browser.post(path, which=which, do="see", **chosen)
    assert seen.status_code == 200, seen.text
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', seen.text))
    fields.pop("csrf")
    text = re.search(r'<p class="govuk-body-l">([^<]*)</p>', seen.text)
    assert text is not None, seen.text
    sent = await browser.post(path, **fields)
    assert sent.status_code == 303, sent.text
    assert sent.headers["location"] == f"{path}?told=sent"
    return text[1].replace("&#39;", "'")
