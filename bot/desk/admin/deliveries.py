"""Deliveries to staff and other systems: what is pending, what was given up, sending it again."""

from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from storage.chats import dead_letters
from storage.unit import Unit


async def show_deliveries(request: DeskRequest) -> Response:
    """Return the pending deliveries and the dead letters, with the reason of each."""
    return request.render(
        "deliveries.html",
        dead=await request.read(dead_letters.list_dead_letters),
        waiting=await request.read(dead_letters.list_undelivered),
        flash=request.query_in("told", ("again", "gone")),
    )


async def retry_delivery(request: DeskRequest) -> Response:
    """Requeue a dead letter."""

    def requeue(unit: Unit) -> str:
        put = dead_letters.requeue(unit, request.path_id)
        request.log(unit, "webhook_again", request.path_id, refused=not put)
        return "again" if put else "gone"

    return request.redirect(f"/desk/deliveries?told={await request.write(requeue)}")


ROUTES = (
    DeskRoute("/desk/deliveries", "GET", "deliveries", show_deliveries),
    DeskRoute("/desk/deliveries/{id}/again", "POST", "deliveries", retry_delivery),
)
