"""compose.yaml says what docs/how-to/deploy.md promises; `make check` holds it against the schema."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from taskflow_hub import settings

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = YAML(typ="safe").load(ROOT / "compose.yaml")
SERVICES: Final[dict[str, Any]] = COMPOSE["services"]
MINIMAL: Final = {name for name, service in SERVICES.items() if "profiles" not in service}


def megabytes(service: str) -> int:
    return int(SERVICES[service]["mem_limit"].removesuffix("m"))


def test_what_runs_without_a_profile_needs_at_most_750_megabytes() -> None:
    assert {"proxy", "migrate", "api", "worker", "redis"} == MINIMAL
    assert sum(map(megabytes, MINIMAL - {"migrate"})) <= 750  # which has ended when the api begins
    assert megabytes("migrate") <= megabytes("api")


@pytest.mark.parametrize("name", list(SERVICES))
def test_each_service_is_bounded_and_published_on_loopback_only(name: str) -> None:
    service = SERVICES[name]
    assert service["mem_limit"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["restart"] in {"unless-stopped", "on-failure"}
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert re.search(r":\$\{TASKFLOW_TAG|:v?\d+\.\d+", service["image"]), "pinned by version"


def test_every_variable_of_the_hub_is_a_setting() -> None:
    known = {settings.variable(name) for name in settings.names()}
    said = {variable for service in SERVICES.values() for variable in service.get("environment", ())}
    assert {variable for variable in said if variable.startswith("TASKFLOW_")} <= known


def test_the_api_begins_when_the_database_has_been_migrated_once() -> None:
    waits = SERVICES["api"]["depends_on"]
    assert waits["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {
        "condition": "service_healthy",
        "required": False,
    }
    assert SERVICES["migrate"]["command"] == ["db", "migrate"]
    assert SERVICES["proxy"]["depends_on"]["api"]["condition"] == "service_healthy"


def test_redis_keeps_what_it_has_and_throws_nothing_away() -> None:
    said = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in said
    assert "--maxmemory-policy noeviction" in said


def mounts(service: str) -> Iterator[tuple[str, str]]:
    """What of this machine is mounted where, as it is without .env."""
    for mount in SERVICES[service].get("volumes", ()):
        source, target, *_ = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", mount).split(":")
        if source not in COMPOSE["volumes"]:
            yield source, target


def test_what_is_mounted_exists() -> None:
    found = [source for name in SERVICES for source, _ in mounts(name)]
    assert len(found) >= 5
    assert [source for source in found if not (ROOT / source).exists()] == []


def test_prometheus_finds_its_rules_and_its_key_where_they_are_mounted() -> None:
    where = {target: source for source, target in mounts("prometheus")}
    config = YAML(typ="safe").load(ROOT / where["/etc/prometheus"] / "prometheus.yml")
    for rules in config["rule_files"]:
        assert (ROOT / where["/etc/prometheus"] / rules).is_file()
    api, worker = config["scrape_configs"]
    assert api["authorization"]["credentials_file"] in where
    assert "authorization" not in worker  # it would be told to whoever answers there
    ports = {job["dns_sd_configs"][0]["names"][0]: job["dns_sd_configs"][0]["port"] for job in (api, worker)}
    assert ports.keys() <= SERVICES.keys()
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    assert f"TASKFLOW_WORKER_HEALTH_PORT={ports['worker']}\n" in image
    assert "TASKFLOW_WORKER_HEALTH_HOST=0.0.0.0 " in image


def test_only_the_proxy_is_believed() -> None:
    address = SERVICES["proxy"]["networks"]["default"]["ipv4_address"]
    assert SERVICES["api"]["environment"]["TASKFLOW_HTTP_TRUSTED_PROXIES"] == address
