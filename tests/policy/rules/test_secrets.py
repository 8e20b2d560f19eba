"""Where secrets may be, where they come from, and who must be who they say."""

from typing import Any

import pytest

from policy.resources import IMAGE, PASSWORD, PROVIDER, REGISTRY_IMAGE, REMOTE_IMAGE, VOLUME
from tests.policy.asking import UNKNOWN, ask, assert_refused

ENVIRONMENT = "docker-container-disallow-secret-env"
UPLOADS = "docker-container-upload-permissions"
PINNED = "docker-image-pinned-digest"
ARGUMENTS = "docker-image-build-args"
TLS = "docker-registry-verify-tls"
SWARM = "docker-disallow-swarm"
GENERATORS = "random-disallow-cleartext-generators"
STRENGTH = "random-password-strength"
COMMAND = "command-disallow-secret-args"
LABELS = "docker-resource-label-owner"
PROTECT = "docker-volume-protect"

KEY = "gN3c8mXzU1bO6yQ0pK2vRt7sWfEaHjLdTiYuZxVnCqM="
ID = f"sha256:{'0a' * 32}"
FILE = {"file": "/etc/stealth/c.json", "permissions": "0400", "owner": "10002", "group": "10002", "content": UNKNOWN}
JOB = {"name": "stealth-xray-writer", "user": "10002:10002",
       "mounts": [{"type": "volume", "source": UNKNOWN, "target": "/etc/stealth"}]}
BUILD = {"build": {"context": "images/xray", "dockerfile": "images/xray/Dockerfile", "args": {"BUILDER_ID": ID}},
         "skipPush": True}
LOCAL, REMOTE = "command:local:Command", "command:remote:Command"


def uploads(**changes: Any) -> dict[str, Any]:
    return JOB | {"uploads": [FILE | changes]}


def build(**changes: Any) -> dict[str, Any]:
    return BUILD | {"build": {"context": "images/xray", "dockerfile": "images/xray/Dockerfile"} | changes}


def label(name: str, value: str) -> dict[str, Any]:
    return {"labels": [{"label": name, "value": value}]}


@pytest.mark.parametrize("props", [
    {"envs": ["TZ=Europe/Berlin", "PASSWORD_FILE=/etc/stealth/p", "EMPTY_TOKEN="]},
    {"command": ["-listen", ":443", "-key-file", "/etc/stealth/ca.key", "--", "/usr/local/bin/caddy", "run"]},
    {"command": ["/data/caddy/certificates/acme-v02.api.letsencrypt.org-directory", "--server-name", "a.example.com"]},
    {"name": "stealth-site-writer", "uploads": [{"file": f"/site/{'0a' * 16}.js", "source": f"web/{'0a' * 16}.js"}]},
    {"image": f"sha256:{'0a' * 32}"}, {"uploads": [FILE | {"content": KEY, "sourceHash": "0a" * 32}]},
    label("org.stealth-vpn.config-sha256", UNKNOWN), label("org.stealth-vpn.config-sha256", "0a" * 32),
])
def test_names_places_and_hashes_are_no_secrets(props: dict[str, Any]) -> None:
    assert ask(ENVIRONMENT, props) == []


@pytest.mark.parametrize(("props", "fault"), [
    ({"envs": ["PANEL_PASSWORD=hunter2"]}, "a value to PANEL_PASSWORD"), ({"envs": ["apiKey=1"]}, "a value to apiKey"),
    ({"envs": [f"X={KEY}"]}, "gives X what looks like a random key"), ({"envs": [UNKNOWN]}, "envs[0] is not known"),
    ({"command": ["--token", "abc"]}, "command gives a value to token"),
    ({"command": ["-c", "exec x --secret=1"]}, "command gives a value to secret"),
    ({"entrypoints": ["x", "postgresql://u:p@host/n"]}, "entrypoints[1] looks like an address with a password"),
    ({"healthcheck": {"tests": ["CMD", "0b0c3b1a-9f5e-4c7e-8f57-3a1d2c4b5e6f"]}}, "tests[1] looks like a UUID"),
    (label("x", "-----BEGIN EC PRIVATE KEY-----"), "label x looks like a PEM"), (label("y", UNKNOWN), "label y is not"),
    (label("y", "9f" * 16), "a hexadecimal key"),
])
def test_a_secret_that_anybody_reads_who_inspects_is_refused_without_its_value(
    props: dict[str, Any], fault: str,
) -> None:
    assert_refused(ENVIRONMENT, props, fault)
    (sentence,) = ask(ENVIRONMENT, props)
    assert not any(value in sentence for value in (KEY, "hunter2", "abc", "u:p", "0b0c3b1a"))


@pytest.mark.parametrize(("policy", "props", "kind"), [
    (UPLOADS, uploads(), ""), (UPLOADS, {}, ""), (PINNED, {"image": ID}, ""), (PINNED, {"image": UNKNOWN}, ""),
    (ARGUMENTS, BUILD, IMAGE),
    (ARGUMENTS, BUILD | {"registry": {}}, IMAGE),
    (ARGUMENTS, build(args={"BUILDER_ID": UNKNOWN}), IMAGE),
    (TLS, {"host": "unix:///var/run/docker.sock"}, PROVIDER), (TLS, {"host": "ssh://a@b"}, PROVIDER),
    (TLS, {}, REGISTRY_IMAGE), (SWARM, {}, VOLUME), (GENERATORS, {}, PASSWORD),
    (COMMAND, {"create": "cat", "stdin": UNKNOWN, "logging": "none"}, LOCAL),
    (COMMAND, {"create": "ls", "connection": {"hostKey": "ssh-ed25519"}}, REMOTE),
    (PROTECT, {"name": "stealth-xray-rendered"}, VOLUME), (PROTECT, {"name": "stealth-site-0123456789ab"}, VOLUME),
    (LABELS, {"labels": [{"label": f"org.stealth-vpn.{name}"} for name in ("project", "stack", "component")]}, VOLUME),
])
def test_what_the_program_makes_passes(policy: str, props: dict[str, Any], kind: str) -> None:
    assert (ask(policy, props, kind) if kind else ask(policy, props)) == []


@pytest.mark.parametrize(("policy", "props", "fault", "kind"), [
    (UPLOADS, uploads() | {"name": "stealth-xray"}, "files of its own", ""),
    (UPLOADS, uploads(permissions="0444"), "other permissions than 0400", ""),
    (UPLOADS, uploads(permissions=UNKNOWN), "uploads[0].permissions is not known", ""),
    (UPLOADS, uploads(owner="0"), "belongs to somebody else", ""),
    (UPLOADS, uploads(executable=True), "can be run", ""),
    (UPLOADS, uploads(file="/etc/stealth/../passwd"), "in no volume", ""),
    (UPLOADS, uploads(source="../../etc/passwd"), "from outside the project", ""),
    (PINNED, {"image": "caddy:latest"}, "image is caddy:latest", ""), (PINNED, {}, "image is empty", ""),
    (PINNED, {"image": f"ghcr.io/x/y@{ID}"}, "comes from ghcr.io", ""),
    (PINNED, {"image": f"stealth-vpn/xray@{ID}"}, "comes from docker.io", ""),
    (PINNED, {"name": f"caddy@{ID}"}, "comes from docker.io", REMOTE_IMAGE),
    (ARGUMENTS, build(args={"NPM_TOKEN": "x"}), "build argument NPM_TOKEN would", IMAGE),
    (ARGUMENTS, build(args={"A": KEY}), "build argument A looks like", IMAGE),
    (ARGUMENTS, build(context="../x"), "context lies outside", IMAGE),
    (ARGUMENTS, BUILD | {"skipPush": False}, "would be pushed", IMAGE),
    (ARGUMENTS, BUILD | {"registry": {"server": "ghcr.io"}}, "names a registry", IMAGE),
    (ARGUMENTS, BUILD | {"registry": {"password": UNKNOWN}}, "registry.password is not", IMAGE),
    (TLS, {"host": "tcp://1.2.3.4:2375"}, "neither unix:// nor ssh://", PROVIDER),
    (TLS, {}, "host is neither", PROVIDER),
    (TLS, {"host": "ssh://a@b", "sshOpts": '["-o", "StrictHostKeyChecking=no"]'}, "sshOpts may take", PROVIDER),
    (TLS, {"insecureSkipVerify": True}, "any certificate", REGISTRY_IMAGE),
    (SWARM, {}, "Service is none of", "docker:index/service:Service"),
    (GENERATORS, {}, "RandomBytes writes its value", "random:index/randomBytes:RandomBytes"),
    (COMMAND, {"create": "x --password=1"}, "create gives a value to password", LOCAL),
    (COMMAND, {"create": "x", "stdin": "y"}, "is logged", LOCAL),
    (COMMAND, {"create": UNKNOWN}, "create is not", LOCAL),
    (COMMAND, {"environment": {"API_TOKEN": "x"}}, "environment gives", LOCAL),
    (COMMAND, {"create": "ls"}, "any server", REMOTE),
    (COMMAND, {}, "code of its own", "pulumi-python:dynamic:Resource"),
    (PROTECT, {"name": "stealth-xray-data"}, "a destroy takes it", VOLUME), (PROTECT, {}, "a destroy", VOLUME),
    (LABELS, {"labels": [{"label": f"org.stealth-vpn.{name}"} for name in ("project", "stack")]}, "component", VOLUME),
])
def test_what_would_betray_a_secret_is_refused(policy: str, props: dict[str, Any], fault: str, kind: str) -> None:
    assert_refused(policy, props, fault, *([kind] if kind else []))


@pytest.mark.parametrize(("props", "fault"), [
    ({"length": 48.0, "special": False}, ""), ({"length": 16.0}, "16 characters"),
    ({"length": 24.0, "special": False, "upper": False, "lower": False}, "24 characters and 80 bits"),
    ({"length": UNKNOWN}, "length is not known"), ({"length": 48.0, "keepers": {"a": "b"}}, "keepers"),
])
def test_a_password_is_long_and_made_once(props: dict[str, Any], fault: str) -> None:
    sentences = ask(STRENGTH, props, PASSWORD, protect=True)
    assert len(sentences) == bool(fault)
    assert all(fault in sentence for sentence in sentences)
    assert "a destroy takes it away" in ask(STRENGTH, {"length": 48.0}, PASSWORD)[0]
