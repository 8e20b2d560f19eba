"""Where the server's certificates come from, by `tls`: which files each daemon gets for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pulumi

from . import certificate_files
from .authority import Authority, Leaf
from .certificate_files import OwnFiles
from .configs.plan import Plan
from .delivery import Delivery
from .settings import Settings

Texts = Mapping[str, pulumi.Output[str]]


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """What of them is delivered, by file name; a key's text is a secret output."""

    caddy: Texts = field(default_factory=dict)
    singbox: Texts = field(default_factory=dict)
    roots: pulumi.Output[str] | None = None
    """What clients and REALITY's check must trust; None where every system does."""

    handed_over: pulumi.Output[str] | None = None
    """Volume in which Caddy hands its certificates to sing-box."""


def create(
    settings: Settings, plan: Plan, own: OwnFiles, authority: pulumi.Output[Authority],
    images: Mapping[str, pulumi.Output[str]], opts: pulumi.ResourceOptions, suffix: str = "",
) -> Certificates:
    """Divide them among the daemons, and make the volume by which Caddy hands over what it obtains."""
    if settings.tls == "internal":
        return _internal(plan, authority)
    roots = pulumi.Output.from_input(own.roots) if own.roots else None
    if own.pair is not None:
        return _files(own.pair, roots)
    handed_over = None
    if settings.mode == "full":
        handed_over = Delivery(
            "certificates", images["caddy"], "10001:10001", _first(plan, authority), opts=opts, is_first=True,
            suffix=suffix).volume
    return Certificates(caddy={"ca.crt": roots} if roots else {}, roots=roots, handed_over=handed_over)


def _internal(plan: Plan, authority: pulumi.Output[Authority]) -> Certificates:
    root = pulumi.Output.unsecret(authority.apply(lambda made: made.certificate_pem))
    key = authority.apply(lambda made: made.private_key_pem)
    # Every name of the server, for a prober may ask for any of them over HTTP/3.
    leaf = authority.apply(lambda made: made.leaf(plan.names("q", "t", "www", "cdn", "img", "app")))
    return Certificates(caddy={"ca.crt": root, "ca.key": key}, singbox=_pair(leaf, "cert.pem", "key.pem"), roots=root)


def _files(pair: Leaf, roots: pulumi.Output[str] | None) -> Certificates:
    if sentence := certificate_files.warning(pair.chain_pem, datetime.now(UTC)):
        pulumi.log.warn(sentence)
    secret = pulumi.Output.secret(pair)
    return Certificates(
        caddy=_pair(secret, "tls.crt", "tls.key"), singbox=_pair(secret, "cert.pem", "key.pem"), roots=roots)


def _first(plan: Plan, authority: pulumi.Output[Authority]) -> Texts:
    """What sing-box starts with before Caddy, which starts last, has obtained any: pairs of our own authority."""
    def both(name: str) -> pulumi.Output[str]:
        leaf = authority.apply(lambda made: made.leaf([name]))
        return leaf.apply(lambda made: made.chain_pem + made.private_key_pem)

    return {f"{name.lower()}.{end}": both(name) for name in plan.names("q", "t") for end in ("pem", "key")}


def _pair(leaf: pulumi.Output[Leaf], certificate: str, key: str) -> Texts:
    return {certificate: leaf.apply(lambda made: made.chain_pem), key: leaf.apply(lambda made: made.private_key_pem)}
