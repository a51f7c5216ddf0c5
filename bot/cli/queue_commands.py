"""`rj queue`: list the queue, claim, read one referral, record acts and notes."""

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.bootstrap import open_store
from bot.desk.casework import text_views
from bot.settings import read_settings
from flows import casework
from flows.wording import FIRST_LANGUAGE, format_time, say
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.referrals.rows import ReferralErased
from storage.referrals.steps import NotReferralOwner, UnknownReferral

queue_app = typer.Typer(help="The staff queue on the command line.", invoke_without_command=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON: one object or one list.")]
ActorOption = Annotated[str, typer.Option("--as", help="Your name, kept with the step.")]


@queue_app.callback()
def queue(
    context: typer.Context,
    as_json: JsonOption = False,
    everything: Annotated[bool, typer.Option("--all", help="Include closed referrals.")] = False,
) -> None:
    """List the queue: unseen first, then urgent, then by due time."""
    if context.invoked_subcommand:
        return
    with open_store(read_settings()) as database, database.reading() as unit:
        entries = lifecycle.list_queue(unit, everything)
    if as_json:
        print(json.dumps([text_views.queue_json(entry) for entry in entries]))
    else:
        print("\n".join(text_views.queue_lines(entries)))


@queue_app.command()
def claim(
    reference: Annotated[str, typer.Argument(help="A reference, or next.")],
    actor: ActorOption = "",
    as_json: JsonOption = False,
) -> None:
    """Claim a referral; of several who try, exactly one gets it."""
    name = actor or getpass.getuser()
    with open_store(read_settings()) as database, _exit_on_error():
        with database.unit() as unit:
            if reference == "next":
                taken = acts.claim_next(unit, name)
                won = taken is not None
            else:
                taken = reference.upper()
                won = acts.claim(unit, taken, name)
        with database.reading() as unit:
            entries = lifecycle.list_queue(unit)
    entry = next((one for one in entries if one.reference == taken), None)
    owner = entry.owner if entry else None
    if as_json:
        print(json.dumps({"reference": taken, "claimed": won, "owner": owner}))
    elif won and entry and entry.lease_until:
        until = format_time(FIRST_LANGUAGE, entry.lease_until)
        print(_queue_text("claimed", reference=taken, until=until))
    else:
        print(_queue_text("taken", reference=taken, owner=owner) if taken else _queue_text("empty"))
    raise typer.Exit(0 if won else 1)


@queue_app.command("open")
def open_referral(reference: str, actor: ActorOption = "", as_json: JsonOption = False) -> None:
    """Show one referral, safe contact first. The reading is recorded as a step."""
    with open_store(read_settings()) as database, _exit_on_error():
        print_record(database, reference.upper(), actor or getpass.getuser(), as_json)


@queue_app.command()
def step(
    reference: str,
    act: Annotated[str, typer.Argument(help=", ".join(casework.ACTS.of_staff()))],
    actor: ActorOption = "",
    note: Annotated[str, typer.Option(help="A note that only staff can read.")] = "",
    to: Annotated[str, typer.Option(help="The new owner, for transfer.")] = "",
    until: Annotated[datetime | None, typer.Option(help="When it comes back, UTC.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Record an act of staff."""
    name = actor or getpass.getuser()
    back = until.replace(tzinfo=UTC) if until else None
    with open_store(read_settings()) as database, _exit_on_error(), database.unit() as unit:
        stage = acts.perform_act(unit, reference.upper(), act, name, note, back, to)
    if as_json:
        print(json.dumps({"reference": reference.upper(), "act": act, "stage": stage}))
    else:
        words = say(FIRST_LANGUAGE, f"desk.acts.{act}"), say(FIRST_LANGUAGE, f"desk.stages.{stage}")
        print(_queue_text("stepped", reference=reference.upper(), act=words[0], stage=words[1]))


@queue_app.command()
def snooze(
    reference: str,
    until: Annotated[datetime, typer.Argument(help="When it comes back, UTC.")],
    actor: ActorOption = "",
    note: Annotated[str, typer.Option(help="Why; only staff can read it.")] = "",
) -> None:
    """Defer one of your referrals until a time; you stay its owner."""
    step(reference, casework.Act.SNOOZE, actor, note, "", until, False)


@queue_app.command()
def note(reference: str, words: str, actor: ActorOption = "") -> None:
    """Add a note that only staff can read."""
    name = actor or getpass.getuser()
    with open_store(read_settings()) as database, _exit_on_error(), database.unit() as unit:
        acts.add_note(unit, reference.upper(), name, words)
    print(_queue_text("noted", reference=reference.upper()))


def print_record(database: Database, reference: str, actor: str, as_json: bool) -> None:
    """Print one referral with its steps; the opening by `actor` is recorded as one of them."""
    with database.unit() as unit:
        record = lifecycle.open_record(unit, reference, actor)
    with database.reading() as unit:
        history = lifecycle.list_steps(unit, reference)
        entries = lifecycle.list_queue(unit, include_closed=True)
    entry = next(one for one in entries if one.reference == reference)
    if as_json:
        print(json.dumps(text_views.record_json(record, history, entry.stage)))
    else:
        print("\n".join(text_views.record_lines(record, history, entry.stage, entry.may_contact)))


@contextmanager
def _exit_on_error() -> Iterator[None]:
    """Turn a known error into one line and exit code 1."""
    try:
        yield
    except UnknownReferral as unknown:
        sys.exit(f"There is no referral with the reference {unknown}.")
    except ReferralErased as erased:
        sys.exit(f"What {erased} said has been erased.")
    except NotReferralOwner as not_yours:
        sys.exit(str(not_yours))
    except casework.InvalidTransition as refused:
        sys.exit(f"That cannot be done now: {refused}.")


def _queue_text(key: str, **blanks: object) -> str:
    return say(FIRST_LANGUAGE, f"desk.queue.{key}", **blanks)
