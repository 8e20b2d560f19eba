// Command caddy is Caddy with first-packet routing, our own relay and rate limits compiled in; xcaddy would need its own download.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mholt/caddy-l4"
	_ "github.com/mholt/caddy-ratelimit"

	_ "stealth-vpn/images/caddy/relay"
)

func main() {
	caddycmd.Main()
}
