"""compose.yml: each service is confined, the proxy alone is reached, and all it names exists."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from bot.__main__ import app
from bot.settings import SecretsFolder, Settings
from bot.web.server import SHUTDOWN_SECONDS
from tests.deploy.container_file import read_stages, values
from tests.harness.programs.sandbox import Sandbox
from tests.support.certificates import make_certificate
from tests.support.paths import ROOT
from tests.support.ports import free_port

DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROGRAM = {name: told for name, told in SERVICES.items() if "RJ_IMAGE" in told["image"]}
STAYING = {name: told for name, told in SERVICES.items() if "profiles" not in told}
_, IMAGE = read_stages(DEPLOY / "Containerfile")
(SECRETS_FOLDER,) = (name.upper() for name in SecretsFolder.model_fields)
KNOWN_KEYS = {
    *("cap_drop", "command", "depends_on", "entrypoint", "env_file", "environment", "healthcheck"),
    *("image", "init", "mem_limit", "networks", "pids_limit", "ports", "profiles", "read_only"),
    *("restart", "secrets", "security_opt", "shm_size", "stop_grace_period", "sysctls", "tmpfs"),
    *("user", "volumes"),
}
"""Those of the Compose Specification that are used, so that a slip of the pen is seen."""


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_confined(name: str) -> None:
    told = SERVICES[name]
    assert set(told) <= KNOWN_KEYS
    assert told["read_only"] is told["init"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert str(told["user"]).partition(":")[0] not in ("", "0", "root")
    assert {"mem_limit", "pids_limit", "restart"} <= set(told)
    assert seconds(told["stop_grace_period"]) > SHUTDOWN_SECONDS
    assert not {"privileged", "network_mode", "pid", "devices"} & set(told)
    for place in told.get("volumes", ()):
        source, _, mode = str(place).partition(":")
        assert source in COMPOSE["volumes"] or mode.endswith(":ro")


def test_there_are_workers_pages_a_database_and_a_proxy() -> None:
    commands = sorted(told["command"][0] for told in PROGRAM.values() if "profiles" not in told)
    assert commands == ["bot", "bot", "web", "web"]
    known = set(getattr(get_command(app), "commands", {}))
    assert {told["command"][0] for told in PROGRAM.values()} <= known
    assert set(STAYING) - set(PROGRAM) == {"database", "proxy"}
    for name, told in PROGRAM.items():
        assert told["depends_on"]["database"]["condition"] == "service_healthy", name
    for told in SERVICES.values():
        for needed in told.get("depends_on", {}):
            assert needed in STAYING
    assert {name for name, told in STAYING.items() if told["restart"] != "unless-stopped"} == set()


def test_each_is_asked_whether_it_is_well_or_has_no_page_to_ask() -> None:
    (in_image,) = values(IMAGE, "HEALTHCHECK")
    for name, told in SERVICES.items():
        if told.get("command") == ["web"]:
            assert told["healthcheck"]["test"] == ["CMD", *in_image]
        elif name in PROGRAM:
            assert told["healthcheck"] == {"disable": True}, "it would be asked for a page"
    assert SERVICES["database"]["healthcheck"]["test"][1] == "pg_isready"


def test_only_the_proxy_can_be_reached() -> None:
    assert [name for name, told in SERVICES.items() if "ports" in told] == ["proxy"]
    assert set(SERVICES["proxy"]["networks"]) == {"front", "pages"}
    assert set(SERVICES["database"]["networks"]) == {"data"}
    assert [name for name, told in COMPOSE["networks"].items() if told.get("internal")] == [
        "data",
        "pages",
    ]
    for told in PROGRAM.values():
        assert "front" not in told["networks"]
        assert set(told["networks"]) <= set(COMPOSE["networks"])


def test_the_proxy_knows_where_the_pages_are_and_they_know_it() -> None:
    pages = [told for told in PROGRAM.values() if told["command"] == ["web"]]
    asked = re.findall(r"server ([\d.]+):(\d+)", (DEPLOY / "compose-nginx.conf").read_text())
    assert sorted(asked) == sorted(
        (told["networks"]["pages"]["ipv4_address"], told["environment"]["PORT"]) for told in pages
    )
    own = SERVICES["proxy"]["networks"]["pages"]["ipv4_address"]
    assert {told["environment"]["TRUSTED_PROXIES"] for told in pages} == {own}


def test_every_image_has_a_digest_and_every_variable_is_explained() -> None:
    head = TEXT.partition("name: rj")[0]
    used = re.findall(r"\$\{(\w+)(\S?)", TEXT)
    assert {mark for _, mark in used} == {":"}, "one that is not set is refused"
    assert {name for name, _ in used} == {"RJ_IMAGE", "POSTGRES_DIGEST", "NGINX_DIGEST"}
    assert [name for name, _ in used if name not in head] == []
    for told in SERVICES.values():
        assert re.fullmatch(r"\$\{RJ_IMAGE:\?.+\}|\w+@\$\{\w+_DIGEST:\?.+\}", told["image"])


def test_secrets_are_files_that_the_program_reads() -> None:
    assert all(kept["file"] == f"secrets/{name}" for name, kept in COMPOSE["secrets"].items())
    given: set[str] = set()
    for told in SERVICES.values():
        given |= {s if isinstance(s, str) else s["source"] for s in told.get("secrets", ())}
    assert given == set(COMPOSE["secrets"])
    for told in PROGRAM.values():
        environment = told["environment"]
        own = {f"{environment[SECRETS_FOLDER]}/{name}" for name in told["secrets"]}
        assert environment["VAULT_KEY_FILE"] in own
        read = {name for name in told["secrets"] if name in Settings.model_fields}
        assert set(told["secrets"]) - read == {"vault_key"}
        assert set(environment) - {SECRETS_FOLDER} <= {
            name.upper() for name in Settings.model_fields
        }
        assert not {name.upper() for name in read} & set(environment), "the variable would be taken"


@pytest.mark.sandbox
def test_the_proxys_files_fit_together_where_they_are_put(tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path)
    proxy = SERVICES["proxy"]
    kept = {"tls_key": key, "tls_certificate": certificate}
    readable = {one["target"]: kept[one["source"]] for one in proxy["secrets"]}
    for place in proxy["volumes"]:
        source, target, _ = place.split(":")
        readable[target] = DEPLOY / source
    ours = (DEPLOY / "nginx.conf").read_text()
    for port in ("80", "443"):
        # In its network it may listen on these; here it has no right to.
        ours = re.sub(rf"listen {port}\b", f"listen 127.0.0.1:{free_port()}", ours)
    readable["/etc/rj/nginx.conf"] = tmp_path / "nginx.conf"
    readable["/etc/rj/nginx.conf"].write_text(ours)
    log = tmp_path / "log"
    log.mkdir()
    inside = Sandbox(101, readable=readable, writable={"/var/log/nginx": log})
    (program,) = proxy["entrypoint"]
    tried = inside.run(f"/usr/sbin/{program}", "-t", *proxy["command"])
    assert tried.returncode == 0, tried.stderr


def seconds(time: str) -> float:
    """Return a time of Compose as seconds."""
    return float(time.removesuffix("s"))
