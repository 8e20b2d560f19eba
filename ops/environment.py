"""The environment that Pulumi runs in: of its own variables only those that say where the state and its key are.

Each flag of Pulumi's has a variable too (PULUMI_OPTION_*): one of them would lower a policy's level, leave the preview
out or go on after a violation, and nobody would see it in what was typed.
"""

import os

_KEPT = frozenset({
    "PULUMI_HOME", "PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN", "PULUMI_CREDENTIALS_PATH",
    "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_SKIP_UPDATE_CHECK", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION",
})


def of_pulumi(**more: str) -> dict[str, str]:
    """Return this process's environment without what could change what Pulumi does, with `more` added."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or not name.startswith("PULUMI_")}
    return kept | more
