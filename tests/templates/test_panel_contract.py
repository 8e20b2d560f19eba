"""What the deployment renders for the panel is what the panel takes; the two sides share no code."""

from pathlib import Path

import pytest

from components.configs import admin
from components.configs.plan import Plan
from components.keys import PanelKeys
from panel.config import PanelConfig
from tests.settings import load

PLAN = Plan.of("example.com", "172.20.0.0/16", "10.66.66.0/24")
# bcrypt of a fixed text, of the cost that the random provider uses.
HASH = "$2b$10$" + "abcdefghijklmnopqrstuv" + "0123456789012345678901234567890"


@pytest.mark.parametrize("changes", [{}, {"adminPanelPort": 9010, "adminUsername": "owner_1", "logLevel": "DEBUG"}])
def test_the_panel_takes_the_rendered_file(tmp_path: Path, changes: dict[str, object]) -> None:
    settings, keys = load(**changes), PanelKeys.from_seed("seed")
    file = tmp_path / "panel.json"
    file.write_text(admin.files(settings, PLAN, keys, HASH)["panel.json"])
    file.chmod(0o400)
    taken = PanelConfig.load(file)
    assert taken.proxy_address == "172.20.0.10"
    assert (taken.port, taken.path, taken.session_key) == (settings.admin_panel_port, keys.path, keys.session_key)
    assert (taken.admin_username, taken.admin_password_hash) == (settings.admin_username, HASH)
    assert (taken.session_timeout_seconds, taken.login_rate_per_minute, taken.log_level) == (
        settings.session_timeout_seconds, settings.rate_limit_admin, settings.log_level)
