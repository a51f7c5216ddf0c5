"""The connection to a message broker: no password in clear, and what is wrong is told in a line."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.channel_interface import ChannelDown
from bot.channels import broker
from bot.channels.broker import NO_JETSTREAM, NOT_ENCRYPTED, STREAM, BrokerChannel, check_broker
from bot.cli import doctor
from flows.vocabulary import OutboxKind
from storage.vault import Vault
from tests.bot.channels.relay_harness import jetstream_of
from tests.harness.app import build_settings
from tests.harness.programs.nats import USER, NatsServer, running
from tests.support.paths import ROOT
from tests.support.ports import free_port

PATIENCE = 60.0
EVENT = {"event": "e1", "kind": "referral", "reference": "ACDE-3467"}
INFO = {"server_id": "x", "version": "2.9.10", "headers": True, "max_payload": 1 << 20}


@asynccontextmanager
async def open_channel(url: str) -> AsyncIterator[BrokerChannel]:
    """Give a channel; its connection is closed afterwards."""
    channel = BrokerChannel(build_settings(events_url=url))
    try:
        yield channel
    finally:
        await channel.close()


async def failure(url: str) -> str:
    """Return by which code an event is not sent."""
    async with open_channel(url) as channel:
        with pytest.raises(ChannelDown) as failed:
            await channel.send("", OutboxKind.REFERRAL, EVENT)
    return str(failed.value)


@pytest.mark.nats
async def test_over_tls_the_certificate_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(NatsServer(has_tls=True)) as server:
        url = server.url(scheme="tls")
        assert await failure(url) == "SSLCertVerificationError"
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        async with open_channel(url) as channel:
            await channel.send("", OutboxKind.REFERRAL, EVENT)
        assert await check_broker(build_settings(events_url=url)) == ([], [])


@pytest.mark.parametrize("login", ["rj:canary@", ""])
async def test_where_no_tls_is_offered_no_password_is_told_and_nothing_is_sent(login: str) -> None:
    heard: list[bytes] = []

    async def serve_in_clear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"INFO {json.dumps(INFO)}\r\n".encode())
        while line := await reader.readline():
            heard.append(line)
            writer.write(b"PONG\r\n" * line.startswith(b"PING"))
        writer.close()

    server = await asyncio.start_server(serve_in_clear, "127.0.0.1", port := free_port())
    assert await failure(f"tls://{login}127.0.0.1:{port}") == NOT_ENCRYPTED
    server.close()
    said = b"".join(heard)
    assert (b"canary" in said, b"PUB" in said) == (False, False)


async def test_silence_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(broker, "SEND_SECONDS", 0.2)
    server = await asyncio.start_server(stay_silent, "127.0.0.1", port := free_port())
    assert await failure(f"nats://{USER}:canary@127.0.0.1:{port}") == "TimeoutError"
    server.close()


@pytest.mark.nats
async def test_without_jetstream_nothing_counts_as_sent() -> None:
    with running(NatsServer(has_jetstream=False)) as server:
        assert await failure(server.url()) == NO_JETSTREAM
        wrong, _ = await check_broker(build_settings(events_url=server.url()))
        assert wrong == [
            "The message broker at EVENTS_URL runs without JetStream. Enable it there."
        ]


@pytest.mark.nats
def test_the_doctor_says_what_is_wrong_without_the_password(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "_check_content", lambda today: ([], []))

    def examine(url: str) -> list[str]:
        wrong, notes = doctor.run_checks(build_settings(events_url=url))
        assert "canary" not in "".join([*wrong, *notes])
        return [line for line in [*wrong, *notes] if "broker" in line]

    async def add_stream(name: str) -> None:
        async with jetstream_of(nats_server) as jetstream:
            await jetstream.add_stream(replace(STREAM, name=name))

    assert examine(nats_server.url("canary of another")) == [
        "The message broker refuses the user or the password in EVENTS_URL."
    ]
    assert examine(nats_server.url(scheme="tls")) == [
        "The message broker at EVENTS_URL does not offer TLS. Set it up there."
    ]
    assert examine(nats_server.url()) == [
        "The message broker has no stream RJ_EVENTS yet. It is made when the service starts."
    ]
    asyncio.run(add_stream("OURS"))
    assert examine(nats_server.url()) == [
        "Another stream of the message broker than RJ_EVENTS takes rj.referral.handed_over."
    ]
    nats_server.kill()
    assert examine(nats_server.url()) == [
        "The message broker cannot be reached at EVENTS_URL (ConnectionRefusedError)."
    ]


def test_without_the_setting_its_library_is_not_loaded(tmp_path: Path) -> None:
    Vault.open(tmp_path / "key.json", create=True)
    lines = (
        "import sys; from pathlib import Path",
        "from bot.cli import doctor; from bot.serve import Program",
        "from bot.settings import Settings",
        "from storage.database import Database; from storage.vault import Vault",
        f"home = Path({str(tmp_path)!r}); vault = Vault.open(home / 'key.json', create=False)",
        "Program(Settings(_env_file=None), Database(f'sqlite:///{home}/rj.db', vault))",
        "print({'faststream', 'nats', 'fast_depends'} & set(sys.modules))",
    )
    command = [sys.executable, "-c", "\n".join(lines)]
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert ran.stdout == "set()\n"


@pytest.mark.parametrize(
    "url",
    [
        "nats://rj:canary@broker.example.org:4222",
        "nats://127.0.0.1.example.org",
        "https://rj:canary@broker.example.org",
        "wss://rj:canary@broker.example.org",
        "broker.example.org:4222",
        "tls://",
        "tls://canary@broker.example.org",
        "tls://rj:can#ary@broker.example.org:4222",
        "tls://rj:canary@broker.example.org:canary",
        "tls://rj:canary@broker.example.org/canary",
        "tls://rj:canary@[broker",
    ],
)
def test_an_address_that_cannot_work_or_tells_the_password_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="events_url") as refused:
        build_settings(events_url=url)
    assert "can" not in str(refused.value).replace("cannot", "")


@pytest.mark.parametrize("url", ["nats://[::1]:4222", "nats://localhost", "tls://a:b%40@host"])
def test_an_address_on_this_machine_or_over_tls_is_taken(url: str) -> None:
    assert "b%40" not in repr(build_settings(events_url=url))
