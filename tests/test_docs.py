"""The documents keep up with the code."""

import re
from pathlib import Path

import click
import pytest

from ops.cli import main
from tests.settings import SCHEMA

README = Path("README.md").read_text()
GROUPS = {name: command for name, command in main.commands.items() if isinstance(command, click.Group)}


@pytest.mark.parametrize("key", sorted(SCHEMA))
def test_every_configuration_key_is_in_the_readme_with_its_default_and_meaning(key: str) -> None:
    row = re.search(rf"^\| `{key}` \| (.*?) \| (.*?) \|$", README, re.M)
    assert row, f"{key} has no row in README.md"
    default = SCHEMA[key].get("default", "required")
    shown = ", ".join(default) if isinstance(default, list) else str(default)
    assert row[1].lower() == (shown.lower() or "(empty)")
    assert row[2].replace("`", "") == SCHEMA[key]["description"].replace("<domain>", "domain")


@pytest.mark.parametrize("command", sorted(name for name in main.commands if name not in GROUPS))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"^    (make|scripts/ops) {command} ", README, re.M)


@pytest.mark.parametrize("command", [f"{group} {name}" for group, made in GROUPS.items() for name in made.commands])
def test_every_command_for_people_is_documented_with_its_options(command: str) -> None:
    text = Path("docs/commands.md").read_text()
    assert re.search(rf"^\| .*`{command}[ `]", text, re.M)
    group, name = command.split()
    options = {option for parameter in GROUPS[group].commands[name].params for option in parameter.opts
               if option.startswith("--")}
    assert {option for option in options if f"`{option}" not in text} == set()


@pytest.mark.parametrize("output", re.findall(r'pulumi\.export\("(\w+)"', Path("__main__.py").read_text()))
def test_every_output_is_in_the_readme(output: str) -> None:
    assert f"`{output}`" in README


@pytest.mark.parametrize("metric", re.findall(r'"(stealth_\w+)"', Path("admin/panel/metrics.py").read_text()))
def test_every_metric_is_documented(metric: str) -> None:
    assert re.search(rf"^\| `{metric}(_total)?` \|", Path("docs/metrics.md").read_text(), re.M)


@pytest.mark.parametrize("kind", [kind for file in Path("admin/panel/alerts").glob("*.py") for kind in re.findall(
    r'(?:kind=|\()"([a-z]+_[a-z_]+)"[,\n]', file.read_text())])
def test_every_kind_of_alert_is_documented(kind: str) -> None:
    assert f"| `{kind}` |" in Path("docs/alerts.md").read_text()


def test_every_file_that_the_documents_name_exists() -> None:
    for document in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/security-model.md", "docs/verify.md"):
        for name in re.findall(r"`([\w./-]+\.(?:py|sh|md|yaml))`", Path(document).read_text()):
            assert Path(name).exists() or list(Path().glob(f"**/{name}")), f"{document} names {name}"


def test_every_decision_has_its_number_once_and_its_three_parts() -> None:
    files = sorted(Path("docs/decisions").glob("*.md"))
    numbers = [file.name[:4] for file in files]
    assert numbers == sorted(set(numbers))
    for file in files:
        text = file.read_text()
        assert all(part in text for part in ("Context", "Decision", "Consequences")), file.name


def test_the_security_model_says_of_each_service_what_its_loss_gives() -> None:
    text = Path("docs/security-model.md").read_text()
    for service in ("admin", "caddy", "singbox", "trojan", "wireguard", "xray"):
        assert re.search(rf"^\| {service} \| .{{40,}} \| .+ \|$", text, re.M), service
