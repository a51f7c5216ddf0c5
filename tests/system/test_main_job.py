"""The main job, with the real program: from /start to a reference, and on to the staff queue."""

from pathlib import Path

from tests.harness.installed_program import InstalledProgram, ask_for_a_call
from tests.support.happy_path import expected_answers, happy_path
from tests.telegram_server import TelegramServer

ENTRY = {"reference", "queue", "due", "stage", "owner", "flags", "urgent", "late", "may_contact"}
RECORD = {"reference", "journey", "lines", "safe_contact", "consent", "stage", "acts", "steps"}


def test_from_start_to_a_reference_number_through_a_webhook(tmp_path: Path) -> None:
    with TelegramServer() as server:
        machine = InstalledProgram(tmp_path, server, "webhook")
        with machine.running("serve"):
            reference = ask_for_a_call(server)
            assert reference in machine.rj("queue"), "while people are met, too"
    (entry,) = machine.rj_json("queue")
    assert entry["reference"] == reference
    assert (entry["stage"], entry["owner"]) == ("new", None)
    assert set(entry) >= ENTRY


def test_staff_claim_read_and_close_what_was_asked_for_by_polling(tmp_path: Path) -> None:
    with TelegramServer() as server:
        machine = InstalledProgram(tmp_path, server, "polling")
        with machine.running("bot"):
            reference = ask_for_a_call(server)
    assert machine.rj_json("queue", "claim", reference, "--as", "Priya") == {
        "reference": reference,
        "claimed": True,
        "owner": "Priya",
    }
    record = machine.rj_json("queue", "open", reference, "--as", "Priya")
    assert set(record) >= RECORD
    assert [(line["question"], line["value"]) for line in record["lines"]] == expected_answers(
        happy_path()
    )
    assert [step["act"] for step in record["steps"]] == ["handed_over", "claim", "opened"]
    for act, stage in (("spoke", "in_touch"), ("close", "closed")):
        done = machine.rj_json("queue", "step", reference, act, "--as", "Priya")
        assert done == {"reference": reference, "act": act, "stage": stage}
    assert machine.rj_json("queue") == []
    assert [e["reference"] for e in machine.rj_json("queue", "--all")] == [reference]
