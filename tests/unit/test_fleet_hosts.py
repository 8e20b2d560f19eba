import re
from typing import Any

import pytest

from components.errors import SettingsError
from components.fleet_hosts import MOST_HOSTS, FleetHost
from tests.settings import load

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJvb2ttYXJrLW9mLWEtdGVzdC1hbmQtbm8ta2V5ISE="
DATABASE = "postgresql+psycopg://panel:word@db.example.com/panel"


def entry(**changes: object) -> dict[str, Any]:
    return {"name": "two", "dockerHost": "ssh://deploy@two.example.org", "domain": "two.example.org",
            "hostKey": KEY} | changes


def fleet(*entries: object, **changes: object) -> tuple[FleetHost, ...]:
    return load(**{"hosts": list(entries), "databaseUrl": DATABASE} | changes).hosts


def test_a_host_s_ssh_server_is_where_its_engine_is_unless_another_address_is_named() -> None:
    (host,) = fleet(entry())
    assert (host.name, host.suffix, host.ssh_address) == ("two", "-two", "two.example.org:22")
    assert fleet(entry(dockerHost="ssh://deploy@203.0.113.7:2222"))[0].ssh_address == "203.0.113.7:2222"
    assert fleet(entry(dockerHost="ssh://deploy@[2001:db8::7]"))[0].ssh_address == "[2001:db8::7]:22"
    assert fleet(entry(dockerHost="ssh://alias", sshAddress="203.0.113.7:2222"))[0].ssh_address == "203.0.113.7:2222"


def test_a_comment_behind_a_key_is_left_out() -> None:
    assert fleet(entry(hostKey=f"{KEY} root@two\n"))[0].host_key == KEY


@pytest.mark.parametrize(("given", "rule"), [
    ("ssh://two.example.org", "each entry must have dockerHost, domain, hostKey, name"),
    ({"name": "two"}, "each entry must have dockerHost, domain, hostKey, name"),
    (entry(colour="red"), "each entry must have dockerHost, domain, hostKey, name"),
    (entry(name=2), "it must be a text"),
    (entry(name="Two"), "lower-case letters"), (entry(name="2nd"), "begin with a letter"),
    (entry(name="two-"), "lower-case letters"), (entry(name="main"), "be none of config, data, delivery, image, main"),
    (entry(name="a" * 33), "at most 32"),
    (entry(dockerHost="tcp://192.0.2.1:2375"), "it must begin with ssh:// or unix:///"),
    (entry(domain="two"), "it must be a host name"),
    (entry(hostKey=""), "ssh_host_ed25519_key.pub"), (entry(hostKey="ssh-dss AAAA"), "ssh_host_ed25519_key.pub"),
    (entry(hostKey=KEY.replace("ssh-ed25519", "ssh-rsa")), "ssh_host_ed25519_key.pub"),
    (entry(hostKey="ssh-ed25519 nonsense!"), "ssh_host_ed25519_key.pub"),
    (entry(dockerHost="unix:///run/two.sock"), "does not say where its SSH server is"),
    (entry(sshAddress="two.example.org:99999"), "it must be HOST or HOST:PORT"),
    (entry(sshAddress="-oProxyCommand=x"), "it must be HOST or HOST:PORT"),
])
def test_a_bad_host_is_refused_with_its_rule_and_the_fix(given: object, rule: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(rule)) as refused:
        fleet(given)
    assert str(refused.value).startswith("hosts")
    assert "Change it in the stack's file, or with `ops hosts`" in str(refused.value)
    assert refused.value.key == "hosts"


@pytest.mark.parametrize("changes", [
    {"name": "two"}, {"dockerHost": "ssh://deploy@two.example.org"}, {"domain": "TWO.example.org"},
    {"dockerHost": "unix:///var/run/docker.sock", "sshAddress": "a:22"}, {"domain": "example.com"}])
def test_each_host_has_a_name_an_engine_and_a_domain_of_its_own(changes: dict[str, object]) -> None:
    third = {"name": "three", "dockerHost": "ssh://deploy@three.example.org", "domain": "three.example.org"}
    assert len(fleet(entry(), entry(**third))) == 2
    with pytest.raises(SettingsError, match="has one of its own"):
        fleet(entry(), entry(**third | changes))


def test_no_host_s_name_ends_as_another_s() -> None:
    with pytest.raises(SettingsError, match="new-two, but it ends as the name of another host does, two"):
        fleet(entry(), entry(name="new-two", dockerHost="ssh://three", domain="three.example.org"))


def test_a_fleet_needs_postgresql_and_all_engines() -> None:
    with pytest.raises(SettingsError, match=r"databaseUrl is empty, but .*PostgreSQL.*--secret databaseUrl"):
        fleet(entry(), databaseUrl="")
    with pytest.raises(SettingsError, match=r"mode is minimal, but hosts .*`pulumi config set mode full`"):
        fleet(entry(), mode="minimal")
    with pytest.raises(SettingsError, match="one panel serves 100 at most"):
        fleet(*[entry(name=f"h{number}", dockerHost=f"ssh://h{number}", domain=f"h{number}.example.org")
                for number in range(MOST_HOSTS + 1)])


def test_a_further_host_has_the_settings_of_the_first_but_its_place_and_what_is_stopped() -> None:
    main = load(hosts=[entry()], databaseUrl=DATABASE, stopped=["xray"], timeZone="Asia/Tehran")
    two = main.of_host(main.hosts[0])
    assert (two.docker_host, two.domain) == ("ssh://deploy@two.example.org", "two.example.org")
    assert (two.hosts, two.stopped, two.time_zone) == ((), [], "Asia/Tehran")
