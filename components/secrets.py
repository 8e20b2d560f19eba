"""The seeds: one random value per daemon, from which keys.py derives everything else.

Only RandomPassword is used, because every other random resource writes its value into the state in clear, as
its id. All are protected: a destroy leaves them, so that old client links work again after the next `up`.
"""

import pulumi
import pulumi_random as random

from .authority import Authority
from .keys import EngineKeys, PanelKeys, SingboxKeys, TrojanKeys, TunnelKeys, WireguardKeys, XrayKeys
from .rotations import NEVER, Rotations

# 62 letters and digits: 48 of them carry 285 bits.
_SEED_LENGTH = 48
# bcrypt reads 72 bytes at most; 24 letters and digits carry 142 bits and can still be typed.
_PASSWORD_LENGTH = 24


class EngineSecrets(pulumi.ComponentResource):
    """What the engines of one server keep secret, as secret outputs; a server beside the panel's has nothing else."""

    xray: pulumi.Output[XrayKeys]
    trojan: pulumi.Output[TrojanKeys]
    singbox: pulumi.Output[SingboxKeys]
    wireguard: pulumi.Output[WireguardKeys]
    engines: pulumi.Output[EngineKeys]
    """The keys of the four daemons above together."""

    authority: pulumi.Output[Authority]

    def __init__(self, name: str, domain: str, rotations: Rotations = NEVER, suffix: str = "",
                 opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("stealth-vpn:random:Secrets", name + suffix, {}, opts)
        self._suffix = suffix
        self._make_others(rotations)
        self.xray = self._seed("xray").apply(lambda seed: XrayKeys.from_seed(seed, rotations))
        self.trojan = self._seed("trojan").apply(lambda seed: TrojanKeys.from_seed(seed, rotations))
        self.singbox = self._seed("singbox").apply(lambda seed: SingboxKeys.from_seed(seed, rotations))
        self.wireguard = self._seed("wireguard").apply(lambda seed: WireguardKeys.from_seed(seed, rotations))
        self.engines = pulumi.Output.all(
            xray=self.xray, trojan=self.trojan, singbox=self.singbox, wireguard=self.wireguard,
        ).apply(lambda keys: EngineKeys(**keys))
        generation = rotations.generation("authority")
        self.authority = self._seed("authority").apply(lambda seed: Authority.from_seed(seed, domain, generation))
        self.register_outputs({})

    def _make_others(self, rotations: Rotations) -> None:
        """Make what a server has beside them."""

    def _seed(self, name: str) -> pulumi.Output[str]:
        return pulumi.Output.secret(self._random(f"{name}-seed", _SEED_LENGTH).result)

    def _random(self, name: str, length: int) -> random.RandomPassword:
        # Without special characters a value needs no quoting in any of the files it ends up in.
        return random.RandomPassword(
            name + self._suffix, length=length, special=False,
            opts=pulumi.ResourceOptions(parent=self, protect=True))


class Secrets(EngineSecrets):
    """Every secret of the server that has the panel, as secret outputs."""

    panel_password: pulumi.Output[str]
    panel_password_hash: pulumi.Output[str]
    """bcrypt, cost 10, as the provider makes it."""

    panel: pulumi.Output[PanelKeys]
    tunnel: pulumi.Output[TunnelKeys]
    """Of a fleet only."""

    def __init__(self, name: str, domain: str, rotations: Rotations = NEVER, *, leads_fleet: bool = False) -> None:
        self._leads_fleet = leads_fleet
        super().__init__(name, domain, rotations)

    def _make_others(self, rotations: Rotations) -> None:
        password = self._random("panel-password", _PASSWORD_LENGTH)
        self.panel_password = pulumi.Output.secret(password.result)
        self.panel_password_hash = pulumi.Output.secret(password.bcrypt_hash)
        self.panel = self._seed("panel").apply(lambda seed: PanelKeys.from_seed(seed, rotations))
        if self._leads_fleet:
            self.tunnel = self._seed("tunnel").apply(lambda seed: TunnelKeys.from_seed(seed, rotations))
