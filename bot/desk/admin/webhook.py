"""The webhook's page: pending deliveries, dead letters, and sending one again."""

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from storage.chats import dead_letters
from storage.unit import Unit

CHANNEL = "webhook"


async def show_webhook(request: DeskRequest) -> Response:
    """Return the pending deliveries and the dead letters, with the reason of each."""
    return request.render(
        "webhook.html",
        on=request.runtime.settings.webhook_url is not None,
        dead=await request.read(dead_letters.list_dead_letters, CHANNEL),
        waiting=await request.read(dead_letters.list_undelivered, CHANNEL),
        flash=request.query_in("told", ("again", "gone")),
    )


async def retry_delivery(request: DeskRequest) -> Response:
    """Requeue a dead letter."""

    def requeue(unit: Unit) -> str:
        put = dead_letters.requeue(unit, request.path_id)
        request.log(unit, "webhook_again", request.path_id, refused=not put)
        return "again" if put else "gone"

    return request.redirect(f"/desk/webhook?told={await request.write(requeue)}")


ROUTES = (
    DeskRoute("/desk/webhook", "GET", "webhook", show_webhook),
    DeskRoute("/desk/webhook/{id}/again", "POST", "webhook", retry_delivery),
)
