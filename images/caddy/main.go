// Command caddy is Caddy with our own entrances and rate limits compiled in; xcaddy would need its own download.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mholt/caddy-ratelimit"

	_ "stealth-vpn/images/caddy/entrance"
	_ "stealth-vpn/images/caddy/trojan"
)

func main() {
	caddycmd.Main()
}
