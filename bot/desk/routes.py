"""Every route of the desk, in one list; each names its rule."""

from starlette.routing import Route

from bot.desk import event_stream
from bot.desk.admin import account, accounts, api_keys, logbook, webhook
from bot.desk.casework import acts, contact_changes, manual_entry, queue, referral, replies, search
from bot.desk.content import content_pages
from bot.desk.exports import export_pages, print_pages
from bot.desk.guard import Desk, Page
from bot.desk.reports import report_pages
from bot.desk.signin import invitations, oidc_pages, passkey_pages, sign_in_pages

PAGES: tuple[Page, ...] = (
    *export_pages.PAGES,
    *print_pages.PAGES,
    *api_keys.PAGES,
    *webhook.PAGES,
    *queue.PAGES,
    *search.PAGES,
    *event_stream.PAGES,
    *referral.PAGES,
    *acts.PAGES,
    *sign_in_pages.PAGES,
    *invitations.PAGES,
    *oidc_pages.PAGES,
    *passkey_pages.PAGES,
    *account.PAGES,
    *accounts.PAGES,
    *logbook.PAGES,
    *contact_changes.PAGES,
    *content_pages.PAGES,
    *report_pages.PAGES,
    *replies.PAGES,
    *manual_entry.PAGES,
)


def routes(desk: Desk) -> list[Route]:
    """Return the routes, each with the frame round it."""
    return [page.route(desk) for page in PAGES]
