"""What the deployment renders for the panel is what the panel takes; the two sides share no code."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components import checks
from components.authority import Authority
from components.configs import admin, agent, caddy, ports
from components.configs.plan import Plan
from components.keys import EngineKeys, PanelKeys, SingboxKeys, TrojanKeys, WireguardKeys, XrayKeys
from components.links import subscription_url
from components.rotations import Rotation, Rotations
from ops import users
from panel import audit, limits
from panel.config import PanelConfig
from panel.protocols import ENGINES, wireguard_addresses
from panel.store.models import User
from panel.subscriptions import tokens
from tests.settings import load

PLAN = Plan.of("example.com", "172.20.0.0/16", "10.66.66.0/24")
# bcrypt of a fixed text, of the cost that the random provider uses.
HASH = "$2b$10$" + "abcdefghijklmnopqrstuv" + "0123456789012345678901234567890"
PANEL = PanelKeys.from_seed("panel")
ENGINE_KEYS = EngineKeys(xray=XrayKeys.from_seed("xray"), trojan=TrojanKeys.from_seed("trojan"),
                         singbox=SingboxKeys.from_seed("singbox"), wireguard=WireguardKeys.from_seed("wireguard"))
ROOT = Authority.from_seed("seed", "example.com").certificate_pem


def taken(folder: Path, **changes: object) -> PanelConfig:
    file = folder / "panel.json"
    file.write_text(admin.files(load(**changes), PLAN, PANEL, HASH, ENGINE_KEYS, ROOT)["panel.json"])
    file.chmod(0o400)
    return PanelConfig.load(file)


def test_both_keep_the_same_names_from_accounts() -> None:
    assert checks.RESERVED_USERNAMES == audit.RESERVED_NAMES


@pytest.mark.parametrize("changes", [{}, {"adminPanelPort": 9010, "adminUsername": "owner_1", "logLevel": "DEBUG"}])
def test_the_panel_takes_the_rendered_file(tmp_path: Path, changes: dict[str, object]) -> None:
    settings, config = load(**changes), taken(tmp_path, **changes)
    assert config.proxy_address == "172.20.0.10"
    assert (config.port, config.path, config.session_key) == (settings.admin_panel_port, PANEL.path, PANEL.session_key)
    assert (config.admin_username, config.admin_password_hash) == (settings.admin_username, HASH)
    assert (config.session_timeout_seconds, config.login_rate_per_minute, config.log_level) == (
        settings.session_timeout_seconds, settings.rate_limit_admin, settings.log_level)
    assert (config.subscription_path, config.subscription_key) == (PANEL.subscription_path, PANEL.subscription_key)
    assert (config.password_pepper, config.metrics_token) == (PANEL.password_pepper, PANEL.metrics_token)
    assert config.database_url == "sqlite:////var/lib/admin/panel.db"
    assert (config.password_peppers, config.subscription_keys, config.metrics_tokens) == (
        (PANEL.password_pepper,), (PANEL.subscription_key,), (PANEL.metrics_token,))


def test_the_panel_takes_what_was_before_while_rotations_overlap(tmp_path: Path) -> None:
    moment = datetime(2026, 11, 30, tzinfo=UTC)
    rotations = Rotations(made={name: Rotation(generation=2, rotated_at=moment, overlap_until=moment)
                                for name in ("password-pepper", "subscription-key", "metrics-token")})
    after = PanelKeys.from_seed("panel", rotations)
    file = tmp_path / "panel.json"
    file.write_text(admin.files(load(), PLAN, after, HASH, ENGINE_KEYS, ROOT)["panel.json"])
    file.chmod(0o400)
    config = PanelConfig.load(file)
    assert config.password_peppers == (after.password_pepper, PANEL.password_pepper)
    assert config.subscription_keys == (after.subscription_key, PANEL.subscription_key)
    assert config.metrics_tokens == (after.metrics_token, PANEL.metrics_token)
    assert {PANEL.password_pepper, PANEL.subscription_key, PANEL.metrics_token} <= set(config.secrets)


def test_the_panel_finds_each_engine_s_agent_where_it_listens_and_shows_its_token(tmp_path: Path) -> None:
    told = {engine: json.loads(agent.files(PLAN, engine, getattr(ENGINE_KEYS, engine).agent_token)["agent.json"])
            for engine in ENGINES}
    config = taken(tmp_path)
    assert {engine: (access.url, access.token) for engine, access in config.engines.items()} == {
        engine: (f"http://{values['listen']}", values["token"]) for engine, values in told.items()}
    assert told["xray"]["listen"] == f"172.21.0.11:{ports.AGENT}", "the control network, and no other"
    assert told["xray"]["users"] == "/var/lib/xray/users.json"


def test_the_panel_knows_of_the_server_what_clients_must(tmp_path: Path) -> None:
    server = taken(tmp_path, httpsPort=8443, wireguardServerPort=51999, vpnSubnet="10.7.0.0/16").server
    assert server is not None
    assert (server.domain, server.port, server.names["cdn"]) == ("example.com", 8443, "cdn.example.com")
    assert server.authority == ROOT
    assert (server.wireguard_subnet, server.wireguard_endpoint) == ("10.7.0.0/16", "172.20.0.14:51999")
    assert (server.websocket_path, server.tunnel_path) == (
        ENGINE_KEYS.xray.websocket_path, ENGINE_KEYS.wireguard.websocket_path)
    assert (server.reality_public_key, server.wireguard_public_key) == (
        ENGINE_KEYS.xray.reality_public_key, ENGINE_KEYS.wireguard.public_key)


def test_what_only_a_daemon_may_know_is_not_told_to_the_panel(tmp_path: Path) -> None:
    taken(tmp_path)
    text = (tmp_path / "panel.json").read_text()
    assert ENGINE_KEYS.xray.reality_private_key not in text
    assert ENGINE_KEYS.wireguard.private_key not in text


def test_the_panel_takes_a_further_host_in_the_form_of_its_own(tmp_path: Path) -> None:
    own = json.loads(admin.files(load(), PLAN, PANEL, HASH, ENGINE_KEYS, ROOT)["panel.json"])
    assert own["hosts"] == {}
    two = {"engines": own["engines"], "server": own["server"] | {"domain": "two.example"}}
    file = tmp_path / "panel.json"
    file.write_text(admin.files(load(), PLAN, PANEL, HASH, ENGINE_KEYS, ROOT, {"two": two})["panel.json"])
    file.chmod(0o400)
    config = PanelConfig.load(file)
    assert config.hosts["two"].engines == config.engines
    assert config.servers["two"].domain == "two.example"


def test_a_server_without_engines_is_one_without_facts(tmp_path: Path) -> None:
    config = taken(tmp_path, mode="minimal")
    assert (config.engines, config.server) == ({}, None)


def test_the_operator_s_database_and_targets_of_alerts_reach_the_panel(tmp_path: Path) -> None:
    url, webhook = "postgresql+psycopg://panel:secret@db.example.com/panel", "https://hooks.example.com/a"
    config = taken(tmp_path, databaseUrl=url, alertWebhookUrl=webhook, alertMailTo="me@example.com",
                   alertSmtpUrl="smtps://u:p@mail.example.com")
    assert (config.database_url, config.alerts.webhook_url) == (url, webhook)
    assert (config.alerts.smtp_url, config.alerts.mail_to) == ("smtps://u:p@mail.example.com", "me@example.com")
    assert {url, webhook} <= set(config.secrets)


def test_everybody_means_the_same_by_a_large_request() -> None:
    assert caddy.BODY_BYTES == limits.BODY_BYTES
    assert caddy.IMPORT_BYTES == limits.IMPORT_BYTES == users.MOST_IMPORT_BYTES
    for document in ("api", "users"):
        assert f" {limits.IMPORT_BYTES // 2**20} MiB" in Path(f"docs/{document}.md").read_text(), document


def test_caddy_lets_large_requests_through_where_the_panel_takes_files_and_nowhere_else() -> None:
    keys = ENGINE_KEYS
    text = caddy.files(load(), PLAN, keys.xray, keys.singbox, keys.wireguard, PANEL)["Caddyfile"]
    (named,) = re.findall(r"@import \{\s+method POST\s+path (.+)\n", text)
    assert named.split() == [PANEL.path + path for path in limits.IMPORT_PATHS]
    sizes = re.findall(r"max_size (\d+)", text)
    assert sizes == [str(limits.IMPORT_BYTES), str(limits.BODY_BYTES)]
    # A body of just the buffer's size would go to the panel before its end is known.
    assert re.findall(r"request_buffers (\d+)", text) == [str(limits.BODY_BYTES + 1)]


def test_the_link_of_the_stack_s_outputs_is_the_one_that_the_panel_makes(tmp_path: Path) -> None:
    config = taken(tmp_path, httpsPort=8443)
    first = User(id=1, subscription_generation=1)
    assert subscription_url(load(httpsPort=8443), PLAN, PANEL) == tokens.url(config, first)


@pytest.mark.parametrize(("subnet", "users"), [("10.66.66.0/29", 2), ("10.66.66.0/24", 126), ("10.64.0.0/16", 32766)])
def test_a_subnet_of_peers_serves_as_many_users_as_the_readme_says(tmp_path: Path, subnet: str, users: int) -> None:
    server = taken(tmp_path, vpnSubnet=subnet).server
    assert server is not None
    # The server has number 1, and each user the next two.
    last, next_one = (User(wireguard_number=2 * number) for number in (users, users + 1))
    assert wireguard_addresses(server, last, "wireguardWebsocket") is not None
    assert wireguard_addresses(server, next_one, "wireguardWebsocket") is None
