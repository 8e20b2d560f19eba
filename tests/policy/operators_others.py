"""Every mutation of what is no container, and of the stack as a whole."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.engine import CONTAINER
from tests.policy.changes import Change, Operator, also, gone, plus, to
from tests.policy.operators_containers import DAEMONS, KEY
from tests.policy.program import Resource

DATA_VOLUMES = frozenset(f"{name}-data" for name in DAEMONS) | {"stealth-caddy-config"}
VOLUMES = DATA_VOLUMES | frozenset(f"{name}-rendered" for name in DAEMONS)
NETWORKS, CONTROL = frozenset({"stealth-vpn", "stealth-control"}), frozenset({"stealth-control"})
IMAGES = frozenset({"stealth-builder-image"}) | frozenset(f"{name}-image" for name in DAEMONS)
SEEDS = frozenset(f"{name}-seed" for name in ("panel", "xray", "trojan", "singbox", "wireguard", "authority"))
PASSWORDS = SEEDS | {"panel-password"}


def _each(policy: str, path: str, *changes: Change, on: frozenset[str]) -> tuple[Operator, ...]:
    return tuple(Operator(policy=policy, path=path, change=change, on=on) for change in changes)


NETWORK = (
    *_each("docker-network-configure-subnet", "driver", gone(), to("macvlan"), to("host"), to("overlay"), on=NETWORKS),
    *_each("docker-network-configure-subnet", "ipamConfigs", gone(), to([]), on=NETWORKS),
    *_each("docker-network-configure-subnet", "ipamConfigs.subnet",
           gone(), to("0.0.0.0/0"), to("8.8.8.0/24"), on=NETWORKS),
    *_each("docker-network-configure-subnet", "attachable", to(True), on=NETWORKS),
    *_each("docker-network-configure-subnet", "ingress", to(True), on=NETWORKS),
    *_each("docker-network-configure-subnet", "options", *(
        to({f"com.docker.network.bridge.{key}": value}) for key, value in (
            ("host_binding_ipv4", "0.0.0.0"), ("gateway_mode_ipv4", "nat-unprotected"),  # noqa: S104 - the fault
            ("enable_ip_masquerade", "false"))), on=NETWORKS),
    *_each("docker-network-configure-subnet", "internal", gone(), to(False), on=CONTROL),
)

VOLUME = (
    *_each("docker-volume-protect", "protect", to(False), on=DATA_VOLUMES),
    *_each("docker-container-disallow-host-mounts", "driverOpts",
           to({"type": "none", "o": "bind", "device": "/etc"}), on=VOLUMES),
    *_each("docker-container-disallow-host-mounts", "driver", to("nfs"), on=VOLUMES),
)

IMAGE = (
    *_each("docker-image-build-args", "build.args", also("ADMIN_PASSWORD", "hunter2hunter2"),
           also("API_TOKEN", "abcdefgh"), also("PEER", KEY), also("OS_IMAGE", "evil.example/os:latest"), on=IMAGES),
    *_each("docker-image-build-args", "build.context", to("/"), to("../elsewhere"), to("images/../../x"),
           to("https://github.com/evil/x.git"), to("github.com/evil/x"), on=IMAGES),
    *_each("docker-image-build-args", "build.dockerfile", to("/etc/Dockerfile"), to("../Dockerfile"), on=IMAGES),
    *_each("docker-image-build-args", "build.network", to("host"), on=IMAGES),
)

RANDOM = (
    *_each("random-password-strength", "length", gone(), to(8.0), to(23.0), on=PASSWORDS),
    *_each("random-password-strength", "minNumeric", to(24.0), on=PASSWORDS),
    *_each("random-password-strength", "keepers", to({"of": KEY}), on=PASSWORDS),
)

PROVIDER = (
    *_each("docker-registry-verify-tls", "host",
           to("tcp://192.0.2.1:2375"), to("http://192.0.2.1"), gone(), on=frozenset({"engine"})),
    *_each("docker-registry-verify-tls", "sshOpts", to("[]"), to('["-o", "StrictHostKeyChecking=no"]'),
           to('["-F", "/srv/ssh-config"]'), on=frozenset({"engine"})),
)

OPERATORS = (*NETWORK, *VOLUME, *IMAGE, *RANDOM, *PROVIDER)

Mutation = Callable[[tuple[Resource, ...]], tuple[Resource, ...]]


@dataclass(frozen=True)
class WholeOperator:
    """One mutation of the whole program: a resource more, less, or of another kind."""

    policy: str
    name: str
    mutate: Mutation


def _without(name: str) -> Mutation:
    return lambda whole: tuple(item for item in whole if (item.kind, item.name) != (CONTAINER, name))


def _changed(name: str, change: Callable[[Resource], Resource]) -> Mutation:
    return lambda whole: tuple(
        change(item) if (item.kind, item.name) == (CONTAINER, name) else item for item in whole)


def _twin(whole: tuple[Resource, ...]) -> tuple[Resource, ...]:
    """A seventh daemon beside the six."""
    (pattern,) = [item for item in whole if (item.kind, item.name) == (CONTAINER, "stealth-xray")]
    values = pattern.outputs | {"name": "stealth-other"}
    return (*whole, replace(pattern, name="stealth-other", inputs=values, outputs=values, urn=f"{pattern.urn}-other"))


def _of_kind(kind: str, **inputs: object) -> Mutation:
    return lambda whole: (*whole, Resource(
        kind=kind, name="added", urn=f"urn:pulumi:test::stealth-vpn::{kind}::added", inputs=inputs, outputs=inputs))


def _put(path: str, change: Change) -> Callable[[Resource], Resource]:
    return Operator(policy="", path=path, change=change, on=frozenset()).mutate


_PORT = {"internal": 443.0, "external": 8443.0, "ip": "0.0.0.0", "protocol": "tcp"}  # noqa: S104 - the fault
WHOLE = (
    *(WholeOperator("stack-required-components", f"no {name}", _without(f"stealth-{name}"))
      for name in ("caddy", "admin")),
    WholeOperator("stack-required-components", "a seventh daemon", _twin),
    WholeOperator("stack-exactly-one-publisher", "no ports on caddy", _changed(
        "stealth-caddy", _put("ports", to([])))),
    WholeOperator("stack-exactly-one-publisher", "ports on admin", _changed(
        "stealth-admin", _put("ports", to([_PORT])))),
    WholeOperator("stack-network-isolation", "one address twice", _changed(
        "stealth-xray", _put("networksAdvanced.ipv4Address", to("172.20.0.15")))),
    WholeOperator("stack-network-isolation", "an address of another network", _changed(
        "stealth-xray", _put("networksAdvanced.ipv4Address", to("10.1.2.3")))),
    WholeOperator("stack-net-admin-singleton", "a second one with NET_ADMIN", _changed(
        "stealth-xray", _put("capabilities.adds", plus("CAP_NET_ADMIN")))),
    *(WholeOperator("stack-built-images", f"another image for {name}", _changed(
        f"stealth-{name}", _put("image", to(f"sha256:{'0' * 64}"))))
      for service in ("admin", "caddy", "singbox", "trojan", "wireguard", "xray")
      for name in (service, f"{service}-writer")),
    *(WholeOperator("docker-disallow-swarm", f"a {kind}", _of_kind(f"docker:index/{kind[0].lower()}{kind[1:]}:{kind}"))
      for kind in ("Service", "Secret", "ServiceConfig", "Plugin")),
    *(WholeOperator("random-disallow-cleartext-generators", f"a {kind}", _of_kind(
        f"random:index/{kind[0].lower()}{kind[1:]}:{kind}")) for kind in (
        "RandomBytes", "RandomUuid", "RandomId", "RandomString", "RandomInteger")),
    *(WholeOperator("docker-image-pinned-digest", f"a {kind} of a tag", _of_kind(
        f"docker:index/{kind[0].lower()}{kind[1:]}:{kind}", name="nginx:latest")) for kind in (
        "RemoteImage", "RegistryImage")),
    *(WholeOperator("resource-disallow-unknown-types", f"a {kind}", _of_kind(kind)) for kind in (
        "command:remote:Command", "docker-build:index:Image", "kubernetes:core/v1:Pod", "local:index/file:File")),
    WholeOperator("command-own-programs-only", "a command of anybody's", _of_kind(
        "command:local:Command", create="docker run -d --privileged -v /:/host alpine")),
    WholeOperator("command-own-programs-only", "a script of anybody's", _of_kind(
        "command:local:Command", create="exec .venv/bin/python -m ops.onhost unix:///var/run/docker.sock",
        stdin="id\n")),
    WholeOperator("stack-commands-own-hosts", "a command for another machine", _of_kind(
        "command:local:Command", create="exec .venv/bin/python -m ops.onhost ssh://root@elsewhere.example.com")),
    WholeOperator("command-disallow-secret-args", "a secret in a command's arguments", _of_kind(
        "command:local:Command", create=f"/bin/tool --key {KEY}")),
)
