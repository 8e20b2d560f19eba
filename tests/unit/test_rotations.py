"""Every secret can be rotated, and a rotation changes that secret and no other."""

import dataclasses
from datetime import UTC, datetime
from typing import Any, get_type_hints

import pytest

from components.authority import Authority
from components.errors import SettingsError
from components.keys import Of, PanelKeys, SingboxKeys, TrojanKeys, WireguardKeys, XrayKeys
from components.rotations import NAMES, OVERLAPPING, Rotation, Rotations
from components.secrets import Secrets
from ops.rotate.table import DERIVED, ELSEWHERE
from tests.engine import PASSWORD, RandomEngine

KINDS: dict[str, Any] = {"panel-seed": PanelKeys, "xray-seed": XrayKeys, "trojan-seed": TrojanKeys,
                         "singbox-seed": SingboxKeys, "wireguard-seed": WireguardKeys}
NOW = datetime(2026, 11, 30, tzinfo=UTC)
ENTRY = {"generation": 2, "rotatedAt": "2026-11-30T08:00:00+00:00"}


def secrets_of(kind: type) -> dict[str, str]:
    """Return the secret of each key; one without any fails."""
    hints = get_type_hints(kind, include_extras=True)
    found = {}
    for field in dataclasses.fields(kind):
        (of,) = hints[field.name].__metadata__
        assert isinstance(of, Of)
        found[field.name] = of.secret
    return found


def rotated(name: str, generation: int = 2, *, overlaps: bool = False) -> Rotations:
    made = Rotation(generation=generation, rotated_at=NOW, overlap_until=NOW if overlaps else None)
    return Rotations(made={name: made})


def keys(rotations: Rotations) -> dict[str, dict[str, str]]:
    return {seed: dataclasses.asdict(kind.from_seed("seed", rotations)) for seed, kind in KINDS.items()}


def test_every_seed_and_every_key_has_its_row_in_the_list_of_what_can_be_rotated() -> None:
    engine = RandomEngine()
    engine.deploy(lambda: Secrets("secrets", "vpn.example.com"))
    assert {item.name for item in engine.of_type(PASSWORD)} == {*KINDS, "authority-seed", "panel-password"}
    assert {secret for kind in KINDS.values() for secret in secrets_of(kind).values()} | {"authority"} == NAMES
    assert {row.name for row in DERIVED} == NAMES
    assert {row.name for row in DERIVED if row.overlap} == OVERLAPPING
    assert "admin-password" in {row.name for row in ELSEWHERE}


@pytest.mark.parametrize("name", sorted(NAMES - {"authority"}))
def test_a_rotation_gives_other_keys_to_one_secret_and_leaves_all_others(name: str) -> None:
    before, after, third = keys(Rotations()), keys(rotated(name)), keys(rotated(name, 3))
    changed = 0
    for seed, kind in KINDS.items():
        for key, secret in secrets_of(kind).items():
            is_other = secret == name and not key.startswith("former_")
            values = {before[seed][key], after[seed][key], third[seed][key]}
            assert len(values) == (3 if is_other else 1), key
            changed += is_other
    assert changed


@pytest.mark.parametrize("name", sorted(OVERLAPPING))
def test_in_an_overlap_the_value_before_is_there_beside_the_new_one(name: str) -> None:
    for generation in (2, 3):
        before = keys(rotated(name, generation - 1) if generation > 2 else Rotations())
        after = keys(rotated(name, generation, overlaps=True))
        found = [(after[seed][key], before[seed][key.removeprefix("former_")])
                 for seed, kind in KINDS.items() for key, secret in secrets_of(kind).items()
                 if secret == name and key.startswith("former_")]
        assert len(found) == 1
        assert found[0][0] == found[0][1] != ""


def test_keys_that_were_never_rotated_are_those_of_every_version() -> None:
    # A server that was made before there were rotations must go on with what its clients have.
    assert XrayKeys.from_seed("seed").websocket_path == "/78a27aef33b0c00eacb74e59"
    assert PanelKeys.from_seed("seed").subscription_path == "/fd0f5812decbbf644af13fb2"
    assert WireguardKeys.from_seed("seed").public_key == "+YnAsFe/ZquZA18Y1zVHlDakveAf3kBy1BldfISEGDo="
    assert SingboxKeys.from_seed("seed").shadowtls_password == "KMyXTA-ZZemBku2n1gO3eORqW_rc_k3I"  # noqa: S105 - of a test


def test_the_authority_of_another_generation_is_another_and_as_bounded() -> None:
    first, second = Authority.from_seed("seed", "example.com"), Authority.from_seed("seed", "example.com", 2)
    assert first.certificate_pem == Authority.from_seed("seed", "example.com", 1).certificate_pem
    assert first.private_key_pem != second.private_key_pem
    assert len({authority.leaf(["q.example.com"]).private_key_pem for authority in (first, second)}) == 2


def test_what_the_configuration_says_is_read() -> None:
    read = Rotations.parse("rotations", {"shadowtls": ENTRY | {"overlapUntil": "2026-12-07T08:00:00+00:00"},
                                         "agents": ENTRY | {"generation": 5}})
    assert (read.generation("shadowtls"), read.former("shadowtls")) == (2, 1)
    assert (read.generation("agents"), read.former("agents")) == (5, None)
    assert (read.generation("reality"), read.former("reality")) == (1, None)


@pytest.mark.parametrize(("value", "sentence"), [
    ([], "it must be an object"),
    ({"realty": ENTRY}, "rotations.realty is there, but no secret has that name; they are agents, authority"),
    ({"reality": 2}, "rotations.reality is 2, but it must have generation and rotatedAt"),
    ({"reality": {"generation": 2}}, "it must have generation and rotatedAt"),
    ({"reality": ENTRY | {"until": 1}}, "it must have generation and rotatedAt"),
    ({"reality": ENTRY | {"generation": 1}}, "rotations.reality.generation is 1, but it must be a whole number"),
    ({"reality": ENTRY | {"generation": True}}, "rotations.reality.generation is True, but"),
    ({"reality": ENTRY | {"generation": "2"}}, "rotations.reality.generation is 2, but it must be a whole number"),
    ({"reality": ENTRY | {"rotatedAt": "yesterday"}}, "rotations.reality.rotatedAt is yesterday, but"),
    ({"reality": ENTRY | {"rotatedAt": "2026-11-30T08:00:00"}}, "with its zone"),
    ({"reality": ENTRY | {"overlapUntil": "2026-12-07T08:00:00+00:00"}}, "only one generation of reality can be"),
    ({"shadowtls": ENTRY | {"overlapUntil": "soon"}}, "rotations.shadowtls.overlapUntil is soon, but"),
])
def test_a_bad_rotation_is_refused_in_one_sentence(value: object, sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Rotations.parse("rotations", value)
    assert sentence in str(refused.value)
