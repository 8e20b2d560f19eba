"""Makes the machine of an ssh:// engine one that a server can be on: a command of the program's runs there by ssh.

What it brings is what toolchain/host.sh says, and nothing of it is taken away again: a destroy leaves the machine as it
is. It asks nobody in a preview, and runs again when what it would do has changed.
"""

import shlex

import pulumi
from pulumi_command import local

from .rendering import TEMPLATES, render
from .settings import Settings

HERE = "unix:///var/run/docker.sock"
"""This machine's own engine."""

_SCRIPTS = ("lib.sh", "apt.sh", "docker.sh", "engine.sh", "firewall.sh", "host.sh")


def on_host(name: str, docker_host: str, script: str, opts: pulumi.ResourceOptions) -> local.Command:
    """Run a shell script as root on the machine of an ssh:// engine, once and whenever it changes (ops/onhost.py)."""
    return local.Command(
        name, create=f"exec .venv/bin/python -m ops.onhost {shlex.quote(docker_host)}", stdin=script,
        # What it says on its way is for the file of the run; its answer is an output.
        logging=local.Logging.NONE, add_previous_output_in_env=False, opts=opts)


def setup_script(settings: Settings) -> str:
    """Return what makes a host ready: the scripts that make the operator's own machine so, and a call of them."""
    toolchain = TEMPLATES.parent / "toolchain"
    return render("host/setup.sh.j2", scripts={name: (toolchain / name).read_text() for name in _SCRIPTS},
                  ports=[f"{settings.http_port}/tcp", f"{settings.https_port}/tcp", f"{settings.https_port}/udp"])


class HostSetup(pulumi.ComponentResource):
    """A host with Docker, a firewall, and the kernel and time that the server wants; `opts` need no provider."""

    engine_version: pulumi.Output[str]
    """Of its Docker Engine when it was made ready."""

    host_keys: pulumi.Output[list[str]]
    """The public keys of its ssh server, each as kind and key in base64."""

    def __init__(self, name: str, docker_host: str, settings: Settings,
                 opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stealth-vpn:host:HostSetup", name, {}, opts)
        self.command = on_host(f"stealth-{name}", docker_host, setup_script(settings),
                               pulumi.ResourceOptions(parent=self))
        self.engine_version = self.command.stdout.apply(lambda said: "".join(_told(said, "engine")))
        self.host_keys = self.command.stdout.apply(lambda said: _told(said, "key"))
        self.register_outputs({"engine_version": self.engine_version, "host_keys": self.host_keys})


def _told(said: str, what: str) -> list[str]:
    return [line.removeprefix(f"{what} ") for line in said.splitlines() if line.startswith(f"{what} ")]
