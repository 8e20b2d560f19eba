module stealth-vpn/images/agent

go 1.26
