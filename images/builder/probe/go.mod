module stealth-vpn/images/probe

go 1.26
