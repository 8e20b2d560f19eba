package main

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestEachProtocolReachesItsBackendAndIsAnsweredByTheAddressItAsked(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	garbled := newSealer(versionOne).datagrams(makeHello(t, quicName, false))[0]
	garbled[700] ^= 1
	// 127.0.0.2 stands for the second address of a machine: the kernel alone would answer by the first.
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "::1"} {
		for _, entry := range []struct {
			to       *backend
			datagram []byte
		}{
			{running.wireguard, wireguardMessage()}, {running.wireguard, message(4, 32)},
			{running.tuic, newSealer(versionOne).datagrams(makeHello(t, tuicName, false))[0]},
			{running.tuic, newSealer(versionTwo).datagrams(makeHello(t, tuicName, false))[0]},
			{running.tuic, newSealer(versionOne).datagrams(makeHello(t, "T.Example.COM", false))[0]},
			{running.quic, newSealer(versionOne).datagrams(makeHello(t, quicName, false))[0]},
			{running.quic, newSealer(versionTwo).datagrams(makeHello(t, quicName, false))[0]},
			{running.quic, shortHeader()},
			{running.site, newSealer(versionOne).datagrams(makeHello(t, otherName, false))[0]},
			{running.site, newSealer(versionTwo).datagrams(makeHello(t, "192.0.2.1", false))[0]}, // without a name
			{running.site, unknownVersionDatagram()}, {running.site, garbled},
		} {
			exchange(t, running.client(t, host), entry.to, entry.datagram)
		}
	}
}

func TestAHelloOfTwoDatagramsIsDeliveredInTheOrderItCame(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	for name, to := range map[string]*backend{
		tuicName: running.tuic, quicName: running.quic, otherName: running.site} {
		datagrams := newSealer(versionOne).datagrams(makeHello(t, name, true))
		client := running.client(t, "127.0.0.1")
		send(t, client, datagrams[1])
		to.expectNothing(t, 50*time.Millisecond)
		send(t, client, datagrams[0], shortHeader())
		from := to.expect(t, datagrams[1])
		if to.expect(t, datagrams[0]) != from || to.expect(t, shortHeader()) != from {
			t.Errorf("%s: the flow has two sockets", name)
		}
	}
}

func TestAFlowKeepsItsBackendAndItsSocket(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	client := running.client(t, "127.0.0.1")
	from := exchange(t, client, running.tuic, newSealer(versionOne).datagrams(makeHello(t, tuicName, false))[0])
	for _, datagram := range [][]byte{
		shortHeader(), newSealer(versionOne).datagrams(makeHello(t, otherName, false))[0], wireguardMessage(),
		[]byte("noise"),
	} {
		if again := exchange(t, client, running.tuic, datagram); again != from {
			t.Errorf("%v, and then %v", from, again)
		}
	}
}

func TestAFlowThatBeganWithoutANameIsDecidedByItsFirstInitial(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	datagram := newSealer(versionOne).datagrams(makeHello(t, tuicName, false))[0]
	client := running.client(t, "127.0.0.1")
	exchange(t, client, running.quic, shortHeader())
	exchange(t, client, running.site, unknownVersionDatagram())
	exchange(t, client, running.tuic, datagram)
	// Once the client has answered an answer, nobody takes the flow away with a forged Initial.
	other := running.client(t, "127.0.0.1")
	exchange(t, other, running.quic, shortHeader())
	exchange(t, other, running.quic, shortHeader())
	exchange(t, other, running.quic, datagram)
}

func TestOnlyASilentBackendLetsGoOfItsFlow(t *testing.T) {
	loop := &loop{now: time.Minute}
	hello := newSealer(versionOne).datagrams(makeHello(t, tuicName, false))[0]
	for _, entry := range []struct {
		backend  int
		datagram []byte
		again    bool
	}{
		{toWireguard, hello, true}, {toWireguard, shortHeader(), true}, {toWireguard, message(4, 32), false},
		{toWireguard, []byte("noise"), false},
		{toQUIC, wireguardMessage(), true}, {toQUIC, hello, true}, {toQUIC, shortHeader(), false},
		{toSite, hello, true}, {toSite, unknownVersionDatagram(), true}, {toSite, shortHeader(), false},
		{toTUIC, []byte{1}, false},
	} {
		silent := &flow{backend: entry.backend, lastAnswer: loop.now - letGo}
		busy := &flow{backend: entry.backend, lastAnswer: loop.now - letGo + 1}
		if loop.beginsAnew(silent, entry.datagram) != entry.again || loop.beginsAnew(busy, entry.datagram) {
			t.Errorf("backend %d, %x", entry.backend, entry.datagram[:1])
		}
	}
}

func TestNoiseIsDroppedInSilence(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	client := running.client(t, "127.0.0.1")
	send(t, client, []byte("x"), bytes.Repeat([]byte{0x12}, 500), message(5, 200))
	eventually(t, "three drops", func() bool { return running.stats.noise.Load() == 3 })
	_ = client.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if size, err := client.Read(make([]byte, 10)); err == nil {
		t.Errorf("answered by %d bytes", size)
	}
	if flows := running.stats.report().Flows; flows["quic"]+flows["wireguard"]+flows["tuic"] != 0 {
		t.Error(flows)
	}
}

func TestWhatHasNoBackendIsDropped(t *testing.T) {
	t.Parallel()
	running := serve(t, func(chosen *options) {
		chosen.backends = [backendCount]netip.AddrPort{toWireguard: chosen.backends[toWireguard]}
		chosen.names = [backendCount]string{}
	})
	client := running.client(t, "127.0.0.1")
	send(t, client, newSealer(versionOne).datagrams(makeHello(t, tuicName, false))[0], shortHeader())
	eventually(t, "two drops", func() bool { return running.stats.noise.Load() == 2 })
	exchange(t, client, running.wireguard, wireguardMessage())
}

func TestWithoutNamesNothingIsHeld(t *testing.T) {
	t.Parallel()
	half := newSealer(versionOne).datagrams(makeHello(t, otherName, true))[1]
	for _, only := range []int{toQUIC, toSite} {
		running := serve(t, func(chosen *options) {
			kept := chosen.backends[only]
			chosen.backends, chosen.names = [backendCount]netip.AddrPort{}, [backendCount]string{}
			chosen.backends[only] = kept
		})
		to := map[int]*backend{toQUIC: running.quic, toSite: running.site}[only]
		for _, datagram := range [][]byte{half, shortHeader(), unknownVersionDatagram()} {
			exchange(t, running.client(t, "127.0.0.1"), to, datagram)
		}
	}
}

func TestWithoutASiteWhatNamesNeitherTunnelGoesToTheQUICBackend(t *testing.T) {
	t.Parallel()
	running := serve(t, func(chosen *options) {
		chosen.backends[toSite], chosen.names[toQUIC] = netip.AddrPort{}, ""
	})
	for _, datagram := range [][]byte{
		newSealer(versionOne).datagrams(makeHello(t, otherName, false))[0], unknownVersionDatagram()} {
		exchange(t, running.client(t, "127.0.0.1"), running.quic, datagram)
	}
}

func TestABackendOnThisMachineTellsClientsApartByAddress(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	hello := newSealer(versionOne).datagrams(makeHello(t, otherName, false))[0]
	seen := func(source string) netip.Addr {
		client := running.clientFrom(t, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(source+":0")), "127.0.0.1")
		return exchange(t, client, running.site, hello).Addr()
	}
	one, again, other := seen("127.0.0.3"), seen("127.0.0.3"), seen("127.0.0.4")
	if one != again || one == other {
		t.Errorf("one client is %v and %v, another %v", one, again, other)
	}
}

func TestAStandInIsNeverAnAddressThatTheMachineUsesItself(t *testing.T) {
	services, everybody := netip.MustParsePrefix("127.0.0.0/16"), netip.MustParseAddr("127.255.255.255")
	for number := range 200_000 {
		client := &address{2, 0, 0, 1, 10, byte(number >> 16), byte(number >> 8), byte(number)}
		if found := standIn(client); !found.IsLoopback() || services.Contains(found) || found == everybody {
			t.Fatal(found)
		}
	}
	subscriber := func(host byte) *address { return &address{10, 0, 9, 9, 8: 0x20, 1, 15: 7, 23: host} }
	if standIn(subscriber(1)) != standIn(subscriber(2)) {
		t.Error("one IPv6 subscriber has two stand-ins")
	}
}

func TestAnUndecidableFlowGoesToTheSiteAfterABound(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	half := newSealer(versionOne).datagrams(makeHello(t, tuicName, true))[1]
	slow, many := running.client(t, "127.0.0.1"), running.client(t, "127.0.0.1")
	began := time.Now()
	send(t, many, half, half, half, half, half, half, half)
	running.site.expectNothing(t, 50*time.Millisecond)
	send(t, many, half)
	for range heldDatagrams {
		running.site.expect(t, half)
	}
	send(t, slow, half)
	time.Sleep(holdAtMost - patience + 500*time.Millisecond)
	running.site.expect(t, half)
	if held := time.Since(began); held < holdAtMost {
		t.Errorf("held for %v", held)
	}
}

func TestAnIPv4AddressIsEnough(t *testing.T) {
	t.Parallel()
	running := serve(t, func(chosen *options) { chosen.listen = "0.0.0.0:0" })
	exchange(t, running.client(t, "127.0.0.2"), running.wireguard, wireguardMessage())
	exchange(t, running.client(t, "127.0.0.1"), running.quic, shortHeader())
}

func TestAFlowOutlivesAnAbsenceOfItsBackend(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	client := running.client(t, "127.0.0.1")
	from := exchange(t, client, running.wireguard, wireguardMessage())
	at := running.wireguard.address()
	_ = running.wireguard.socket.Close()
	for range 5 {
		send(t, client, wireguardMessage())
		time.Sleep(5 * time.Millisecond)
	}
	back := newBackend(t, "W", at.String())
	if again := exchange(t, client, back, wireguardMessage()); again != from {
		t.Errorf("%v, and then %v", from, again)
	}
}

func TestARunningLoopShowsThatItIsAlive(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	began := running.began.UnixNano()
	eventually(t, "a heartbeat", func() bool { return running.stats.heartbeat.Load() > began })
	if !running.stats.alive() {
		t.Error("not alive")
	}
}

func TestPathProbesAreNeitherCutNorAnswered(t *testing.T) {
	running := prepare(t, nil)
	defer running.close()
	socket, err := dial(running.quic.address(), &address{})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	for _, one := range []int{running.listener, socket} {
		for level, option := range map[int]int{
			unix.IPPROTO_IP: unix.IP_MTU_DISCOVER, unix.IPPROTO_IPV6: unix.IPV6_MTU_DISCOVER} {
			if value, err := unix.GetsockoptInt(one, level, option); err != nil || value != unix.IP_PMTUDISC_PROBE {
				t.Errorf("level %d: %d, %v", level, value, err)
			}
		}
	}
}

func TestOnlyWireguardSDatagramsMayBeCutOnTheirWay(t *testing.T) {
	t.Parallel()
	running := serve(t, nil)
	expect := func(mode int) {
		t.Helper()
		for _, option := range [][2]int{
			{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER}, {unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER},
		} {
			if got, err := unix.GetsockoptInt(running.listener, option[0], option[1]); err != nil || got != mode {
				t.Errorf("option %v is %d (%v), want %d", option, got, err, mode)
			}
		}
	}
	expect(unix.IP_PMTUDISC_PROBE)
	for range 2 {
		exchange(t, running.client(t, "127.0.0.1"), running.wireguard, wireguardMessage())
		expect(unix.IP_PMTUDISC_DONT)
		exchange(t, running.client(t, "::1"), running.quic, shortHeader())
		expect(unix.IP_PMTUDISC_PROBE)
	}
}

func TestAWrongAddressIsNamed(t *testing.T) {
	taken, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, address := range []string{taken.LocalAddr().String(), "localhost:1", "nonsense"} {
		if _, err := newLoop(options{listen: address}, &counters{}); err == nil {
			t.Errorf("%s was accepted", address)
		}
	}
}
