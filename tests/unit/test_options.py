"""The resource options, which no mock engine sees: they decide what a failed or repeated deploy does."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_docker as docker
import pytest

from tests.test_program import deploy

Options = dict[str, pulumi.ResourceOptions]


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> dict[type, Options]:
    """The options of each container, network and volume of the program, by name."""
    found: dict[type, Options] = {}
    kinds: list[Any] = [docker.Container, docker.Network, docker.Volume]
    for kind in kinds:
        found[kind] = {}
        monkeypatch.setattr(kind, "__init__", _remembering(kind.__init__, found[kind]))
    deploy()
    return found


def _remembering(make: Callable[..., None], by_name: Options) -> Callable[..., None]:
    def remember(self: object, resource_name: str, *args: Any, opts: pulumi.ResourceOptions, **kwargs: Any) -> None:
        by_name[resource_name] = opts
        make(self, resource_name, *args, opts=opts, **kwargs)

    return remember


def test_nothing_with_a_fixed_name_is_made_before_its_former_self_is_gone(options: dict[type, Options]) -> None:
    assert {kind.__name__: len(by_name) for kind, by_name in options.items()} == {
        "Container": 12, "Network": 2, "Volume": 13}
    for by_name in options.values():
        assert all(opts.delete_before_replace for opts in by_name.values())


def test_the_seven_volumes_are_protected_and_kept_and_the_rendered_ones_are_not(options: dict[type, Options]) -> None:
    kept = {name for name, opts in options[docker.Volume].items() if opts.protect and opts.retain_on_delete}
    assert kept == {name for name in options[docker.Volume] if not name.endswith("-rendered")}
    assert len(kept) == 7


def test_what_the_provider_only_notes_replaces_a_service_and_a_failed_health_wait_fails_again(
    options: dict[type, Options],
) -> None:
    services = [opts for name, opts in options[docker.Container].items() if not name.endswith("-writer")]
    assert len(services) == 6
    for opts in services:
        assert {"healthcheck", "tmpfs", "init", "#initerror"} <= set(opts.replace_on_changes or [])
