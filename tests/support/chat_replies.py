"""Somebody who asked to be written to in the chat, and the member of staff who does."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from storage.referrals import lifecycle
from tests.harness.desk_fixtures import AtTheDesk, Browser
from tests.harness.telegram_app import Rig, goes, presses
from tests.support.happy_path import SEND as SEND
from tests.support.happy_path import option, until, way
from tests.telegram_server import Person

SKIP = way()[-2].press


async def asks_for_chat(rig: Rig, person: Person, if_seen: str = "first_name") -> str:
    """Let somebody send a request and choose this chat; return its reference."""
    await goes(rig, person, until("way"))
    await presses(rig, person, option("way", "here"), option("if_seen", if_seen))
    await presses(rig, person, SKIP, SEND)
    receipt = rig.stands(person).receipt
    assert receipt is not None, person.shown()
    return receipt.reference


@asynccontextmanager
async def at_the_desk(rig: Rig) -> AsyncIterator[AtTheDesk]:
    """Give the desk of the same bot, on Telegram's clock."""
    async with AsyncExitStack() as open:
        yield AtTheDesk(rig.running, rig.now, open, rig.running.pages())  # type: ignore[arg-type]


def claims(rig: Rig, reference: str, who: str) -> None:
    """Have a referral claimed."""
    with rig.running.database.transaction() as conn:
        assert lifecycle.claim(conn, reference, who, rig.now())


async def sends(browser: Browser, reference: str, which: str, **chosen: str) -> str:
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
