"""Every route of the desk, in one list; each names its rule."""

from starlette.routing import Route

from bot.desk import (
    account,
    accounts,
    acts,
    changes,
    content,
    joining,
    live,
    logbook_pages,
    numbers,
    organisation,
    passkey_pages,
    queue,
    referral,
    reply,
    search,
    signing_in,
)
from bot.desk.frame import Desk, Page

PAGES: tuple[Page, ...] = (
    *queue.PAGES,
    *search.PAGES,
    *live.PAGES,
    *referral.PAGES,
    *acts.PAGES,
    *signing_in.PAGES,
    *joining.PAGES,
    *organisation.PAGES,
    *passkey_pages.PAGES,
    *account.PAGES,
    *accounts.PAGES,
    *logbook_pages.PAGES,
    *changes.PAGES,
    *content.PAGES,
    *numbers.PAGES,
    *reply.PAGES,
)


def routes(desk: Desk) -> list[Route]:
    """Return the routes, each with the frame round it."""
    return [page.route(desk) for page in PAGES]
