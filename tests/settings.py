"""Settings for tests: the defaults of Pulumi.yaml with changes, read the way the program reads them."""

import json
from pathlib import Path
from typing import Any

import pulumi
import yaml

from components.settings import Settings

PROJECT = "stealth-vpn"
SECRET = ("databaseUrl", "alertWebhookUrl", "alertSmtpUrl")
SCHEMA: dict[str, Any] = yaml.safe_load(Path("Pulumi.yaml").read_text())["config"]


def load(**changes: object) -> Settings:
    """Load the schema's defaults, changed by configuration key."""
    values: dict[str, object] = {"domain": "example.com", "email": "admin@example.com"}
    values |= {key: entry["default"] for key, entry in SCHEMA.items() if "default" in entry}
    values |= changes
    pulumi.runtime.set_all_config({
        f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
    }, secret_keys=[f"{PROJECT}:{key}" for key in SECRET])
    return Settings.load(pulumi.Config(PROJECT))
