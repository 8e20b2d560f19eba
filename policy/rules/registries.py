"""How engines and registries are reached, and what else an engine could be asked for."""

import json

from policy.allowlists import SSH_OPTIONS
from policy.making import CRITICAL, MEDIUM, About, Faults, on_each
from policy.resources import (
    CONTAINER,
    IMAGE,
    NETWORK,
    PROVIDER,
    REGISTRY_IMAGE,
    REMOTE_IMAGE,
    VOLUME,
    Resource,
)

_SSH_OPTIONS = json.dumps([word for option in SSH_OPTIONS for word in ("-o", option)])
_KNOWN = {CONTAINER, IMAGE, NETWORK, REGISTRY_IMAGE, REMOTE_IMAGE, VOLUME}


@on_each(About(
    name="docker-registry-verify-tls",
    description="Nobody in between can pose as the engine or as a registry.",
    remedy="Set the provider's host to unix:// or ssh://, its sshOpts to components/ssh.py's, and leave the rest.",
    severity=CRITICAL, reference="2.5, 2.7"), REGISTRY_IMAGE, PROVIDER)
def verify_tls(resource: Resource) -> Faults:
    if resource.flag("insecureSkipVerify"):
        yield "it takes any certificate for the registry's"
    if resource.kind != PROVIDER:
        return
    if not resource.text("host").startswith(("unix:///", "ssh://")):
        yield "its host is neither unix:// nor ssh://"
    for name in ("registryAuth", "context"):
        if resource.has(name):
            yield f"{name} may take checks away that nobody sees"
    # Providers get lists as a text.
    if resource.has("sshOpts") and resource.text("sshOpts") != _SSH_OPTIONS:
        yield "sshOpts may take checks away that nobody sees"


@on_each(About(
    name="docker-disallow-swarm",
    description="Docker makes containers, images, networks and volumes, and nothing of a swarm or a plugin.",
    remedy="Take it away; no policy looks at resources of that type.",
    severity=MEDIUM, reference="5.1"), "docker:*")
def swarm(resource: Resource) -> Faults:
    if resource.kind not in _KNOWN:
        yield f"{resource.kind.rpartition(':')[2]} is none of the types that this server is made of"
