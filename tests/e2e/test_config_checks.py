"""Each daemon's own check of its rendered configuration, for every setting that changes its shape."""

import subprocess
from pathlib import Path

import pytest

from components.authority import Authority
from components.configs import caddy, singbox, trojan, wireguard, xray
from components.configs.common import HANDED_OVER
from components.configs.plan import Plan
from components.keys import PanelKeys, SingboxKeys, TrojanKeys, WireguardKeys, XrayKeys
from tests.e2e.deployment import Server
from tests.settings import load

pytestmark = pytest.mark.integration

PLAN = Plan.of("example.com", "172.20.0.0/16", "10.66.66.0/24")
AUTHORITY = Authority.from_seed("seed", "example.com")
SHAPES: list[dict[str, object]] = [
    {}, {"mode": "minimal"}, {"tls": "acme"},
    {"tls": "files", "tlsCertificateFile": "tls.crt", "tlsKeyFile": "tls.key"},
    {"httpsPort": 8443, "logLevel": "DEBUG"},
    {"egressAllow": ["192.168.10.0/24", "fd07::/64"], "egressRefuse": ["10.1.0.0/16", "9.9.9.9", "2620:fe::fe"]},
    {"dnsServers": ["2606:4700:4700::1111"], "vpnSubnet": "192.168.9.0/28"}, {"ipv6": True}]


def rendered(service: str, shape: dict[str, object]) -> dict[str, str]:
    settings = load(**shape)
    if service == "caddy":
        texts = caddy.files(settings, PLAN, XrayKeys.from_seed("seed"), SingboxKeys.from_seed("seed"),
                            WireguardKeys.from_seed("seed"), PanelKeys.from_seed("seed"))
        leaf = AUTHORITY.leaf(["www.example.com"])
        return texts | {"ca.crt": AUTHORITY.certificate_pem, "ca.key": AUTHORITY.private_key_pem,
                        "tls.crt": leaf.chain_pem, "tls.key": leaf.private_key_pem}
    if service == "singbox":
        leaf = AUTHORITY.leaf(["q.example.com"])
        names = ("cert.pem", "key.pem", *(f"{name}.example.com.{end}" for name in "qt" for end in ("pem", "key")))
        return singbox.files(settings, PLAN, SingboxKeys.from_seed("seed")) | dict.fromkeys(
            names, leaf.chain_pem + leaf.private_key_pem)
    if service == "xray":
        return xray.files(settings, PLAN, XrayKeys.from_seed("seed"))
    if service == "trojan":
        return trojan.files(settings, PLAN, TrojanKeys.from_seed("seed"))
    return wireguard.files(settings, PLAN, WireguardKeys.from_seed("seed"))


def check(service: str, folder: Path, files: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the service's image on the files, without any network."""
    folder.chmod(0o755)
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)
    program, *words = command
    return subprocess.run(
        ["docker", "run", "--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp:mode=1777",  # noqa: S108
         "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--user", "0:0", "--volume", f"{folder}:/etc/stealth:ro",
         "--volume", f"{folder}:{HANDED_OVER}:ro",
         "--env", "XDG_DATA_HOME=/tmp/data", "--env", "XDG_CONFIG_HOME=/tmp/config",
         "--entrypoint", program, f"stealth-vpn/{service}:local", *words],
        capture_output=True, text=True, check=False, timeout=60)


CADDY = ("/usr/local/bin/caddy", "validate", "--adapter", "caddyfile", "--config", "/etc/stealth/Caddyfile")
XRAY = ("/usr/local/bin/xray", "-test", "-config", "/etc/stealth/config.json")
TROJAN = ("/usr/local/bin/trojan-go", "-test", "-config", "/etc/stealth/config.json")
SINGBOX = ("/usr/local/bin/sing-box", "check", "-c", "/etc/stealth/config.json")
NFT = ("/usr/sbin/nft", "--check", "--file", "/etc/stealth/rules.nft")
# It has no check of its own: wg reads the file into a device that is not there, and says so only after it read it.
WG = ("/bin/sh", "-c", "wg setconf absent /etc/stealth/wg0.conf 2>&1; true")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("service", "command"), [
    ("caddy", CADDY), ("xray", XRAY), ("trojan", TROJAN), ("singbox", SINGBOX), ("wireguard", NFT)])
def test_a_daemon_accepts_what_is_rendered_for_it(
    deployed: Server, tmp_path: Path, service: str, command: tuple[str, ...], shape: dict[str, object],
) -> None:
    done = check(service, tmp_path, rendered(service, shape), *command)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("service", "file", "broken", "command"), [
    ("caddy", "Caddyfile", "{ nonsense }", CADDY), ("xray", "config.json", '{"inbounds": 1}', XRAY),
    ("trojan", "config.json", '{"run_type": "nonsense"}', TROJAN),
    ("singbox", "config.json", '{"nonsense": 1}', SINGBOX), ("wireguard", "rules.nft", "nonsense", NFT)])
def test_a_broken_configuration_does_not_pass_the_check(
    deployed: Server, tmp_path: Path, service: str, file: str, broken: str, command: tuple[str, ...],
) -> None:
    assert check(service, tmp_path, rendered(service, {}) | {file: broken}, *command).returncode != 0


@pytest.mark.parametrize(("text", "said"), [
    (None, "Unable to modify interface"), ("[Interface]\nPrivateKey = short\n", "not the")])
def test_wireguard_reads_the_peers_it_is_given(deployed: Server, tmp_path: Path, text: str | None, said: str) -> None:
    files = rendered("wireguard", {}) | ({"wg0.conf": text} if text else {})
    assert said in check("wireguard", tmp_path, files, *WG).stdout
