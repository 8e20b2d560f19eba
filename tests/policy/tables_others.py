"""Cases of the policies on images, registries, generators, commands and labels, and on the stack as a whole."""

from tests.engine import CONTAINER, IMAGE, NETWORK, PASSWORD, VOLUME
from tests.policy.cases import SILENT, Cases, Made, but, made, real, unknown
from tests.policy.changes import also, gone
from tests.policy.judge import UNKNOWN
from tests.policy.operators_containers import KEY
from tests.policy.operators_others import WHOLE
from tests.policy.program import PROVIDER, Resource, full

XRAY, CADDY, WRITER = real("stealth-xray"), real("stealth-caddy"), real("stealth-xray-writer")
BUILT, SEED, ENGINE = real("stealth-xray-image", IMAGE), real("xray-seed", PASSWORD), real("engine", PROVIDER)
REMOTE, REGISTRY = "docker:index/remoteImage:RemoteImage", "docker:index/registryImage:RegistryImage"
COMMAND = "command:local:Command"
DIGEST = "sha256:" + "0123456789abcdef" * 4

OTHERS = {
    "docker-image-pinned-digest": Cases(
        passing=(XRAY, WRITER, but(XRAY, "image", DIGEST)),
        failing=((made(REMOTE, name="nginx:latest"), "?"),
                 (made(REMOTE, name=f"example.com/nginx@{DIGEST}"), "?"),
                 (made(REGISTRY, name="nginx"), "?"),
                 (but(XRAY, "image", "stealth-vpn/xray:local"), "?")),
        unknown=((made(REMOTE, name=UNKNOWN), "?"),
                 (unknown(XRAY, "image"), SILENT))),
    "docker-image-build-args": Cases(
        passing=(BUILT,),
        failing=((but(BUILT, "build.args", also("ADMIN_PASSWORD", "of-a-test")), "?"),
                 (but(BUILT, "build.context", "/"), "?"),
                 (but(BUILT, "build.dockerfile", "../Dockerfile"), "?"),
                 (made(REMOTE, name=f"x@{DIGEST}",
                       build={"context": ".", "buildArgs": {"API_TOKEN": "of-a-test"}}), "?")),
        unknown=((unknown(BUILT, "build.context"), "?"),
                 (but(BUILT, "build.args", also("BUILDER_ID", UNKNOWN)), SILENT))),
    "docker-registry-verify-tls": Cases(
        passing=(ENGINE, but(ENGINE, "host", "ssh://deploy@vpn.example.com"),
                 made(REGISTRY, name=f"x@{DIGEST}", insecureSkipVerify=False)),
        failing=((but(ENGINE, "host", "tcp://192.0.2.1:2375"), "?"),
                 (but(ENGINE, "host", gone()), "?"),
                 (made(REGISTRY, name=f"x@{DIGEST}", insecureSkipVerify=True), "?")),
        unknown=((unknown(ENGINE, "host"), "?"),)),
    "docker-disallow-swarm": Cases(
        passing=(XRAY,),
        failing=((made("docker:index/service:Service"), "?"),
                 (made("docker:index/secret:Secret"), "?"),
                 (made("docker:index/serviceConfig:ServiceConfig"), "?"),
                 (made("docker:index/plugin:Plugin"), "?")),
        not_applicable="it looks at the type of a resource, which is no value"),
    "random-disallow-cleartext-generators": Cases(
        passing=(SEED,),
        failing=tuple((made(f"random:index/{name[0].lower()}{name[1:]}:{name}"), "?") for name in (
            "RandomBytes", "RandomUuid", "RandomId", "RandomString", "RandomInteger")),
        not_applicable="it looks at the type of a resource, which is no value"),
    "random-password-strength": Cases(
        passing=(SEED, but(SEED, "length", 24.0)),
        failing=((but(SEED, "length", 23.0), "?"),
                 (but(SEED, "length", gone()), "?"),
                 (but(SEED, "keepers", {"of": KEY}), "?"),
                 (but(but(but(SEED, "length", 24.0), "upper", False), "lower", False), "?")),
        unknown=((unknown(SEED, "length"), "?"),)),
    "command-disallow-secret-args": Cases(
        passing=(made(COMMAND, create="/bin/true"),),
        failing=((made(COMMAND, create=f"/bin/tool --key {KEY}"), "?"),
                 (made(COMMAND, create="/bin/tool", environment={"API_TOKEN": "of-a-test"}), "?")),
        unknown=((made(COMMAND, create=UNKNOWN), "?"),)),
    "docker-resource-label-owner": Cases(
        passing=(XRAY, WRITER, real("stealth-vpn", NETWORK), real("stealth-xray-data", VOLUME)),
        failing=((but(XRAY, "labels", gone()), "?"),
                 (but(real("stealth-vpn", NETWORK), "labels", []), "?"),
                 (but(real("stealth-xray-data", VOLUME), "labels", gone()), "?")),
        unknown=((unknown(XRAY, "labels"), "?"),
                 (unknown(XRAY, "labels.value"), SILENT))),
}


def _whole(name: str) -> Made:
    (found,) = [operator for operator in WHOLE if operator.name == name]
    return lambda: found.mutate(full())


def _with(changed: Made) -> Made:
    """The whole program with another version of one resource."""
    def replace() -> tuple[Resource, ...]:
        (new,) = changed()
        return tuple(new if item.urn == new.urn else item for item in full())

    return replace


def _minimal() -> tuple[Resource, ...]:
    kept = {"stealth-caddy", "stealth-admin", "stealth-caddy-writer", "stealth-admin-writer"}
    return tuple(item for item in full() if item.kind != CONTAINER or item.name in kept)


STACKS = {
    "stack-exactly-one-publisher": Cases(
        passing=(full, _minimal),
        failing=((_whole("no ports on caddy"), "?"),
                 (_whole("ports on admin"), "?")),
        unknown=((_with(unknown(CADDY, "ports")), "?"),)),
    "stack-network-isolation": Cases(
        passing=(full, _minimal),
        failing=((_whole("one address twice"), "?"),
                 (_with(but(real("stealth-control", NETWORK), "internal", False)), "?")),
        unknown=((_with(unknown(XRAY, "networksAdvanced")), "?"),)),
    "stack-required-components": Cases(
        passing=(full, _minimal),
        failing=((_whole("no caddy"), "?"),
                 (_whole("no admin"), "?"),
                 (_whole("a seventh daemon"), "?")),
        unknown=((_with(unknown(XRAY, "name")), "?"),)),
    "stack-net-admin-singleton": Cases(
        passing=(full, _minimal),
        failing=((_whole("a second one with NET_ADMIN"), "?"),),
        unknown=((_with(unknown(XRAY, "capabilities")), "?"),)),
    "stack-volume-sharing": Cases(
        passing=(full, _minimal),
        failing=((_with(but(XRAY, "mounts.source", "stealth-admin-rendered")), "?"),),
        unknown=((_with(unknown(XRAY, "mounts.source")), SILENT),)),
}
