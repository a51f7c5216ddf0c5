"""What we tell another system of new referrals: what waits, what never arrived, and once more."""

from sqlalchemy import Connection
from starlette.responses import Response

from bot.desk.guard import DeskRequest, DeskRoute
from storage import logbook
from storage.chats import outbox

CHANNEL = "webhook"


async def show_webhook(request: DeskRequest) -> Response:
    """Return what waits to be told and what was given up, with why."""
    vault = request.desk.vault
    told = request.query("told")
    return request.render(
        "webhook.html",
        on=request.desk.settings.webhook_url is not None,
        dead=await request.read(lambda session: outbox.list_dead_letters(session, vault, CHANNEL)),
        waiting=await request.read(
            lambda session: outbox.list_undelivered(session, vault, CHANNEL)
        ),
        told=told if told in ("again", "gone") else "",
    )


async def retry_delivery(request: DeskRequest) -> Response:
    """Put one that was given up back in line."""
    vault, id = request.desk.vault, str(request.http.path_params["id"])[:40]

    def again_(conn: Connection) -> bool:
        put = outbox.requeue(conn, id, request.now)
        logbook.add_logbook_line(
            conn, vault, request.actor, "webhook_again", request.now, id, refused=not put
        )
        return put

    return request.redirect(
        f"/desk/webhook?told={'again' if await request.write(again_) else 'gone'}"
    )


ROUTES = (
    DeskRoute("/desk/webhook", "GET", "webhook", show_webhook),
    DeskRoute("/desk/webhook/{id}/again", "POST", "webhook", retry_delivery),
)
