"""An operator and a server, for tests."""

from panel.audit import Actor
from panel.config import ServerFacts

OPERATOR = Actor(name="olga", address="192.0.2.7")
SERVER = ServerFacts(
    domain="example.com", port=443, names={}, authority="", reality_public_key="r" * 43, reality_short_id="0" * 16,
    websocket_path="/w", shadowtls_password="", shadowsocks_server_key="k", wireguard_public_key="w" * 43 + "=",
    wireguard_subnet="10.66.66.0/24", wireguard_subnet6="fd9c:3b1e:7a20:2::/64",
    wireguard_endpoint="172.20.0.14:51820", tunnel_path="/t", dns_servers=())
