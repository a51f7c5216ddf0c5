"""`./run` tells of every check it knows, and each of them runs before a commit."""

import re
import runpy

from tests.support.paths import ROOT

RUN = runpy.run_path(str(ROOT / "run"), run_name="run")
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")


def test_help_names_every_check() -> None:
    assert ", ".join(RUN["CHECKS"]) in RUN["__doc__"]


def test_every_check_is_a_hook() -> None:
    assert re.findall(r"entry: \./run check (\w+)", HOOKS) == list(RUN["CHECKS"])
