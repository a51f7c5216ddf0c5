"""`rj`: the command line. Builds the parts and starts one; `rj --help` lists them."""

import asyncio
import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from bot.bootstrap import open_demo_store, open_store, use_own_content
from bot.cli import (
    backup_commands,
    content_commands,
    officer_commands,
    queue_commands,
    staff_commands,
)
from bot.event_loop import run_until_complete
from bot.settings import InvalidSettings, read_settings
from storage.backends import UnsafeDatabase
from storage.database import DatabaseBusy
from storage.vault import VaultError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="RJ intake for Kent: a conversation that ends in a referral staff can claim.",
)
app.add_typer(queue_commands.queue_app, name="queue")
app.add_typer(staff_commands.staff_app, name="staff")
app.add_typer(officer_commands.officers_app, name="officers")
app.add_typer(content_commands.content_app, name="content")
app.add_typer(content_commands.key_app, name="key")
content_commands.key_app.command("recovery")(backup_commands.key_recovery)

app.callback()(use_own_content)

Jsonl = Annotated[bool, typer.Option("--jsonl", help="One JSON object per line, in and out.")]


def main() -> None:
    """Run the command line; print one line and exit with 1 for a known error."""
    try:
        app(prog_name="rj")
    except (InvalidSettings, VaultError, UnsafeDatabase) as wrong:
        sys.exit(str(wrong))
    except DatabaseBusy:
        sys.exit("The database of DATABASE_URL cannot be reached, or is busy. Try again.")
    except BrokenPipeError:
        sys.exit(1)


# --- talk


@app.command()
def demo() -> None:
    """Run the demo: chat and staff desk in one browser page, on a throw-away database."""
    from bot.cli import demo as shown
    from bot.log import start_logging
    from bot.serve import Program, run

    settings = read_settings()
    shown.refuse_live_settings(settings)
    start_logging("ERROR")
    with open_demo_store() as database:
        sign_in = shown.seed_demo(database)
        on = settings.model_copy(update={"host": "127.0.0.1", "port": shown.free_port()})

        def announce() -> None:
            print("DEMO. Nobody here is real, and nothing is kept. Open this page in a browser:")
            print(f"\n    http://127.0.0.1:{on.port}/demo\n")
            print(f"The desk's sign-in is filled in: {sign_in['name']}, {sign_in['password']}")
            print("End with Ctrl-C.", flush=True)

        run_until_complete(run(Program(on, database, demo=sign_in), True, True, announce))


class PlayedBy(StrEnum):
    """Who talks to the bot in the terminal."""

    VICTIM = "victim"
    OFFICER = "officer"


@app.command()
def play(
    as_: Annotated[PlayedBy, typer.Option("--as", help="Who talks.")] = PlayedBy.VICTIM,
    language: Annotated[str | None, typer.Option(help="A language on offer, such as en.")] = None,
    chat: Annotated[str | None, typer.Option(help="Resume a named conversation.")] = None,
    jsonl: Jsonl = False,
) -> None:
    """Talk to the bot in the terminal, on the configured database."""
    from bot.cli.play import Player, play_interactively, play_jsonl

    settings = read_settings()
    with open_store(settings) as database:
        chat_holds_names = settings.officer_details == "chat"
        player = Player(database, chat_holds_names, language, settings.public_url)
        if chat:
            player.chat_address = f"named/{chat}"
        first = player.invitation_command() if as_ == PlayedBy.OFFICER else "/start"
        if jsonl:
            if as_ == PlayedBy.OFFICER:
                player.submit_line({"say": first})
            play_jsonl(player, sys.stdin)
        else:
            play_interactively(player, first)


@app.command()
def faq(jsonl: Jsonl = False) -> None:
    """Answer {"question": ...} lines with {"answer": topic or null, "suggestions": [...]}."""
    from flows.understanding.faq import suggest
    from flows.wording import FIRST_LANGUAGE

    for body in _read_jsonl("question"):
        found = suggest(FIRST_LANGUAGE, str(body["question"]))
        _print_json({"answer": found.answer, "suggestions": list(found.suggestions)[:3]})


@app.command()
def crisis(jsonl: Jsonl = False) -> None:
    """Answer {"text": ...} lines with {"crisis": true or false, "kind": kind or null}."""
    from flows.understanding.crisis import detect_danger

    for body in _read_jsonl("text"):
        kind = detect_danger(str(body["text"]))
        _print_json({"crisis": kind is not None, "kind": kind.value if kind else None})


# --- serve


@app.command()
def serve() -> None:
    """Run everything: Telegram if a token is set, web server, responder, delivery and sweep."""
    _run_parts(conversation=True, pages=True)


@app.command()
def bot() -> None:
    """Run the conversation alone: polling, responder, delivery and sweep; no web server."""
    _run_parts(conversation=True, pages=False)


@app.command()
def web() -> None:
    """Run the web server alone: chat, officer pages, desk, API, health, Telegram's webhook."""
    _run_parts(conversation=False, pages=True)


# --- look after it

app.command()(officer_commands.invite)
app.command()(backup_commands.backup)
app.command()(backup_commands.restore)


@app.command()
def publish() -> None:
    """Publish the bot's commands and descriptions to Telegram."""
    from bot.channels.telegram import build_bot
    from bot.channels.telegram.publish import publish as publish_all
    from flows.service import service

    settings = read_settings()
    if settings.telegram_bot_token is None:
        sys.exit("TELEGRAM_BOT_TOKEN is not set, so there is no bot to publish for.")

    async def send() -> list[str]:
        async with build_bot(settings) as bot:
            return await publish_all(bot, service().languages)

    print("\n".join(asyncio.run(send())))


@app.command()
def doctor() -> None:
    """Check the set-up; say what is wrong and how to fix it. Exit code 1 if anything is wrong."""
    from bot.cli.doctor import run_checks

    wrong, warnings = run_checks(read_settings())
    for line in wrong:
        print(f"WRONG  {line}")
    for line in warnings:
        print(f"note   {line}")
    if not wrong:
        print("The set-up is sound.")
    raise typer.Exit(1 if wrong else 0)


@app.command()
def tidy() -> None:
    """Run one sweep (retention periods, expired leases and handoffs), then vacuum the file."""
    from dataclasses import asdict

    from bot.pipeline.sweep import sweep
    from bot.runtime import Runtime

    settings = read_settings()
    with open_store(settings) as database:
        with database.unit() as unit:
            swept = sweep(unit, Runtime(settings, database))
        database.backend.erase_free_space()
    print(", ".join(f"{what}: {n}" for what, n in asdict(swept).items()))


@app.command()
def flow(mermaid: Annotated[bool, typer.Option("--mermaid", help="As Mermaid.")] = True) -> None:
    """Print the two state tables as Mermaid diagrams."""
    from flows import casework, stages

    print(f"```mermaid\n{stages.mermaid().strip()}\n```\n")
    print(f"```mermaid\n{casework.mermaid().strip()}\n```")


@app.command()
def migrate() -> None:
    """Migrate the database to the newest revision of the schema."""
    from storage.database import Database

    database = Database(read_settings().database_url)
    database.migrate()
    print(f"The tables are at revision {database.revision()}.")
    database.close()


# --- what the commands share


def _run_parts(conversation: bool, pages: bool) -> None:
    from bot.log import start_logging
    from bot.serve import Program, run

    settings = read_settings()
    start_logging(settings.log_level)
    if settings.telegram_bot_token is None:
        print("TELEGRAM_BOT_TOKEN is not set: Telegram is off.", file=sys.stderr)
    with open_store(settings) as database:
        run_until_complete(run(Program(settings, database), conversation, pages))


def _read_jsonl(key: str) -> Iterator[dict[str, Any]]:
    """Give each line that is an object with `key`; answer the others with what is wrong."""
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            body = json.loads(line)
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict) and key in body:
            yield body
        else:
            _print_json({"error": f'a line is a JSON object with "{key}"'})


def _print_json(body: dict[str, Any]) -> None:
    print(json.dumps(body), flush=True)


if __name__ == "__main__":
    main()
