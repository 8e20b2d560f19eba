module stealth-vpn/images/egress

go 1.26
