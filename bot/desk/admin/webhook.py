"""The webhook's page: pending deliveries, dead letters, and sending one again."""

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from storage import logbook
from storage.chats import outbox
from storage.unit import Unit

CHANNEL = "webhook"


async def show_webhook(request: DeskRequest) -> Response:
    """Return the pending deliveries and the dead letters, with the reason of each."""
    flash = request.query("told")
    return request.render(
        "webhook.html",
        on=request.runtime.settings.webhook_url is not None,
        dead=await request.read(outbox.list_dead_letters, CHANNEL),
        waiting=await request.read(outbox.list_undelivered, CHANNEL),
        flash=flash if flash in ("again", "gone") else "",
    )


async def retry_delivery(request: DeskRequest) -> Response:
    """Requeue a dead letter."""
    id = str(request.http.path_params["id"])[:40]

    def again_(unit: Unit) -> bool:
        put = outbox.requeue(unit, id)
        logbook.add_logbook_line(unit, request.actor, "webhook_again", id, refused=not put)
        return put

    return request.redirect(
        f"/desk/webhook?told={'again' if await request.write(again_) else 'gone'}"
    )


ROUTES = (
    DeskRoute("/desk/webhook", "GET", "webhook", show_webhook),
    DeskRoute("/desk/webhook/{id}/again", "POST", "webhook", retry_delivery),
)
