"""The container of deploy/, walked: its steps taken in a clean root, its program run in another."""

import re
import shutil
import site
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from storage.vault import Vault
from tests.deploy.container_file import Instruction, given_to_the_build, read_stages, values
from tests.deploy.test_units import wait_until_well
from tests.harness.programs.sandbox import Sandbox
from tests.harness.thorough import is_thorough
from tests.support.paths import ROOT
from tests.support.ports import free_port

DEPLOY = ROOT / "deploy"
PARTS, IMAGE = read_stages(DEPLOY / "Containerfile")
GIVEN = given_to_the_build(ROOT / ".containerignore")
STATE = Path("/var/lib/rj")
PATH = f"{sys.base_prefix}/bin:/usr/bin:/bin"
"""What finds python3 here, as in an image of Python; a shell is only where a build may use one."""


def test_it_is_pinned_not_root_and_asks_no_shell() -> None:
    for stage in (PARTS, IMAGE):
        assert stage[0].words[0] == "${BASE}@${BASE_DIGEST}"
        assert [one for one in stage if one.name in ("RUN", "CMD") and not one.is_exec] == []
    text = (DEPLOY / "Containerfile").read_text()
    assert re.findall(r"(?m)^ARG (.*)$", text) == ["BASE=python", "BASE_DIGEST"]
    for name in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        (told,) = [one for one in IMAGE if one.name == name]
        assert told.is_exec
    assert values(IMAGE, "STOPSIGNAL") == [("SIGTERM",)]
    ((user,),) = values(IMAGE, "USER")
    assert all(int(number) > 0 for number in user.split(":"))
    assert (ROOT / ".dockerignore").read_text() == (ROOT / ".containerignore").read_text()


def test_what_is_copied_is_in_the_project_and_given_to_the_build() -> None:
    copied = [one for (*sources, _) in values(PARTS, "COPY") for one in sources]
    assert sorted(copied) == sorted(GIVEN)
    assert [one for one in copied if not (ROOT / one).exists()] == []


@pytest.mark.sandbox
@pytest.mark.slow
def test_it_is_built_and_runs_read_only_as_compose_says(tmp_path: Path) -> None:
    parts, secrets, state = (tmp_path / name for name in ("parts", "secrets", "state"))
    for folder in (parts, secrets, state):
        folder.mkdir()
    for instruction in PARTS:
        take_step(instruction, parts)
    Vault.open(secrets / "vault_key", create=True)
    (secrets / "database_url").write_text(f"sqlite:///{STATE}/rj.db\n")
    (secrets / "telegram_bot_token").touch()
    port = free_port()
    told = compose()["services"]["web-1"]
    settings = {**told["environment"], "PORT": str(port), "HOST": "127.0.0.1"}
    root = as_built(parts, state, secrets).including(**settings)
    (entry,), (start,), (check,) = (values(IMAGE, n) for n in ("ENTRYPOINT", "CMD", "HEALTHCHECK"))
    patience = float(told["stop_grace_period"].removesuffix("s"))
    with root.running([*entry, *start], tmp_path / "said.txt", patience):
        wait_until_well(port)
        asked = root.run(*check)
        assert (asked.returncode, asked.stdout) == (0, "ok\n"), asked.stderr
    assert root.run(*check).returncode == 1
    assert "rj.db" in {file.name for file in state.iterdir()}
    assert root.run("/bin/sh", "-c", "true").returncode != 0


def compose() -> dict[str, Any]:
    """Return what compose.yml says."""
    whole: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    return whole


def take_step(step: Instruction, parts: Path) -> None:
    """Take one step of the stage that is thrown away, in a root of its own.

    The packages are those of the tests unless all is to be tried: pip would get them anew.
    """
    work = parts / "opt" / "rj"
    if step.name == "WORKDIR":
        assert step.words == ("/opt/rj",)
        (parts / "state").mkdir()
        work.mkdir(parents=True)
    elif step.name == "COPY":
        *sources, target = step.words
        for source in sources:
            copy(ROOT / source, work / target)
    elif step.name == "RUN" and "pip" in step.words and not is_thorough():
        (packages,) = (work / ".venv").glob("lib/python*/site-packages")
        (packages / "here.pth").write_text("/packages\n")
    elif step.name == "RUN":
        places = {"/opt/rj": work, "/state": parts / "state"}
        root = Sandbox(0, "/opt/rj", packages_here(), places, {"PATH": PATH})
        done = root.run(*step.words)
        assert done.returncode == 0, done.stderr
    else:
        assert step.name == "FROM"


def copy(source: Path, target: Path) -> None:
    """Copy a file, or what is in a folder."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def packages_here() -> dict[str, Path]:
    """Return where the packages of the tests are to be found inside."""
    return {} if is_thorough() else {"/packages": Path(site.getsitepackages()[0])}


def as_built(parts: Path, state: Path, secrets: Path) -> Sandbox:
    """Return the root of the image: what it copies, its user, its environment, no other program."""
    copies = {target: source for (source, target) in values(IMAGE, "COPY")}
    assert copies == {"/opt/rj": "/opt/rj", "/var/lib": "/state"}
    assert (parts / "state" / "rj").stat().st_mode & 0o777 == 0o700
    ((folder,),), ((volume,),) = values(IMAGE, "WORKDIR"), values(IMAGE, "VOLUME")
    assert Path(folder) == Path(volume) == STATE
    ((user,),), (environment,) = values(IMAGE, "USER"), values(IMAGE, "ENV")
    return Sandbox(
        int(user.partition(":")[0]),
        folder,
        {"/opt/rj": parts / "opt" / "rj", "/run/secrets": secrets, **packages_here()},
        {volume: state},
        dict(one.split("=", 1) for one in environment),
        has_programs=False,
    )
