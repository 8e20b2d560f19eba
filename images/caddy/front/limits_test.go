package main

import (
	"fmt"
	"net"
	"testing"
	"time"
)

func TestAnIdleFlowIsForgottenAndABusyOneIsNot(t *testing.T) {
	t.Parallel()
	running := serve(t, func(chosen *options) { chosen.idle = 500 * time.Millisecond })
	idle, busy := running.client(t, "127.0.0.1"), running.client(t, "127.0.0.1")
	idleFrom := exchange(t, idle, running.wireguard, wireguardMessage())
	busyFrom := exchange(t, busy, running.wireguard, wireguardMessage())
	for range 12 {
		time.Sleep(100 * time.Millisecond)
		if again := exchange(t, busy, running.wireguard, wireguardMessage()); again != busyFrom {
			t.Fatalf("%v, and then %v", busyFrom, again)
		}
	}
	if flows := running.stats.report().Flows["wireguard"]; flows != 1 {
		t.Errorf("%d flows", flows)
	}
	if again := exchange(t, idle, running.wireguard, wireguardMessage()); again == idleFrom {
		t.Error("the idle flow was kept")
	}
}

func TestTheOldestFlowMakesRoomForANewOne(t *testing.T) {
	t.Parallel()
	running := serve(t, func(chosen *options) { chosen.most = 4 })
	clients := make([]*net.UDPConn, 6)
	for index := range clients {
		clients[index] = running.client(t, "127.0.0.1")
		exchange(t, clients[index], running.wireguard, wireguardMessage())
	}
	report := running.stats.report()
	if report.Flows["wireguard"] != 4 || report.Evicted != 2 {
		t.Errorf("%d flows, %d evicted", report.Flows["wireguard"], report.Evicted)
	}
	for _, client := range clients { // all still work, each in a place that another had
		exchange(t, client, running.wireguard, wireguardMessage())
	}
}

func TestAFlowThatWasSeenLaterIsNotTheOldest(t *testing.T) {
	flows := newTable(2)
	first, second := flows.add(address{1}, 0), flows.add(address{2}, 1)
	for socket, entry := range []*flow{first, second} {
		entry.socket = socket
		flows.decided(entry)
	}
	if flows.surplus(true) != first {
		t.Error("the first flow is the oldest")
	}
	flows.touch(first, 2)
	if flows.surplus(true) != second {
		t.Error("now the second is")
	}
}

func TestAFloodOfNewcomersPushesOutNoEstablishedFlow(t *testing.T) {
	t.Parallel()
	running := serve(t, func(chosen *options) { chosen.most = 8 })
	session := running.client(t, "127.0.0.1")
	from := exchange(t, session, running.wireguard, wireguardMessage())
	exchange(t, session, running.wireguard, wireguardMessage())
	for range 50 {
		send(t, running.client(t, "127.0.0.1"), shortHeader())
		running.quic.expect(t, shortHeader())
	}
	if again := exchange(t, session, running.wireguard, wireguardMessage()); again != from {
		t.Errorf("%v, and then %v", from, again)
	}
	// Established flows may have all places where nobody else wants them, and give them back oldest first.
	for range 20 {
		client := running.client(t, "127.0.0.1")
		exchange(t, client, running.wireguard, wireguardMessage())
		exchange(t, client, running.wireguard, wireguardMessage())
	}
	if again := exchange(t, session, running.wireguard, wireguardMessage()); again == from {
		t.Error("the oldest of too many established flows was kept")
	}
}

func TestAFloodOfHalfInitialsDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	half := newSealer(versionOne).datagrams(makeHello(t, tuicName, true))[1]
	flood := func() {
		for range 200 {
			send(t, running.client(t, "127.0.0.1"), half)
		}
	}
	flood()
	eventually(t, "refusals", func() bool { return running.stats.refused.Load() > 0 })
	go flood()
	victim := running.clientFrom(t, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 3)}, "127.0.0.1")
	datagrams := newSealer(versionOne).datagrams(makeHello(t, tuicName, true))
	began := time.Now()
	send(t, victim, datagrams...)
	running.tuic.expect(t, datagrams[0])
	running.tuic.expect(t, datagrams[1])
	if delay := time.Since(began); delay > 500*time.Millisecond {
		t.Errorf("delayed by %v", delay)
	}
	eventually(t, "the bound", func() bool { return running.stats.undecided.Load() == mostUndecidedPerSource })
	// The source itself still has all that needs no name.
	exchange(t, running.client(t, "127.0.0.1"), running.wireguard, wireguardMessage())
}

func TestAFloodFromEverywhereHoldsABoundedNumberOfFlows(t *testing.T) {
	running := prepare(t, func(chosen *options) { chosen.most = 3 * mostUndecided })
	defer running.close()
	half := newSealer(versionOne).datagrams(makeHello(t, tuicName, true))[1]
	for number := range mostUndecided + 100 {
		var forged address
		copy(forged[:], []byte{2, 0, 0, 1, 10, 0, byte(number >> 8), byte(number)})
		running.admit(forged, nil, half)
	}
	if held := running.flows.undecided.Len(); held != mostUndecided || running.stats.evicted.Load() != 100 {
		t.Errorf("%d held, %d evicted", held, running.stats.evicted.Load())
	}
	if sources := len(running.flows.undecidedBySource); sources != mostUndecided {
		t.Errorf("%d sources remembered", sources)
	}
}

func TestASourceIsAnIPv4AddressOrAnIPv6Subscriber(t *testing.T) {
	inet4 := func(last byte) *address { return &address{2, 0, 9, 9, 192, 0, 2, last} }
	mapped := func(last byte) *address {
		return &address{10, 0, 9, 9, 8: 0, 18: 0xff, 19: 0xff, 20: 192, 0, 2, last}
	}
	inet6 := func(subnet, host byte) *address { return &address{10, 0, 9, 9, 8: 0x20, 1, 15: subnet, 23: host} }
	for _, entry := range []struct {
		one, other *address
		same       bool
	}{
		{inet4(1), inet4(1), true}, {inet4(1), inet4(2), false}, {mapped(1), mapped(1), true},
		{mapped(1), mapped(2), false}, {inet6(1, 1), inet6(1, 2), true}, {inet6(1, 1), inet6(2, 1), false},
	} {
		if (entry.one.source() == entry.other.source()) != entry.same {
			t.Error(fmt.Sprint(entry.one.source(), entry.other.source()))
		}
	}
}
