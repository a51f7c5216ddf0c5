"""Reads a Containerfile of the form that ours has, and what of the project its build is given."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of a Containerfile: what it is, its flags such as `--from`, and its words.

    `is_exec` says that the words were a JSON array, which no shell is asked to read.
    """

    name: str
    flags: dict[str, str]
    words: tuple[str, ...]
    is_exec: bool


def read_stages(file: Path) -> list[list[Instruction]]:
    """Return the instructions of each stage; the first of each is its FROM."""
    stages: list[list[Instruction]] = []
    for line in file.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        found = _read(line)
        if found.name == "FROM":
            stages.append([])
        if stages:
            stages[-1].append(found)
    return stages


def given_to_the_build(ignore_file: Path) -> list[str]:
    """Return what a build may copy: an ignore file that begins by leaving out everything."""
    lines = [one for one in ignore_file.read_text().splitlines() if one and one[0] != "#"]
    assert lines[0] == "*"
    return [one[1:] for one in lines if one.startswith("!")]


def values(stage: Sequence[Instruction], name: str) -> list[tuple[str, ...]]:
    """Return the words of each instruction of a name."""
    return [one.words for one in stage if one.name == name]


def _read(line: str) -> Instruction:
    name, rest = line.split(maxsplit=1)
    flags = {}
    while match := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
        flags[match[1]] = match[2]
        rest = rest[match.end() :]
    if name == "HEALTHCHECK":
        rest = rest.removeprefix("CMD ")
    is_exec = rest.startswith("[")
    words = json.loads(rest) if is_exec else rest.split()
    return Instruction(name, flags, tuple(words), is_exec)
