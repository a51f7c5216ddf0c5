"""Every route of the desk, in one list; each names its rule."""

from starlette.routing import Route

from bot.desk import (
    account,
    accounts,
    acts,
    api_key_pages,
    changes,
    content,
    exports,
    joining,
    live,
    logbook_pages,
    numbers,
    organisation,
    passkey_pages,
    print_pages,
    queue,
    referral,
    reply,
    search,
    signing_in,
    taking_down,
    webhook_pages,
)
from bot.desk.frame import Desk, Page

PAGES: tuple[Page, ...] = (
    *exports.PAGES,
    *print_pages.PAGES,
    *api_key_pages.PAGES,
    *webhook_pages.PAGES,
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
    *taking_down.PAGES,
)


def routes(desk: Desk) -> list[Route]:
    """Return the routes, each with the frame round it."""
    return [page.route(desk) for page in PAGES]
