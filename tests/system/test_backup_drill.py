"""From an empty machine to serving, with the real program; what was erased stays erased."""

from pathlib import Path

import pytest

from tests.harness.installed_program import (
    InstalledProgram,
    ask_for_a_call,
    go_through,
    told_reference,
    wait_for_text,
)
from tests.support.happy_path import NAME, NUMBER, happy_path
from tests.telegram_server import TelegramServer


@pytest.mark.slow
def test_a_backup_brings_an_empty_machine_back_to_serving(tmp_path: Path) -> None:
    away = tmp_path / "away"
    for folder in ("away", "before", "after"):
        (tmp_path / folder).mkdir()
    with TelegramServer() as server:
        old = InstalledProgram(tmp_path / "before", server, "polling")
        made = old.rj("key", "recovery", str(away / "recovery.key"))
        recipient = made.partition("BACKUP_RECIPIENT=")[2].split()[0]
        old = InstalledProgram(
            tmp_path / "before", server, "polling", has_key=False, BACKUP_RECIPIENT=recipient
        )
        ben, way = server.person("Ben"), happy_path()
        with old.running("serve"):
            erased = ask_for_a_call(server)
            ben.opens_link()
            go_through(ben, way[:9])
            wait_for_text(ben, way[9].shown)
            old.rj("backup", str(away / "rj.age"))
        for act in ("spoke", "close", "erase"):
            if act == "spoke":
                old.rj("queue", "claim", erased, "--as", "Priya")
                old.rj("queue", "open", erased, "--as", "Priya")
            old.rj("queue", "step", erased, act, "--as", "Priya")
        old.rj("backup", "--erasures", str(away / "erasures.age"))
        for file in (away / "rj.age", away / "erasures.age"):
            content = file.read_bytes()
            assert content.startswith(b"age-encryption.org/v1")
            assert not any(word.encode() in content for word in (NAME, NUMBER, erased))

        new = InstalledProgram(tmp_path / "after", server, "polling", has_key=False)
        key, gone = str(away / "recovery.key"), str(away / "erasures.age")
        told = new.rj("restore", str(away / "rj.age"), "--key", key, "--erasures", gone)
        assert "was gone after the backup: 1." in told
        with new.running("serve"):
            go_through(ben, way[9:])
            reference = told_reference(ben)
        assert [entry["reference"] for entry in new.rj_json("queue")] == [reference]
        assert {e["stage"] for e in new.rj_json("queue", "--all")} == {"new", "erased"}
