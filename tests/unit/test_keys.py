import base64
import dataclasses
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from components.authority import Authority
from components.keys import PanelKeys, SingboxKeys, TrojanKeys, TunnelKeys, WireguardKeys, XrayKeys

ALL_KEYS = (XrayKeys, TrojanKeys, SingboxKeys, WireguardKeys, PanelKeys, TunnelKeys)


@pytest.mark.parametrize("keys", ALL_KEYS)
def test_a_seed_gives_the_same_keys_again_and_another_seed_none_of_them(keys: type[XrayKeys]) -> None:
    first = dataclasses.asdict(keys.from_seed("one"))
    other = dataclasses.asdict(keys.from_seed("two"))
    assert first == dataclasses.asdict(keys.from_seed("one"))
    present = [name for name in first if not name.startswith("former_")]
    assert [name for name in present if first[name] == other[name]] == []
    assert len({first[name] for name in present}) == len(present)


@pytest.mark.parametrize("keys", ALL_KEYS)
def test_a_representation_shows_no_key(keys: type[XrayKeys]) -> None:
    derived = keys.from_seed("one")
    assert not [value for value in dataclasses.asdict(derived).values() if value and value in repr(derived)]


def test_key_pairs_match_and_private_keys_are_clamped() -> None:
    # `wg pubkey` of the same private key, as RFC 7748 section 5 computes it.
    keys = WireguardKeys.from_seed("one")
    raw = base64.b64decode(keys.private_key)
    assert raw[0] & 7 == 0
    assert raw[31] & 192 == 64
    assert len(base64.b64decode(keys.public_key)) == 32


def test_the_tunnel_s_pair_is_one_as_ssh_keygen_has_it() -> None:
    keys = TunnelKeys.from_seed("one")
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(keys.private_key))
    assert private.public_key() == load_ssh_public_key(keys.public_key.encode())


def test_shadowsocks_s_key_has_the_length_of_its_method() -> None:
    assert len(base64.b64decode(SingboxKeys.from_seed("one").shadowsocks_server_key)) == 16


def test_the_authority_is_the_same_bytes_each_time() -> None:
    first, again = (Authority.from_seed("one", "vpn.example.com") for _ in range(2))
    assert first.certificate_pem == again.certificate_pem
    assert first.leaf(["q.vpn.example.com"]) == again.leaf(["q.vpn.example.com"])
    assert first.certificate_pem != Authority.from_seed("two", "vpn.example.com").certificate_pem


@pytest.mark.parametrize(("name", "accepted"), [("q.vpn.example.com", True), ("bank.example.org", False)])
def test_the_authority_is_believed_for_its_own_domain_only(
    tmp_path: Path, name: str, accepted: bool,
) -> None:
    authority = Authority.from_seed("one", "vpn.example.com")
    (tmp_path / "root.pem").write_text(authority.certificate_pem)
    (tmp_path / "leaf.pem").write_text(authority.leaf([name]).chain_pem)
    done = subprocess.run(
        ["openssl", "verify", "-CAfile", "root.pem", "leaf.pem"],
        cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is accepted, done.stdout + done.stderr
    assert accepted or "permitted subtree violation" in done.stderr


def test_a_leaf_names_every_name_and_no_more() -> None:
    leaf = Authority.from_seed("one", "vpn.example.com").leaf(["q.vpn.example.com", "t.vpn.example.com"])
    certificate = x509.load_pem_x509_certificate(leaf.chain_pem.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["q.vpn.example.com", "t.vpn.example.com"]
