"""A service's own content: read over the shipped, and refused with its name when it cannot be."""

from pathlib import Path

import pytest

from flows import content_files
from flows.content_files import UnusableContent, merge_trees


def test_values_replace_tables_are_merged_and_lists_are_whole() -> None:
    shipped = {"names": {"service": "RJ Kent", "phone": "01"}, "days": [0, 1], "zone": "London"}
    own = {"names": {"service": "RJ Sussex"}, "days": [2]}
    assert merge_trees(shipped, own) == {
        "names": {"service": "RJ Sussex", "phone": "01"},
        "days": [2],
        "zone": "London",
    }
    assert shipped["days"] == [0, 1]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("servce.toml", "", "servce.toml is not the name of a file"),
        ("en/desk/notes.txt", "", "en/desk/notes.txt is not the name of a file"),
        ("service.toml", "[names", "service.toml is not TOML"),
        ("service.toml", "\xff", "service.toml is not TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, name: str, text: str, why: str
) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(UnusableContent, match=why):
        content_files.use_own_folder(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableContent, match=r"There is no folder .*elsewhere"):
        content_files.use_own_folder(tmp_path / "elsewhere")


def test_nobody_changes_the_words_once_some_were_read(tmp_path: Path) -> None:
    content_files.load_toml("service.toml")
    with pytest.raises(RuntimeError):
        content_files.use_own_folder(tmp_path)
