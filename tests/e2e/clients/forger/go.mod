module stealth-vpn/tests/e2e/clients/forger

go 1.26.0

require (
	github.com/gorilla/websocket v1.5.3
	github.com/jpillora/chisel v1.11.3
	golang.org/x/crypto v0.41.0
)

require (
	github.com/armon/go-socks5 v0.0.0-20160902184237-e75332964ef5 // indirect
	github.com/fsnotify/fsnotify v1.9.0 // indirect
	github.com/jpillora/sizestr v1.0.0 // indirect
	golang.org/x/net v0.43.0 // indirect
	golang.org/x/sync v0.16.0 // indirect
	golang.org/x/sys v0.35.0 // indirect
)
