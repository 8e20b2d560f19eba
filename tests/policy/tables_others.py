"""Cases of the policies on images, registries, generators, commands and labels, and on the stack as a whole."""

import json

from components import ssh
from tests.engine import CONTAINER, IMAGE, NETWORK, PASSWORD, VOLUME
from tests.policy.cases import SILENT, Cases, Made, but, made, real, unknown
from tests.policy.changes import also, gone
from tests.policy.judge import UNKNOWN, changed
from tests.policy.operators_containers import KEY
from tests.policy.operators_others import WHOLE
from tests.policy.program import CONFIGURATIONS, PROVIDER, Resource, full, run

XRAY, CADDY, WRITER = real("stealth-xray"), real("stealth-caddy"), real("stealth-xray-writer")
BUILT, SEED, ENGINE = real("stealth-xray-image", IMAGE), real("xray-seed", PASSWORD), real("engine", PROVIDER)
REMOTE, REGISTRY = "docker:index/remoteImage:RemoteImage", "docker:index/registryImage:RegistryImage"
COMMAND = "command:local:Command"
ON_HOST = "exec .venv/bin/python -m ops.onhost ssh://deploy@vpn.example.com:2222"


def by_ssh(name: str, **changes: object) -> Made:
    """Return a command of the program for another machine."""
    return lambda: tuple(item for item in run({**CONFIGURATIONS["by ssh"], **changes})
                         if (item.kind, item.name) == (COMMAND, name))


def all_by_ssh() -> tuple[Resource, ...]:
    """Return all of the program for another machine."""
    return run(CONFIGURATIONS["by ssh"])


SETUP, CARRIAGE, BASE = by_ssh("stealth-host"), by_ssh("stealth-carriage"), by_ssh("stealth-base", buildOn="host")
OTHER_TYPES: tuple[tuple[str, dict[str, object]], ...] = (
    ("command:remote:Command", {"create": "docker run -d --privileged --network host -v /:/host alpine"}),
    ("docker-build:index:Image", {"push": True, "context": {"location": "/"}, "network": "host"}),
    ("docker-build:index:Index", {}), ("docker-compose:index:Stack", {}), ("docker:index:Container", {}), (REMOTE, {}),
    (REGISTRY, {}), ("kubernetes:core/v1:Pod", {}), ("local:index/file:File", {}),
    ("pulumi-python:dynamic:Resource", {}), ("tls:index/privateKey:PrivateKey", {}),
    ("pulumi:pulumi:StackReference", {}), ("stealth-vpnx:docker:Service", {}),
)
UNKNOWN_PROPERTIES: tuple[tuple[str, str, object], ...] = (
    ("networksAdvanced.driverOpts", "networksAdvanced.driverOpts",
     ["com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.route_localnet=1"]),
    ("networksAdvanced.aliases", "networksAdvanced.aliases", ["stealth-admin", "admin"]),
    ("networksAdvanced.gwPriority", "networksAdvanced.gwPriority", 0.0),
    ("mounts.tmpfsOptions", "mounts.tmpfsOptions", {"mode": 511.0}),
    ("volumes", "volumes.selinuxRelabel", [{"volumeName": "x", "selinuxRelabel": "Z"}]),
    ("dns", "dns", ["192.0.2.1"]), ("hosts", "hosts", [{"host": "admin", "ip": "192.0.2.1"}]),
    ("shmSize", "shmSize", 4096.0), ("storageOpts", "storageOpts", {"size": "120G"}),
    ("stopSignal", "stopSignal", "SIGKILL"), ("workingDir", "workingDir", "/tmp"),  # noqa: S108 - inside
    ("entrypoints", "entrypoints", ["/usr/sbin/sshd", "-D"]), ("of-tomorrow", "of-tomorrow", False),
)
DIGEST = "sha256:" + "0123456789abcdef" * 4

OTHERS = {
    "docker-image-pinned-digest": Cases(
        passing=(XRAY, WRITER, but(XRAY, "image", DIGEST)),
        failing=((made(REMOTE, name="nginx:latest"),
                  "added: its name is nginx:latest, which may be another image tomorrow"),
                 (made(REMOTE, name=f"example.com/nginx@{DIGEST}"),
                  "added: its image comes from example.com, and no registry is involved here"),
                 (made(REGISTRY, name="nginx"),
                  "added: its name is nginx, which may be another image tomorrow"),
                 (made(REMOTE, name=f"stealth-vpn/x@{DIGEST}"),
                  f"vpn/x@{DIGEST}: its image comes from docker.io, and no registry is involved here"),
                 (but(XRAY, "image", f"stealth-vpn/xray@{DIGEST}"),
                  "xray: its image comes from docker.io, and no registry is involved here"),
                 (but(XRAY, "image", "stealth-vpn/xray:local"),
                  "xray: its image is stealth-vpn/xray:local, which may be another image tomorrow")),
        unknown=((made(REMOTE, name=UNKNOWN),
                  "added: name is not known before the deploy; write it as a constant"),
                 (unknown(XRAY, "image"), SILENT))),
    "docker-image-build-args": Cases(
        passing=(BUILT, made(REMOTE, name="nginx")),
        failing=((but(BUILT, "build.args", also("ADMIN_PASSWORD", "of-a-test")),
                  "stealth-xray-image: the build argument ADMIN_PASSWORD would be readable in the image"),
                 (but(BUILT, "build.args", also("DSN", "host=db password=of-a-test")),
                  "stealth-xray-image: the build argument DSN gives a value to password"),
                 (but(BUILT, "build.args", also("OS_IMAGE", "evil.example/os:latest")),
                  "stealth-xray-image: the build argument OS_IMAGE brings what this project has not made"),
                 (but(BUILT, "build.args", also("EXTRA", "1")),
                  "stealth-xray-image: the build argument EXTRA is none that the Dockerfiles take"),
                 *((but(BUILT, "build.context", context),
                    "stealth-xray-image: its context is none of the images' folders") for context in (
                     "https://github.com/evil/x.git", "git@github.com:evil/x", "github.com/evil/x", ".")),
                 (but(BUILT, "build.dockerfile", "docs/Dockerfile"),
                  "stealth-xray-image: its dockerfile is none of the images' folders"),
                 (but(BUILT, "build.context", "/"),
                  "stealth-xray-image: its context lies outside the project"),
                 (but(BUILT, "build.dockerfile", "../Dockerfile"),
                  "stealth-xray-image: its dockerfile lies outside the project"),
                 (made(REMOTE, name=f"x@{DIGEST}",
                       build={"context": ".", "buildArgs": {"API_TOKEN": "of-a-test"}}),
                  "added: the build argument API_TOKEN would be readable in the image")),
        unknown=((but(BUILT, "build.args", also("OS_IMAGE", UNKNOWN)),
                  "stealth-xray-image: the build argument OS_IMAGE is not known before the deploy; write it as a "
                  "constant"),
                 (unknown(BUILT, "build.context"),
                  "stealth-xray-image: build.context is not known before the deploy; write it as a constant"),
                 (but(BUILT, "build.args", also("BUILDER_ID", UNKNOWN)), SILENT))),
    "docker-registry-verify-tls": Cases(
        passing=(ENGINE, but(ENGINE, "host", "ssh://deploy@vpn.example.com"),
                 but(ENGINE, "sshOpts", json.dumps(ssh.words())),
                 made(REGISTRY, name=f"x@{DIGEST}", insecureSkipVerify=False)),
        failing=((but(ENGINE, "host", "tcp://192.0.2.1:2375"),
                  "engine: its host is neither unix:// nor ssh://"),
                 (but(ENGINE, "host", gone()),
                  "engine: its host is neither unix:// nor ssh://"),
                 *((but(ENGINE, "sshOpts", json.dumps(options)),
                    "engine: sshOpts may take checks away that nobody sees") for options in (
                        [], ["-o", "BatchMode=yes"], [*ssh.words(), "-v"],
                        ["-o", "StrictHostKeyChecking=no", *ssh.words()],
                        [*ssh.words(), "-o", "ProxyCommand=nc 192.0.2.1 22"])),
                 (but(ENGINE, "sshOpts", ssh.words()),
                  "engine: sshOpts is no text"),
                 (made(REGISTRY, name=f"x@{DIGEST}", insecureSkipVerify=True),
                  "added: it takes any certificate for the registry's")),
        unknown=((unknown(ENGINE, "host"),
                  "engine: host is not known before the deploy; write it as a constant"),)),
    "docker-disallow-swarm": Cases(
        passing=(XRAY,),
        failing=((made("docker:index/service:Service"),
                  "added: Service is none of the types that this server is made of"),
                 (made("docker:index/secret:Secret"),
                  "added: Secret is none of the types that this server is made of"),
                 (made("docker:index/serviceConfig:ServiceConfig"),
                  "added: ServiceConfig is none of the types that this server is made of"),
                 (made("docker:index/plugin:Plugin"),
                  "added: Plugin is none of the types that this server is made of")),
        not_applicable="it looks at the type of a resource, which is no value"),
    "random-disallow-cleartext-generators": Cases(
        passing=(SEED,),
        failing=((made("random:index/randomBytes:RandomBytes"),
                  "added: RandomBytes writes its value into the state in clear, as its id"),
                 (made("random:index/randomUuid:RandomUuid"),
                  "added: RandomUuid writes its value into the state in clear, as its id"),
                 (made("random:index/randomId:RandomId"),
                  "added: RandomId writes its value into the state in clear, as its id"),
                 (made("random:index/randomString:RandomString"),
                  "added: RandomString writes its value into the state in clear, as its id"),
                 (made("random:index/randomInteger:RandomInteger"),
                  "added: RandomInteger writes its value into the state in clear, as its id")),
        not_applicable="it looks at the type of a resource, which is no value"),
    "random-password-strength": Cases(
        passing=(SEED, but(SEED, "length", 24.0), but(SEED, "minNumeric", 0.0)),
        failing=((but(SEED, "length", 23.0),
                  "xray-seed: it has 23 characters and 137 bits"),
                 (but(but(SEED, "length", 24.0), "minNumeric", 24.0),
                  "xray-seed: minNumeric says which characters it has, which leaves fewer bits than its length"),
                 (but(SEED, "length", gone()),
                  "xray-seed: it has 0 characters and 0 bits"),
                 (but(SEED, "keepers", {"of": KEY}),
                  "xray-seed: it has keepers, which stand in the state in clear and make it anew when they change"),
                 (but(but(but(SEED, "length", 24.0), "upper", False), "lower", False),
                  "xray-seed: it has 24 characters and 80 bits")),
        unknown=((unknown(SEED, "length"),
                  "xray-seed: length is not known before the deploy; write it as a constant"),)),
    "command-disallow-secret-args": Cases(
        passing=(made(COMMAND, create="/bin/true"),),
        failing=((made(COMMAND, create=f"/bin/tool --key {KEY}"),
                  "added: create gives a value to key"),
                 (made(COMMAND, create="/bin/tool", environment={"DSN": "password=of-a-test"}),
                  "added: environment.DSN gives a value to password"),
                 (made(COMMAND, create="/bin/tool", interpreter=["/bin/sh", "-c", "x --token of-a-test"]),
                  "added: interpreter[2] gives a value to token"),
                 (made(COMMAND, create="/bin/tool", triggers=[KEY]),
                  "added: triggers[0] holds what looks like a random key"),
                 (made(COMMAND, create="/bin/tool", environment={"API_TOKEN": "of-a-test"}),
                  "added: environment gives a value to API_TOKEN")),
        unknown=((made(COMMAND, create=UNKNOWN),
                  "added: create is not known before the deploy; write it as a constant"),)),
    "command-own-programs-only": Cases(
        passing=(SETUP, CARRIAGE, BASE),
        failing=((made(COMMAND, create="docker run -d --privileged --network host -v /:/host alpine"),
                  "added: it runs what is no program of this project for hosts"),
                 (made("command:remote:Command", create=ON_HOST, stdin=""),
                  "added: it runs what is no program of this project for hosts"),
                 (but(SETUP, "create", f"{ON_HOST}; id"),
                  "stealth-host: it runs what is no program of this project for hosts"),
                 (but(SETUP, "create", f"{ON_HOST} $(id)"),
                  "stealth-host: it runs what is no program of this project for hosts"),
                 (but(SETUP, "stdin", "id\n"),
                  "stealth-host: nobody has told this pack of the script that it runs"),
                 (but(SETUP, "stdin", gone()),
                  "stealth-host: nobody has told this pack of the script that it runs"),
                 (but(CARRIAGE, "stdin", f"evil.example/xray:local {DIGEST}\n"),
                  "stealth-carriage: it carries other things than this project's images"),
                 (but(CARRIAGE, "stdin", "stealth-vpn/xray:local --all\n"),
                  "stealth-carriage: it carries other things than this project's images")),
        unknown=((unknown(CARRIAGE, "stdin"), SILENT),
                 (unknown(SETUP, "stdin"),
                  "stealth-host: its script is not known before the deploy; write it as a constant"),
                 (unknown(SETUP, "create"),
                  "stealth-host: create is not known before the deploy; write it as a constant"))),
    "resource-disallow-unknown-types": Cases(
        passing=(XRAY, WRITER, BUILT, SEED, ENGINE, real("stealth-vpn", NETWORK), real("stealth-xray-data", VOLUME),
                 made("pulumi:pulumi:Stack"), made("pulumi:providers:random"),
                 made("pulumi:providers:command"), SETUP, made("stealth-vpn:docker:Service")),
        failing=tuple((made(kind, **inputs), f"added: no policy looks at resources of the type {kind}, "
                                             "which may start what it likes") for kind, inputs in OTHER_TYPES),
        not_applicable="it looks at the type of a resource, which is no value"),
    "resource-disallow-unknown-properties": Cases(
        passing=(XRAY, WRITER, CADDY, BUILT, SEED, ENGINE, real("stealth-vpn", NETWORK),
                 real("stealth-xray-data", VOLUME), but(XRAY, "dns", []), but(XRAY, "domainname", ""),
                 but(XRAY, "storageOpts", {}), but(XRAY, "__defaults", ["mustRun"])),
        failing=(*((but(XRAY, path, value), f"xray: {said} is a property that no policy looks at")
                   for path, said, value in UNKNOWN_PROPERTIES),
                 *((but(SETUP, name, value), f"stealth-host: {name} is a property that no policy looks at")
                   for name, value in (("delete", "rm -rf /"), ("environment", {"LD_PRELOAD": "x.so"}),
                                       ("interpreter", ["/bin/evil"]), ("dir", "/tmp"))),  # noqa: S108 - a fault
                 (but(BUILT, "build.cacheFrom", {"images": ["example.com/evil"]}),
                  "stealth-xray-image: build.cacheFrom is a property that no policy looks at"),
                 (but(BUILT, "build.addHosts", ["example.com:192.0.2.1"]),
                  "stealth-xray-image: build.addHosts is a property that no policy looks at"),
                 (but(real("stealth-xray-data", VOLUME), "cluster", {"type": "mount"}),
                  "xray-data: cluster is a property that no policy looks at"),
                 (but(real("stealth-vpn", NETWORK), "ipamConfigs.auxAddress", {"a": "192.0.2.1"}),
                  "vpn: ipamConfigs.auxAddress is a property that no policy looks at"),
                 (but(ENGINE, "certPath", "/srv/certificates"),
                  "engine: certPath is a property that no policy looks at")),
        unknown=((unknown(XRAY, "dns"), "xray: dns is a property that no policy looks at"),
                 (unknown(XRAY, "image"), SILENT))),
    "docker-resource-label-owner": Cases(
        passing=(XRAY, WRITER, real("stealth-vpn", NETWORK), real("stealth-xray-data", VOLUME)),
        failing=((but(XRAY, "labels", gone()),
                  "xray: it has no label org.stealth-vpn.project"),
                 (but(real("stealth-vpn", NETWORK), "labels", []),
                  "vpn: it has no label org.stealth-vpn.project"),
                 (but(real("stealth-xray-data", VOLUME), "labels", gone()),
                  "xray-data: it has no label org.stealth-vpn.project")),
        unknown=((unknown(XRAY, "labels"),
                  "xray: labels is not known before the deploy; write it as a constant"),
                 (unknown(XRAY, "labels.value"), SILENT))),
}


def _whole(name: str) -> Made:
    (found,) = [operator for operator in WHOLE if operator.name == name]
    return lambda: found.mutate(full())


def _with(*changed: Made) -> Made:
    """The whole program with another version of some resources."""
    def replace() -> tuple[Resource, ...]:
        new = {item.urn: item for made_anew in changed for item in made_anew()}
        return tuple(new.get(item.urn, item) for item in full())

    return replace


def _minimal() -> tuple[Resource, ...]:
    kept = {"stealth-caddy", "stealth-admin", "stealth-caddy-writer", "stealth-admin-writer"}
    return tuple(item for item in full() if item.kind != CONTAINER or item.name in kept)


def _fleet(*left_out: str, **called: str) -> Made:
    """A fleet of three servers without some of its containers, or with other names for some."""
    def made() -> tuple[Resource, ...]:
        kept = (item for item in run(CONFIGURATIONS["fleet"]) if item.name not in left_out)
        return tuple(_called(item, called.get(item.name.replace("-", "_"), "")) for item in kept)

    return made


def _called(item: Resource, service: str) -> Resource:
    return changed(item, name=f"stealth-{service}") if service else item


STACKS = {
    "stack-exactly-one-publisher": Cases(
        passing=(full, _minimal, _fleet()),
        failing=((_fleet("stealth-caddy-two"),
                  "the stack: nothing can be reached, for Caddy publishes no port"),
                 (_whole("no ports on caddy"),
                  "the stack: nothing can be reached, for Caddy publishes no port"),
                 (_whole("ports on admin"),
                  "admin: it publishes ports beside Caddy")),
        unknown=((_with(unknown(CADDY, "ports")),
                  "the stack: nothing can be reached, for Caddy publishes no port"),)),
    "stack-network-isolation": Cases(
        passing=(full, _minimal, _fleet()),
        failing=((_fleet("stealth-control-three"),
                  "the stack: there is no network stealth-control"),
                 (_whole("one address twice"),
                  "xray: its address 172.20.0.15 is another's too"),
                 (_whole("an address of another network"),
                  "xray: its address 10.1.2.3 lies outside its network"),
                 (_with(but(real("stealth-control", NETWORK), "internal", False)),
                  "control: it leads out of the host")),
        unknown=((_with(unknown(XRAY, "networksAdvanced")), SILENT),)),
    "stack-required-components": Cases(
        passing=(full, _minimal, _fleet()),
        failing=((_fleet("stealth-tunnel"),
                  "the stack: there is no tunnel, which is beside the panel of a fleet only"),
                 (_fleet(stealth_xray_two="tunnel"),
                  "the stack: there is a tunnel, which is beside the panel of a fleet only"),
                 (_fleet(stealth_xray_two="admin"),
                  "the stack: there is a second admin"),
                 (_fleet("stealth-trojan-three"),
                  "the stack: there is no trojan, but there are other engines"),
                 (_whole("no caddy"),
                  "the stack: there is no caddy"),
                 (_whole("no admin"),
                  "the stack: there is no admin"),
                 (_whole("a seventh daemon"),
                  "other: nobody has said what it is for")),
        unknown=((_with(unknown(XRAY, "name")),
                  "the stack: there is no xray, but there are other engines"),)),
    "stack-net-admin-singleton": Cases(
        passing=(full, _minimal, _fleet()),
        failing=((_whole("a second one with NET_ADMIN"),
                  "xray: it has a capability beside wireguard"),),
        unknown=((_with(unknown(XRAY, "capabilities")), SILENT),)),
    "stack-built-images": Cases(
        passing=(full, _minimal, _fleet(), lambda: run({"tls": "acme", "siteDir": "images/caddy/site"})),
        failing=((_with(but(XRAY, "image", DIGEST)),
                  "xray: it has another image than the one that is built for xray"),
                 (_with(but(WRITER, "image", DIGEST)),
                  "xray-writer: it has another image than the one that is built for xray"),
                 (_with(but(BUILT, "repoDigest", DIGEST)),
                  "xray: it has another image than the one that is built for xray"),
                 (_with(unknown(BUILT, "repoDigest")),
                  "xray: its image is known before it is built"),
                 (_with(but(BUILT, "imageName", "stealth-vpn/other:local")),
                  "xray: no image is built for xray")),
        unknown=((_with(unknown(BUILT, "repoDigest"), unknown(XRAY, "image"), unknown(WRITER, "image")), SILENT),)),
    "stack-commands-own-hosts": Cases(
        passing=(full, all_by_ssh),
        failing=((lambda: tuple(item for item in all_by_ssh() if item.name != "engine"),
                  "stealth-host: it is for a machine that has no engine of this server"),
                 (lambda: tuple(item for item in all_by_ssh() if item.name != "engine"),
                  "stealth-carriage: it is for a machine that has no engine of this server")),
        unknown=((lambda: (*full(), *unknown(SETUP, "create")()), SILENT),)),
    "stack-volume-sharing": Cases(
        passing=(full, _minimal),
        failing=((_with(but(XRAY, "mounts.source", "stealth-admin-rendered")),
                  "xray: stealth-admin-rendered is shared by 4 containers, 1 of which fill it"),),
        unknown=((_with(unknown(XRAY, "mounts.source")), SILENT),)),
}
