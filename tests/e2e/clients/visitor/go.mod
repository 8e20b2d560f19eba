module stealth-vpn/tests/e2e/clients/visitor

go 1.26.0
