"""What we tell another system of new referrals: what waits, what never arrived, and once more."""

from sqlalchemy import Connection
from starlette.responses import Response

from bot.desk.guard import At, Page
from storage import logbook
from storage.chats import outbox

CHANNEL = "webhook"


async def show(at: At) -> Response:
    """Return what waits to be told and what was given up, with why."""
    vault = at.desk.vault
    told = at.asked("told")
    return at.page(
        "webhook.html",
        on=at.desk.settings.webhook_url is not None,
        dead=await at.read(lambda session: outbox.dead(session, vault, CHANNEL)),
        waiting=await at.read(lambda session: outbox.waiting(session, vault, CHANNEL)),
        told=told if told in ("again", "gone") else "",
    )


async def again(at: At) -> Response:
    """Put one that was given up back in line."""
    vault, id = at.desk.vault, str(at.request.path_params["id"])[:40]

    def again_(conn: Connection) -> bool:
        put = outbox.again(conn, id, at.now)
        logbook.write(conn, vault, at.who, "webhook_again", at.now, id, refused=not put)
        return put

    return at.go(f"/desk/webhook?told={'again' if await at.write(again_) else 'gone'}")


PAGES = (
    Page("/desk/webhook", "GET", "webhook", show),
    Page("/desk/webhook/{id}/again", "POST", "webhook", again),
)
