"""`./run`: the demo of its own, on this computer alone."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from bot.settings import InvalidSettings
from tests.support.paths import ROOT


def started(**env: str) -> subprocess.Popen[str]:
    """Start the demo in a folder without a .env, in an environment of the test's own."""
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "demo"],
        cwd=ROOT,
        env={**clean, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def demo() -> Iterator[tuple[str, str]]:
    """Give the address of a running demo and the password that it printed."""
    running = started()
    assert running.stdout is not None
    printed = ""
    while "Ctrl-C" not in printed:
        line = running.stdout.readline()
        assert line, "the demo ended by itself"
        printed += line
    address, password = (
        re.search(r"http://\S+?(?=/demo)", printed),
        re.search("demo, (.+)", printed),
    )
    assert address and password
    yield address[0], password[1]
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)
    assert running.returncode == 0


def test_both_pages_are_there_and_the_sign_in_is_filled_in(demo: tuple[str, str]) -> None:
    address, password = demo
    with httpx.Client(base_url=address, follow_redirects=True) as browser:
        both = browser.get("/demo").text
        assert re.findall(r'<iframe class="(\w+)" src="([^"]+)"', both) == [
            ("phone", "/"),
            ("desk", "/desk/queue"),
        ]
        for path in ("/demo", "/", "/desk/queue", "/privacy", "/back"):
            assert "DEMO" in browser.get(path).text, path
        page = browser.get("/desk/queue").text
        assert f'value="{password}"' in page
        fields = dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', page))
        signed = browser.post("/desk/sign-in", data=fields, headers={"Origin": address})
        assert signed.url.path == "/desk/queue"
        assert len(set(re.findall(r"/desk/r/[A-Z0-9]{4}-[A-Z0-9]{4}", signed.text))) >= 4
        assert (
            browser.get("/demo")
            .headers["content-security-policy"]
            .endswith("frame-ancestors 'self'")
        )


def test_it_refuses_what_is_real() -> None:
    refused = started(PUBLIC_URL="https://rj.example")
    out, err = refused.communicate(timeout=30)
    assert (refused.returncode, out) == (1, "")
    assert "only for this computer" in err


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"TELEGRAM_BOT_TOKEN": "123:marigold", "TELEGRAM_API_URL": "http://127.0.0.1:9"}, "bot"),
        ({"PUBLIC_URL": "https://rj.example"}, "only for this computer"),
        ({"HOST": "0.0.0.0", "PUBLIC_URL": "https://rj.example"}, "only for this"),  # noqa: S104
    ],
)
def test_what_is_real_is_named_and_never_repeated(
    env: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    refused = CliRunner().invoke(app, ["demo"])
    assert isinstance(refused.exception, InvalidSettings)
    assert says in str(refused.exception)
    assert "marigold" not in refused.output + str(refused.exception)
