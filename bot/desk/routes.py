"""Every route of the desk, in one list; each names its permission."""

from starlette.routing import Route

from bot.desk import event_stream
from bot.desk.admin import account, accounts, api_keys, deliveries, logbook, officers
from bot.desk.casework import acts, contact_changes, manual_entry, queue, referral, replies, search
from bot.desk.content import content_pages
from bot.desk.exports import export_pages, print_pages
from bot.desk.guard import DeskRoute
from bot.desk.reports import report_pages
from bot.desk.signin import invitations, oidc_pages, passkey_pages, sign_in_pages
from bot.runtime import Runtime

ROUTES: tuple[DeskRoute, ...] = (
    *export_pages.ROUTES,
    *print_pages.ROUTES,
    *api_keys.ROUTES,
    *deliveries.ROUTES,
    *queue.ROUTES,
    *search.ROUTES,
    *event_stream.ROUTES,
    *referral.ROUTES,
    *acts.ROUTES,
    *sign_in_pages.ROUTES,
    *invitations.ROUTES,
    *oidc_pages.ROUTES,
    *passkey_pages.ROUTES,
    *account.ROUTES,
    *accounts.ROUTES,
    *officers.ROUTES,
    *logbook.ROUTES,
    *contact_changes.ROUTES,
    *content_pages.ROUTES,
    *report_pages.ROUTES,
    *replies.ROUTES,
    *manual_entry.ROUTES,
)


def routes(runtime: Runtime) -> list[Route]:
    """Return the routes, each with the guard before it."""
    return [page.starlette_route(runtime) for page in ROUTES]
