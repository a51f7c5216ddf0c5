"""The command line: every command explains itself, and its JSON forms keep their promise."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from typer.main import get_command
from typer.testing import CliRunner, Result

from bot.__main__ import app, main
from bot.cli import doctor as looks
from bot.settings import InvalidSettings, Settings
from flows.vocabulary import OutboxKind
from storage import migrations
from storage.backends import UnsafeDatabase
from storage.chats import inbox, outbox
from storage.database import Database
from storage.revisions import newest_revision
from storage.tables import DAILY_COUNTER
from tests.support.builders import NOW
from tests.support.happy_path import NAME, happy_path
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.telegram_server import TelegramServer
from tests.telegram_server.api.methods import set_webhook

Rj = Callable[..., Result]
Json = dict[str, Any]
Examined = Callable[..., tuple[list[str], list[str]]]

COMMANDS = [
    [],
    *([name] for name in ("demo", "play", "faq", "crisis", "serve", "bot", "web", "invite")),
    *(
        [name]
        for name in ("publish", "doctor", "tidy", "flow", "migrate", "queue", "backup", "restore")
    ),
    ["health"],
    *(["queue", name] for name in ("claim", "open", "step", "snooze", "note")),
    *(["content", name] for name in ("check", "missed")),
    *(["key", name] for name in ("make", "recovery", "rotate")),
    *(["staff", name] for name in ("invite", "list", "disable")),
    *(["officers", name] for name in ("invite", "list", "revoke")),
]


@pytest.fixture
def rj_from_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Rj:
    """Return the command line on a database of this test's own, away from any .env."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*words: str, lines: str = "") -> Result:
        return CliRunner().invoke(app, list(words), input=lines)

    return run


@pytest.fixture
def rj(rj_from_nothing: Rj, ready_tables: None) -> Rj:
    """Return the same command line; where a database is new, its tables are copied."""
    return rj_from_nothing


def json_lines(result: Result) -> list[Json]:
    """Return what was answered, a line of JSON each."""
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def as_json_lines(*bodies: Json) -> str:
    """Return lines of JSON."""
    return "".join(json.dumps(body) + "\n" for body in bodies)


def happy_path_inputs() -> list[Json]:
    """Return the lines of a person harmed from hello to Send."""
    steps = [{"press": step.press} if step.press else {"say": step.say} for step in happy_path()]
    return [{"say": "/start"}, *steps]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(rj: Rj, words: list[str]) -> None:
    result = rj(*words, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_no_other_command_is_there() -> None:
    assert sorted(" ".join(words) for words in COMMANDS) == sorted(["", *named(get_command(app))])


def named(group: Any, before: str = "") -> Iterator[str]:
    """Give the names of all commands of a group, and of the groups inside it."""
    for name, command in getattr(group, "commands", {}).items():
        yield from (
            [f"{before}{name}"] if name not in ("content", "key", "officers", "staff") else []
        )
        yield from named(command, f"{before}{name} ")


# --- rj play --jsonl


def test_a_whole_talk_ends_in_a_referral(rj: Rj) -> None:
    answers = json_lines(rj("play", "--jsonl", lines=as_json_lines(*happy_path_inputs())))
    assert len(answers) == len(happy_path_inputs())
    for answer in answers:
        assert list(answer) == ["replies", "stage", "question", "handed_over"]
        for reply in answer["replies"]:
            assert list(reply) == ["text", "buttons", "edits", "id"]
            assert reply["edits"] is None or isinstance(reply["edits"], str)
            for button in (one for row in reply["buttons"] for one in row):
                assert list(button) == ["label", "id"]
    stages = [answer["stage"] for answer in answers]
    assert stages[:3] == ["welcome", "notice", "asking"]
    assert stages[-2:] == ["checking", "sent"]
    assert answers[2]["question"] == "wish"
    assert [answer["handed_over"] for answer in answers[:-1]] == [None] * (len(answers) - 1)
    reference = answers[-1]["handed_over"]
    assert reference in answers[-1]["replies"][-1]["text"]
    queued = json.loads(rj("queue", "--json").stdout)
    assert [one["reference"] for one in queued] == [reference]


def test_a_button_can_be_pressed_by_its_id(rj: Rj) -> None:
    first = json_lines(
        rj("play", "--jsonl", "--chat", "maya", lines=as_json_lines({"say": "/start"}))
    )
    id = first[0]["replies"][-1]["buttons"][0][0]["id"]
    second = json_lines(rj("play", "--jsonl", "--chat", "maya", lines=as_json_lines({"press": id})))
    assert second[0]["stage"] == "notice"


def test_lines_that_are_not_understood_are_answered_and_the_talk_goes_on(rj: Rj) -> None:
    strange = ["garbage", "[1]", '"say"', "{}", '{"shout": "x"}', "[" * 5000, "\ufeff{}"]
    lines = "\n".join([*strange, "", '{"say": "/start"}']) + "\n"
    answers = json_lines(rj("play", "--jsonl", lines=lines))
    assert [list(answer) for answer in answers[:-1]] == [["error"]] * len(strange)
    assert answers[-1]["stage"] == "welcome"


@pytest.mark.parametrize(
    "body",
    [
        {"send": "voice"},
        {"send": "something new"},
        {"edit": "I meant this"},
        {"press": "there is no such button"},
        {"wait": 3600},
        {"wait": "long"},
        {"wait": 1e400},
        {"say": None},
        {"say": ["a", "list"]},
        {"say": "\ud83d"},
        {"say": ""},
    ],
)
def test_anything_may_come_in_and_something_comes_back(rj: Rj, body: Json) -> None:
    answers = json_lines(rj("play", "--jsonl", lines=as_json_lines({"say": "/start"}, body)))
    assert list(answers[1]) == ["replies", "stage", "question", "handed_over"]
    assert answers[1]["replies"] or "wait" in body


def test_time_that_runs_out_deletes_what_was_not_sent(rj: Rj) -> None:
    some = [*happy_path_inputs()[:5], {"wait": 4 * 86_400}, {"say": "hello"}]
    answers = json_lines(rj("play", "--jsonl", lines=as_json_lines(*some)))
    assert answers[-2]["replies"] == []
    assert "deleted" in answers[-1]["replies"][0]["text"]


def test_an_officer_is_welcomed_by_invitation(rj: Rj) -> None:
    answers = json_lines(
        rj("play", "--as", "officer", "--jsonl", lines=as_json_lines({"say": "/refer"}))
    )
    assert len(answers) == 1
    assert answers[0]["question"] == "agreed"


def test_nobody_else_can_be_played(rj: Rj) -> None:
    assert rj("play", "--as", "judge", "--jsonl").exit_code == 2


# --- rj faq and rj crisis


def test_a_question_is_answered_with_topics(rj: Rj) -> None:
    asked = as_json_lines({"question": "what is restorative justice"}, {"question": "zxqv"})
    answers = json_lines(rj("faq", "--jsonl", lines=asked + "{}\nnonsense\n"))
    assert answers[0]["answer"] == "what_is_rj"
    assert answers[1] == {"answer": None, "suggestions": []}
    for answer in answers[:2]:
        assert list(answer) == ["answer", "suggestions"]
        assert len(answer["suggestions"]) <= 3
    assert [list(answer) for answer in answers[2:]] == [["error"], ["error"]]


def test_danger_is_detected_with_its_kind(rj: Rj) -> None:
    asked = as_json_lines({"text": "I want to kill myself"}, {"text": "What does it cost?"})
    answers = json_lines(rj("crisis", "--jsonl", lines=asked + '{"txt": 1}\n'))
    assert answers[0] == {"crisis": True, "kind": "suicidal"}
    assert answers[1] == {"crisis": False, "kind": None}
    assert list(answers[2]) == ["error"]


# --- rj queue


@pytest.fixture
def reference(rj: Rj) -> str:
    """Return the reference of a referral that has just arrived."""
    return str(
        json_lines(rj("play", "--jsonl", lines=as_json_lines(*happy_path_inputs())))[-1][
            "handed_over"
        ]
    )


def test_an_empty_queue_says_so(rj: Rj) -> None:
    assert rj("queue").stdout == "The queue is empty.\n"
    assert json.loads(rj("queue", "--json").stdout) == []
    assert rj("queue", "claim", "next").exit_code == 1


def test_the_queue_as_json_holds_no_words_of_a_person(rj: Rj, reference: str) -> None:
    out = rj("queue", "--json").stdout
    entry = json.loads(out)[0]
    assert {"reference", "queue", "due", "stage", "owner", "flags"} <= entry.keys()
    assert (entry["reference"], entry["stage"], entry["owner"]) == (reference, "new", None)
    assert NAME not in out


def test_a_referral_is_claimed_by_one_person_only(rj: Rj, reference: str) -> None:
    won = rj("queue", "claim", reference.lower(), "--as", "Priya", "--json")
    lost = rj("queue", "claim", reference, "--as", "Lee", "--json")
    assert (won.exit_code, lost.exit_code) == (0, 1)
    assert json.loads(won.stdout) == {"reference": reference, "claimed": True, "owner": "Priya"}
    assert json.loads(lost.stdout) == {"reference": reference, "claimed": False, "owner": "Priya"}
    assert rj("queue", "claim", "next", "--as", "Lee").exit_code == 1


def test_the_record_says_who_read_it_and_what_can_be_done(rj: Rj, reference: str) -> None:
    rj("queue", "claim", "next", "--as", "Priya")
    record = json.loads(rj("queue", "open", reference, "--as", "Priya", "--json").stdout)
    assert (record["reference"], record["stage"]) == (reference, "claimed")
    assert NAME in [line["label"] for line in record["lines"]]
    assert record["steps"][-1]["who"] == "Priya"
    assert "spoke" in record["acts"]
    plain = rj("queue", "open", reference, "--as", "Priya").stdout
    assert plain.index("SAFE CONTACT") < plain.index("ANSWERS")


def test_a_step_is_recorded_and_one_that_cannot_be_is_refused(rj: Rj, reference: str) -> None:
    too_early = rj("queue", "step", reference, "spoke", "--as", "Priya")
    assert too_early.exit_code == 1
    rj("queue", "claim", reference, "--as", "Priya")
    spoke = rj("queue", "step", reference, "spoke", "--as", "Priya", "--json")
    assert json.loads(spoke.stdout) == {"reference": reference, "act": "spoke", "stage": "in_touch"}
    assert rj("queue", "step", reference, "spoke", "--as", "Lee").exit_code == 1


def test_one_is_put_off_and_noted_without_a_browser(rj: Rj, reference: str) -> None:
    later = "2099-01-04T10:00:00"
    assert rj("queue", "snooze", reference, later, "--as", "Priya").exit_code == 1
    rj("queue", "claim", reference, "--as", "Priya")
    off = rj("queue", "snooze", reference, later, "--as", "Priya", "--note", "On leave")
    assert off.exit_code == 0
    assert rj("queue", "note", reference, "One more thing", "--as", "Lee").exit_code == 0
    record = json.loads(rj("queue", "open", reference, "--as", "Priya", "--json").stdout)
    assert [(one["act"], one["note"]) for one in record["steps"][2:4]] == [
        ("snooze", "On leave"),
        ("note", "One more thing"),
    ]
    assert rj("queue", "note", "ZZZZ-9999", "x").exit_code == 1


@pytest.mark.parametrize("words", [["claim"], ["open"], ["step"]])
def test_a_reference_that_nobody_has_is_said_plainly(rj: Rj, words: list[str]) -> None:
    more = ["spoke"] if words == ["step"] else []
    result = rj("queue", *words, "ZZZZ-9999", *more)
    assert result.exit_code == 1
    assert "no referral with the reference ZZZZ-9999" in result.output
    assert not isinstance(result.exception, LookupError)


# --- looking after it


def test_an_invitation_is_a_link_that_works_once(rj: Rj) -> None:
    officer = ("--name", "PC Sam Reed", "--agency", "Kent Police", "--contact", "sam@kent.example")
    link = rj("invite", *officer, "--bot", "kent_answers_bot").stdout.strip()
    assert link.startswith("https://t.me/kent_answers_bot?start=i_")
    code = link.partition("start=")[2]
    asked = as_json_lines({"say": f"/start {code}"})
    first = json_lines(rj("play", "--jsonl", lines=asked))
    again = json_lines(rj("play", "--jsonl", lines=asked))
    assert "partner officer" in first[0]["replies"][0]["text"]
    assert "partner officer" not in again[0]["replies"][0]["text"]


def test_tidying_says_what_went(rj: Rj) -> None:
    result = rj("tidy")
    assert result.exit_code == 0
    assert ": 0" in result.stdout


def test_the_tables_are_brought_up_to_date(rj_from_nothing: Rj) -> None:
    done = rj_from_nothing("migrate")
    assert (done.exit_code, f"at revision {newest_revision()}." in done.stdout) == (0, True)


def test_they_go_back_a_revision_and_only_to_one_that_there_is(rj: Rj) -> None:
    assert rj("migrate").exit_code == 0
    before = migrations.revisions()[-2]
    done = rj("migrate", "--back-to", before)
    assert (done.exit_code, done.stdout) == (0, f"The tables are at revision {before}.\n")
    assert isinstance(rj("migrate", "--back-to", "9999").exception, UnsafeDatabase)
    too_far = rj("migrate", "--back-to", "0002")
    assert (too_far.exit_code, "rj restore" in too_far.output) == (1, True)


def test_a_web_server_that_does_not_answer_is_not_well(
    rj: Rj, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", str(free_port()))
    asked = rj("health")
    assert (asked.exit_code, "ConnectionRefusedError" in asked.output) == (1, True)


def test_backups_in_a_folder_are_named_by_the_time_and_the_oldest_go(
    rj: Rj, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = rj("key", "recovery", str(tmp_path / "recovery.key")).stdout
    monkeypatch.setenv("BACKUP_RECIPIENT", made.partition("BACKUP_RECIPIENT=")[2].split()[0])
    rj("tidy")
    folder = tmp_path / "backups"
    folder.mkdir()
    earlier = [folder / f"backup-2026010{day}T000000Z.age" for day in (1, 2, 3)]
    others = [folder / "backup-by-hand.age", folder / "erasures-20260101T000000Z.age"]
    for file in (*earlier, *others):
        file.touch()
    done = rj("backup", "--keep", "2", str(folder))
    assert done.exit_code == 0, done.output
    written = Path(done.stdout.removeprefix("Written: ").strip())
    assert set(folder.iterdir()) == {written, earlier[-1], *others}
    assert rj("backup", str(folder), "--erasures", "--keep", "1").exit_code == 0
    assert not others[1].exists()


def test_both_tables_are_printed_as_pictures(rj: Rj) -> None:
    assert rj("flow", "--mermaid").stdout.count("stateDiagram") == 2


def test_the_words_are_checked(rj: Rj) -> None:
    result = rj("content", "check")
    assert result.exit_code == 0
    assert "0 wrong" in result.stdout


def test_what_nobody_could_answer_is_shown_once_it_was_passed_on(rj: Rj) -> None:
    assert rj("content", "missed").stdout == ""
    asked = as_json_lines({"say": "zxqv wvut"}, {"press": "Pass my question on"})
    json_lines(rj("play", "--jsonl", lines=asked))
    assert "zxqv wvut" in rj("content", "missed").stdout


def test_a_key_is_made_once_and_never_written_over(rj: Rj, tmp_path: Path) -> None:
    key = tmp_path / "rj.key"
    assert rj("key", "make", str(key)).exit_code == 0
    assert key.stat().st_mode & 0o077 == 0
    before = key.read_bytes()
    assert rj("key", "make", str(key)).exit_code == 1
    assert key.read_bytes() == before
    assert rj("key", "rotate", str(key)).exit_code == 0
    assert key.read_bytes() != before


def test_nothing_is_published_without_a_bot(rj: Rj) -> None:
    result = rj("publish")
    assert result.exit_code == 1
    assert "TELEGRAM_BOT_TOKEN is not set" in result.output


def test_a_wrong_set_up_stops_at_once_with_a_plain_line(
    rj: Rj, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "eight thousand")
    monkeypatch.setattr(sys, "argv", ["rj", "queue"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert str(ended.value.code).startswith("PORT: ")


def test_the_wrong_key_stops_everything(rj: Rj, reference: str, tmp_path: Path) -> None:
    (tmp_path / "data" / "vault.key").unlink()
    rj("key", "make", "data/vault.key")
    result = rj("queue")
    assert "key file is not the one" in str(result.exception)


def test_it_also_starts_as_a_module(tmp_path: Path) -> None:
    root = ROOT
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "crisis", "--jsonl"],
        input='{"text": "hello"}\n',
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == {"crisis": False, "kind": None}


# --- rj doctor


@pytest.fixture
def examined(rj: Rj, monkeypatch: pytest.MonkeyPatch) -> Examined:
    """Return what the doctor finds wrong, and to look at, besides the words of the service."""
    monkeypatch.setattr(looks, "_check_content", lambda today: ([], []))

    def examine(**told: object) -> tuple[list[str], list[str]]:
        settings = Settings(_env_file=None, **told)  # type: ignore[arg-type]
        wrong, notes = looks.run_checks(settings)
        values = [str(value) for value in told.values() if len(str(value)) > 8]
        assert not [line for line in (*wrong, *notes) for value in values if value in line]
        return wrong, notes

    return examine


def test_a_proxy_that_is_not_named_is_looked_at(rj: Rj, examined: Examined) -> None:
    rj("migrate")
    with contextlib.closing(Database(Settings(_env_file=None).database_url, None)) as database:
        row = {"day": datetime.now(UTC).date(), "event": "web", "key": "untrusted_proxy", "n": 1}
        with database.transaction() as connection:
            connection.execute(insert(DAILY_COUNTER), row)
    assert any("TRUSTED_PROXIES" in note for note in examined()[1])


def test_a_fresh_set_up_is_sound(rj: Rj) -> None:
    result = rj("doctor")
    assert result.exit_code == 0
    assert "The set-up is sound." in result.stdout
    assert "Nobody is told of a new request" in result.stdout
    assert "has not confirmed" in result.stdout
    assert not Path("data").exists()


def test_a_set_up_in_use_is_sound(examined: Examined, reference: str) -> None:
    wrong, notes = examined()
    assert wrong == []
    assert not [line for line in notes if "One is made" in line]


def test_a_missing_key_is_wrong_where_one_is_named(examined: Examined, tmp_path: Path) -> None:
    wrong, _ = examined(vault_key_file=tmp_path / "not-there.key")
    assert wrong == ["There is no file at VAULT_KEY_FILE. Make one with: rj key make FILE"]


def test_a_key_that_others_can_read_is_wrong(rj: Rj, examined: Examined, tmp_path: Path) -> None:
    key = tmp_path / "open.key"
    rj("key", "make", str(key))
    key.chmod(0o644)
    assert "Others can read the key file" in examined(vault_key_file=key)[0][0]
    key.chmod(0o600)
    key.write_text("not a key")
    assert "is no key file" in examined(vault_key_file=key)[0][0]


def test_a_key_of_another_database_is_wrong(
    rj: Rj, examined: Examined, reference: str, tmp_path: Path
) -> None:
    key = tmp_path / "another.key"
    rj("key", "make", str(key))
    wrong, _ = examined(vault_key_file=key)
    assert wrong == ["The key file is not the one that this database was kept under."]
    assert rj("queue").exit_code == 0


def test_a_fresh_database_takes_no_key_from_the_doctor(
    rj: Rj, examined: Examined, database: Database, file: Path, tmp_path: Path
) -> None:
    for name in ("one.key", "two.key"):
        rj("key", "make", str(tmp_path / name))
        wrong, _ = examined(database_url=f"sqlite:///{file}", vault_key_file=tmp_path / name)
        assert wrong == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "DATABASE_URL cannot be used"),
        ("sqlite:///:memory:", "DATABASE_URL cannot be used"),
        ("postgres://somebody:secret@nowhere/rj", "DATABASE_URL cannot be used"),
    ],
)
def test_a_database_that_cannot_be_is_wrong(examined: Examined, url: str, says: str) -> None:
    assert says in examined(database_url=url)[0][0]


@pytest.mark.parametrize("url", ["nonsense", "sqlite://", "postgresql://somebody:secret@here"])
@pytest.mark.parametrize("words", [["migrate"], ["staff", "list"]], ids=" ".join)
def test_every_command_names_a_database_that_cannot_be(
    rj: Rj, monkeypatch: pytest.MonkeyPatch, words: list[str], url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    wrong = rj(*words).exception
    assert isinstance(wrong, UnsafeDatabase)
    assert "DATABASE_URL cannot be used" in str(wrong)
    assert "secret" not in str(wrong)


def test_a_database_that_cannot_be_reached_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:secret@127.0.0.1:9/rj")
    monkeypatch.setattr(sys, "argv", ["rj", "staff", "list"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert str(ended.value).startswith("The database of DATABASE_URL cannot be reached")
    assert "secret" not in str(ended.value)


def test_an_address_that_is_taken_is_named(rj: Rj, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("PORT", str(other.getsockname()[1]))
        wrong = rj("web").exception
    assert isinstance(wrong, InvalidSettings)
    assert "PORT" in str(wrong)


def test_a_damaged_or_old_or_open_database_is_wrong(
    examined: Examined, file: Path, tmp_path: Path
) -> None:
    file.chmod(0o644)
    assert "Others can read the database" in examined(database_url=f"sqlite:///{file}")[0][0]
    empty = tmp_path / "empty.db"
    empty.touch(0o600)
    assert "rj migrate" in examined(database_url=f"sqlite:///{empty}")[0][0]
    rubbish = tmp_path / "rubbish.db"
    rubbish.write_bytes(b"this is no database" * 99)
    assert "cannot be opened" in examined(database_url=f"sqlite:///{rubbish}")[0][0]


def test_what_was_left_over_is_counted(
    examined: Examined, database: Database, file: Path, tmp_path: Path
) -> None:
    with database.unit(NOW) as unit:
        arrival = inbox.Arrival("1", "maya", {"say": "hello"})
        inbox.enqueue_arrivals(unit, "telegram", [arrival])
        inbox.set_aside(unit, inbox.due_inbox_items(unit, ["telegram"])[0].id, "ValueError")
        sent = outbox.enqueue(unit, "telegram", OutboxKind.ALERT, {"text": "x"})
        outbox.give_up(unit, sent)
    _, notes = examined(database_url=f"sqlite:///{file}", vault_key_file=tmp_path / "vault.json")
    assert "Messages that came in and could not be answered, set aside: 1." in notes
    assert "Messages that could not be sent, given up: 1." in notes


def test_a_full_disk_and_a_slow_clock_are_seen(
    examined: Examined, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "MIN_FREE_SHARE", 1.1)
    monkeypatch.setattr(looks, "_newest_review_date", lambda: NOW.date().replace(year=2999))
    wrong, notes = examined()
    assert [line for line in notes if "disk" in line]
    assert [line for line in wrong if "clock" in line]


def test_a_token_that_works_is_sound(examined: Examined) -> None:
    with TelegramServer() as server:
        wrong, notes = examined(
            telegram_bot_token=server.token,
            telegram_api_url=server.api_url,
            staff_telegram_chat=server.person("Desk").chat_id,
        )
    assert not [line for line in (*wrong, *notes) if "Telegram" in line]


def test_a_token_that_is_refused_is_wrong_and_never_repeated(examined: Examined) -> None:
    with TelegramServer() as server:
        url = server.api_url
        wrong, _ = examined(telegram_bot_token="123456789", telegram_api_url=url)
        assert "does not know this token" in wrong[0]
        chat, _ = examined(
            telegram_bot_token=server.token, telegram_api_url=url, staff_telegram_chat=404
        )
        assert "STAFF_TELEGRAM_CHAT" in chat[0]
    gone, _ = examined(telegram_bot_token=server.token, telegram_api_url=url)
    assert "Telegram cannot be reached" in gone[0]


def test_a_webhook_of_somebody_else_is_wrong(examined: Examined) -> None:
    with TelegramServer() as server:
        ours: dict[str, object] = {
            "telegram_bot_token": server.token,
            "telegram_api_url": server.api_url,
        }
        hook = {
            **ours,
            "telegram_mode": "webhook",
            "telegram_webhook_url": "https://rj.example",
            "telegram_webhook_secret": "a-long-secret-word",
        }
        assert [line for line in examined(**hook)[1] if "webhook is not set yet" in line]
        point(server, "https://other.example/telegram")
        assert "another address than TELEGRAM_WEBHOOK_URL" in examined(**hook)[0][0]
        assert [line for line in examined(**ours)[1] if "to a web address" in line]
        point(server, "https://rj.example/telegram")
        assert examined(**hook)[0] == []


def point(server: TelegramServer, url: str) -> None:
    """Tell the loopback Telegram to send updates to an address."""
    account = server.account()
    with account.world.changed:
        set_webhook(account, {"url": url})
