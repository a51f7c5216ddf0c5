"""The proxy with its files of deploy/: for real before the program, and while that is away."""

import asyncio
import contextlib
import os
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from flows.service import service
from flows.wording import say
from storage.database import Database
from tests.harness.app import build_app
from tests.harness.serving import started
from tests.support.certificates import make_certificate
from tests.support.paths import ROOT
from tests.support.ports import free_port

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
AWAY = ROOT / "deploy" / "away.html"
PATIENCE = 30.0
METRICS_TOKEN = "a-token-of-a-test"


class Proxy:
    """nginx with our file, on a port of this machine, before a program on another."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.program_port = folder, free_port(), free_port()
        self.address = f"https://localhost:{self.port}"
        key, certificate = make_certificate(folder)
        self.plain_port = free_port()
        files = ("upstream.conf", "nginx.conf")
        ours = "".join((ROOT / "deploy" / file).read_text() for file in files)
        for found, here in (
            ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
            ("server_name rj.example.org", "server_name localhost"),
            ("/etc/ssl/rj/fullchain.pem", str(certificate)),
            ("/etc/ssl/rj/privkey.pem", str(key)),
            ("127.0.0.1:8000", f"127.0.0.1:{self.program_port}"),
            ("/opt/rj/deploy", str(ROOT / "deploy")),
            ("/var/log/nginx/rj-error.log", str(folder / "error.log")),
        ):
            assert found in ours
            ours = ours.replace(found, here)
        places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{one}_temp_path {folder}/{one};\n" for one in places)
        settings = f"daemon off; pid {folder}/nginx.pid; error_log {folder}/start.log;\n"
        if os.geteuid() == 0:
            # Its workers would be nobody, who may not enter a checkout that is its owner's alone.
            settings += "user root;\n"
        whole = f"{settings}events {{}}\nhttp {{\n{temporary}access_log off;\n{ours}}}\n"
        (folder / "nginx.conf").write_text(whole)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[httpx.AsyncClient]:
        """Run it; give a browser that trusts its certificate."""
        command = [str(NGINX), "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder)]
        child = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._until_open()
            async with httpx.AsyncClient(base_url=self.address, verify=False) as browser:  # noqa: S501
                yield browser
        finally:
            child.terminate()
            await child.wait()

    async def _until_open(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@pytest.mark.skipif(NGINX is None, reason="There is no nginx here. Type: apt-get install nginx")
async def test_the_proxy_serves_the_program_and_says_so_when_it_is_away(
    database: Database, tmp_path: Path
) -> None:
    proxy, ready = Proxy(tmp_path), asyncio.Event()
    program = build_app(
        database, port=proxy.program_port, public_url=proxy.address, metrics_token=METRICS_TOKEN
    )
    async with proxy.running() as browser:
        async with started(program, ready.set):
            async with asyncio.timeout(PATIENCE):
                await ready.wait()
            await check_monitoring_stays_inside(browser, proxy.program_port)
            welcome = await browser.get("/")
            assert welcome.status_code == httpx.codes.OK
            begun = await browser.post("/start", headers={"Sec-Fetch-Site": "same-origin"})
            assert begun.status_code == httpx.codes.SEE_OTHER
            assert "secure" in begun.headers["set-cookie"].lower()
            async with browser.stream("GET", "/chat/live") as stream:
                assert "changed" in await anext(stream.aiter_lines())
            css = re.search(r'href="(/static/[^"]+css[^"]*)"', welcome.text)
            assert css and (await browser.get(css[1])).headers["content-encoding"] == "gzip"
        away = await browser.get("/chat?q=01622")
        assert away.status_code == httpx.codes.BAD_GATEWAY
        assert away.text == AWAY.read_text()
        assert away.headers["cache-control"] == "no-store"
        assert 'href="tel:999"' in away.text
        assert service().exit_url in away.text
        await _break_off_a_handshake(proxy.port)
    written = (tmp_path / "error.log").read_text() + (tmp_path / "start.log").read_text()
    assert [one for one in ("127.0.0.1", "01622", "localhost") if one in written] == []


@pytest.mark.skipif(NGINX is None, reason="There is no nginx here. Type: apt-get install nginx")
async def test_it_speaks_http_2_over_tls_and_sends_everybody_there(tmp_path: Path) -> None:
    proxy = Proxy(tmp_path)
    async with proxy.running():
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            trusting = _trusting(version)
            trusting.set_alpn_protocols(["h2", "http/1.1"])
            _, writer = await asyncio.open_connection("127.0.0.1", proxy.port, ssl=trusting)
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
            writer.close()
        async with httpx.AsyncClient() as browser:
            plain = await browser.get(f"http://127.0.0.1:{proxy.plain_port}/k/code?a=b")
    assert plain.status_code == httpx.codes.PERMANENT_REDIRECT
    assert plain.headers["location"] == "https://127.0.0.1/k/code?a=b"


def _trusting(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _break_off_a_handshake(port: int) -> None:
    """Send what is no TLS, which a log of errors would name the sender of."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")
    await writer.drain()
    await reader.read()
    writer.close()


async def check_monitoring_stays_inside(browser: httpx.AsyncClient, port: int) -> None:
    """See that the program answers what the proxy does not pass on, however it is written."""
    token = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as inside:
        for _ in range(int(PATIENCE / 0.1)):  # it is not ready until all content is read
            if (await inside.get("/ready", headers=token)).status_code == httpx.codes.OK:
                break
            await asyncio.sleep(0.1)
        for path in ("/metrics", "/ready"):
            assert (await inside.get(path, headers=token)).status_code == httpx.codes.OK
            for written in (path, f"/%{ord(path[1]):x}{path[2:]}", f"{path}?x"):
                answer = await browser.get(written, headers=token)
                assert answer.status_code == httpx.codes.NOT_FOUND
                assert "rj_" not in answer.text
        assert (await browser.get("/health")).status_code == httpx.codes.OK


def test_the_proxys_own_page_says_what_ours_says() -> None:
    page = AWAY.read_text()
    words = " ".join(unescape(re.sub(r"<[^>]+>", "", page)).split())
    for text in (say("en", "web.site.broken.title"), say("en", "web.site.broken.text")):
        assert text in words
    assert say("en", "web.leave") in words
    assert f'href="{service().exit_url}"' in page
    assert "//" not in page.replace(service().exit_url, "")
