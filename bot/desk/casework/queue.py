"""The queue as a page: views, filters in the address, claiming, and the search."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.responses import Response

from bot.desk.casework.duplicates import marked_for
from bot.desk.guard import At, Page
from bot.desk.labels import flags_of, how_soon, next_at, said, today_ends
from bot.desk.permissions import queues_of
from bot.web import forms
from flows.referral import routing
from flows.service import service
from flows.understanding.crisis import Danger
from storage.referrals import lifecycle, queue_views
from storage.referrals.lifecycle import Entry
from storage.referrals.queue_views import MARKS, VIEWS, Asked

FLAGS = (
    *MARKS,
    *(flag for flag, _ in routing.NOTES),
    *("not_verified", "risks", "needs"),
    *(f"danger_{danger}" for danger in Danger),
)
FROM = ("self", "callback", "officer")
TOLD = (
    "none_next",
    "hand_back",
    "transfer",
    "reassigned",
    "closed",
    "withdraw",
    "erase",
    "settled",
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks to see; what it cannot ask for is left out."""

    view: str = "open"
    queue: str = ""
    flag: str = ""
    sender: str = ""
    page: int = 1

    def to(self, **changed: object) -> str:
        """Return the address of the queue with something changed; any change starts at page 1."""
        new = replace(self, **{"page": 1, **changed})  # type: ignore[arg-type]
        named = {"view": new.view, "queue": new.queue, "flag": new.flag, "from": new.sender}
        kept = {name: value for name, value in named.items() if value and value != "open"}
        pages = {"page": str(new.page)} if new.page > 1 else {}
        return f"/desk/queue?{urlencode({**kept, **pages})}".removesuffix("?")

    def tags(self) -> Iterator[tuple[str, str, str]]:
        """Give each filter that is on: its table of words, its key, the address without it."""
        if self.queue:
            yield "queues", self.queue, self.to(queue="")
        if self.flag:
            yield "marks" if self.flag in MARKS else "flags", self.flag, self.to(flag="")
        if self.sender:
            yield "from", self.sender, self.to(sender="")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page."""

    entry: Entry
    at: object
    soon: str
    flags: list[str]


async def home(at: At) -> Response:
    """Send whoever is signed in to the first page that is theirs."""
    links = at.links()
    return at.go(links[0].path if links else "/desk/account")


async def show(at: At) -> Response:
    """Return the queue."""
    if reference := as_reference(at.asked("q")):
        return at.go(f"/desk/r/{reference}")
    chosen = chosen_by(at)
    asked = asked_by(at, chosen)
    found, counts, alike = await at.read(
        lambda session: (
            queue_views.listed(session, at.desk.vault, asked),
            queue_views.counts(session, asked_by(at, Chosen())),
            marked_for(session, at.role),
        )
    )
    if chosen.page > found.pages:
        return at.go(chosen.to(page=found.pages))
    rows = [Row(one, next_at(one), how_soon(one, at.now), flags_of(one)) for one in found.entries]
    told = at.asked("told")
    return at.page(
        "queue.html",
        rows=rows,
        alike=alike,
        said=said,
        found=found,
        counts=counts,
        chosen=chosen,
        views=VIEWS,
        queues=queues_of(at.role, tuple(service().queues)),
        flags=FLAGS,
        marks=MARKS,
        senders=FROM,
        told=told if told in TOLD else "",
        about=as_reference(at.asked("about")),
    )


async def claim_next(at: At) -> Response:
    """Claim the next in line, and open it."""
    queues = queues_of(at.role, tuple(service().queues))
    taken = await at.write(lambda conn: lifecycle.claim_next(conn, at.who, at.now, queues))
    return at.go(f"/desk/r/{taken}?told=claim" if taken else "/desk/queue?told=none_next")


def chosen_by(at: At) -> Chosen:
    """Return what the address of a request asks to see."""
    view, queue, flag, sender = (at.asked(name) for name in ("view", "queue", "flag", "from"))
    queues = queues_of(at.role, tuple(service().queues))
    return Chosen(
        view=view if view in VIEWS else "open",
        queue=queue if queue in queues else "",
        flag=flag if flag in FLAGS else "",
        sender=sender if sender in FROM else "",
        page=max(1, min(forms.int_of(at.asked("page"), 1), 10_000)),
    )


def asked_by(at: At, chosen: Chosen) -> Asked:
    """Return what to look up for somebody: only in the queues they may know of."""
    queues = (chosen.queue,) if chosen.queue else queues_of(at.role, tuple(service().queues))
    ends = today_ends(at.now)
    return Asked(chosen.view, at.who, queues, at.now, ends, chosen.flag, chosen.sender, chosen.page)


def as_reference(typed: str) -> str:
    """Return a reference however it was typed, with its dash and in capitals; "" if it is none."""
    letters = "".join(one for one in typed[:40].upper() if one.isascii() and one.isalnum())
    rest = typed.strip().replace("-", "").replace(" ", "")
    return f"{letters[:4]}-{letters[4:]}" if len(letters) == len(rest) == 8 else ""


PAGES = (
    Page("/desk/", "GET", "own_account", home),
    Page("/desk/queue", "GET", "queue", show),
    Page("/desk/claim-next", "POST", "claim_next", claim_next),
)
