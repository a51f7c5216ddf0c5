"""The queue as a page: views, filters in the address, claiming, and the search."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from starlette.responses import Response

from bot.desk.casework.duplicates import duplicate_references
from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.labels import due_status, end_of_today, flag_labels, label_for, next_action_at
from bot.desk.permissions import may_see_queue
from bot.web.forms import parse_int
from flows import casework
from flows.referral import routing
from flows.understanding.crisis import Danger
from flows.vocabulary import JOURNEYS, Flag
from storage.chats import dead_letters
from storage.referrals import acts, lifecycle, queue_views
from storage.referrals.queue_views import COLUMN_FILTERS, VIEWS, QueuePage, QueueQuery, QueueView
from storage.referrals.rows import QueueEntry
from storage.unit import Unit

FLAGS = (
    *COLUMN_FILTERS,
    *(flag for flag, _ in routing.FLAG_RULES),
    *(Flag.NOT_VERIFIED, Flag.RISKS, Flag.NEEDS),
    *(f"danger_{danger}" for danger in Danger),
)


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What the address asks to see; what it cannot ask for is left out."""

    view: str = QueueView.OPEN
    queue: str = ""
    flag: str = ""
    sender: str = ""
    page: int = 1

    def url_with(self, **changed: object) -> str:
        """Return the address of the queue with something changed; any change starts at page 1."""
        new = replace(self, **{"page": 1, **changed})  # type: ignore[arg-type]
        named = {"view": new.view, "queue": new.queue, "flag": new.flag, "from": new.sender}
        kept = {name: value for name, value in named.items() if value and value != QueueView.OPEN}
        pages = {"page": str(new.page)} if new.page > 1 else {}
        return f"/desk/queue?{urlencode({**kept, **pages})}".removesuffix("?")

    def filter_tags(self) -> Iterator[tuple[str, str, str]]:
        """Give each filter that is on: its table of words, its key, the address without it."""
        if self.queue:
            yield "queues", self.queue, self.url_with(queue="")
        if self.flag:
            table = "marks" if self.flag in COLUMN_FILTERS else "flags"
            yield table, self.flag, self.url_with(flag="")
        if self.sender:
            yield "from", self.sender, self.url_with(sender="")


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One line of the page."""

    entry: QueueEntry
    next_action: object
    due: str
    flags: list[str]


async def home(request: DeskRequest) -> Response:
    """Send whoever is signed in to the first page that is theirs."""
    links = request.navigation()
    return request.redirect(links[0][1] if links else "/desk/account")


async def show_queue(request: DeskRequest) -> Response:
    """Return the queue."""
    if reference := parse_reference(request.query("q")):
        return request.redirect(f"/desk/r/{reference}")
    chosen = filter_of(request)
    asked = queue_query(request, chosen)

    def look_up(unit: Unit) -> tuple[QueuePage, dict[str, int], frozenset[str], datetime | None]:
        page = queue_views.queue_page(unit, asked)
        return (
            page,
            queue_views.counts_by_view(unit, queue_query(request, QueueFilter())),
            duplicate_references(unit, request.role, [one.reference for one in page.entries]),
            dead_letters.alerts_failing_since(unit),
        )

    found, view_counts, duplicates, alerts_failing_since = await request.read(look_up)
    if chosen.page > found.pages:
        return request.redirect(chosen.url_with(page=found.pages))
    rows = [
        QueueRow(one, next_action_at(one), due_status(one, request.now), flag_labels(one))
        for one in found.entries
    ]
    flash_keys = ("none_next", "reassigned", *casework.ACTS.queue_flashes())
    return request.render(
        "queue.html",
        rows=rows,
        duplicates=duplicates,
        alerts_failing_since=alerts_failing_since,
        label_for=label_for,
        found=found,
        view_counts=view_counts,
        chosen=chosen,
        views=VIEWS,
        queues=request.queues,
        flags=FLAGS,
        marks=COLUMN_FILTERS,
        senders=JOURNEYS,
        flash=request.query_in("told", flash_keys),
        about=parse_reference(request.query("about")),
    )


async def claim_next(request: DeskRequest) -> Response:
    """Claim the next in line, and open it."""
    taken = await request.write(acts.claim_next, request.actor, request.queues)
    path = f"/desk/r/{taken}?told=claim" if taken else "/desk/queue?told=none_next"
    return request.redirect(path)


def filter_of(request: DeskRequest) -> QueueFilter:
    """Return what the address of a request asks to see."""
    return QueueFilter(
        view=request.query_in("view", VIEWS) or QueueView.OPEN,
        queue=request.query_in("queue", request.queues),
        flag=request.query_in("flag", FLAGS),
        sender=request.query_in("from", JOURNEYS),
        page=max(1, min(parse_int(request.query("page"), 1), 10_000)),
    )


def queue_query(request: DeskRequest, chosen: QueueFilter) -> QueueQuery:
    """Return what to look up for somebody: only in the queues they may know of."""
    queues = (chosen.queue,) if chosen.queue else request.queues
    ends, page = end_of_today(request.now), chosen.page
    return QueueQuery(chosen.view, request.actor, queues, ends, chosen.flag, chosen.sender, page)


def parse_reference(typed: str) -> str:
    """Return a reference however it was typed, with its dash and in capitals; "" if it is none."""
    letters = "".join(one for one in typed[:40].upper() if one.isascii() and one.isalnum())
    rest = typed.strip().replace("-", "").replace(" ", "")
    return f"{letters[:4]}-{letters[4:]}" if len(letters) == len(rest) == 8 else ""


async def may_open(request: DeskRequest, reference: str) -> bool:
    """Return whether there is a referral of this reference in a queue that the role may see."""
    standing = await request.read(lifecycle.referral_status, reference)
    return standing is not None and may_see_queue(request.role, standing.queue)


ROUTES = (
    DeskRoute("/desk/", "GET", "own_account", home),
    DeskRoute("/desk/queue", "GET", "queue", show_queue),
    DeskRoute("/desk/claim-next", "POST", "claim_next", claim_next),
)
