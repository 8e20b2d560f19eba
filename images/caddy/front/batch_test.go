package main

import (
	"bytes"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// sendTrain gives the kernel one buffer to cut into datagrams of the size.
func sendTrain(t testing.TB, client *net.UDPConn, train []byte, size int) {
	t.Helper()
	control := make([]byte, 64)
	if _, _, err := client.WriteMsgUDP(train, control[:putSegmentSize(control, size)], nil); err != nil {
		t.Fatal(err)
	}
}

func TestATrainOfDatagramsPassesWithItsBoundariesAndOrder(t *testing.T) {
	t.Parallel()
	var train []byte
	for number := range 40 {
		train = append(train, bytes.Repeat([]byte{fixedBit | byte(number)}, 1200)...)
	}
	train = train[:len(train)-300]
	for _, segmentation := range []bool{true, false} {
		running := prepare(t, nil)
		running.out.segmentation = segmentation
		running.start(t)
		client := running.client(t, "127.0.0.1")
		for range 2 { // the first finds no flow, the second takes the fast path
			sendTrain(t, client, train, 1200)
			for datagram := range segments(train, 1200) {
				running.quic.expect(t, datagram)
				expectAnswer(t, client, []byte("Q"), datagram)
			}
		}
	}
}

func TestATrainIsReceivedAndSentAsOne(t *testing.T) {
	running := prepare(t, nil)
	defer running.close()
	client := running.client(t, "127.0.0.1")
	train := append(shortHeader(), make([]byte, 30*60-100)...)
	send(t, client, shortHeader())
	running.serve(running.listener)
	sendTrain(t, client, train, 60)
	if count, err := running.in.receive(running.listener); count != 1 || err != nil {
		t.Fatalf("%d messages, %v", count, err)
	}
	running.fromClient(0)
	if running.out.count != 1 || running.out.segments != 30 || running.out.bytes != len(train) {
		t.Errorf("%d buffers, %d datagrams, %d bytes", running.out.count, running.out.segments, running.out.bytes)
	}
}

func TestDatagramsGoTogetherOnlyIfTheKernelCutsThemTheSameWay(t *testing.T) {
	to, other := target{socket: 1}, target{socket: 2}
	thousand, hundred := make([]byte, 1000), make([]byte, 100)
	out := &sender{segmentation: true, stats: &counters{}}
	start := func(payload []byte, size int) {
		out.count, out.segments, out.bytes, out.short = 0, 0, 0, false
		out.add(to, payload, size)
	}
	for _, entry := range []struct {
		name          string
		first         []byte
		size          int
		to            target
		second        []byte
		secondSize    int
		goTogether    bool
		secondSegment int
	}{
		{"equal", thousand, 1000, to, thousand, 1000, true, 1},
		{"a shorter one last", thousand, 1000, to, hundred, 100, true, 1},
		{"a longer one", hundred, 100, to, thousand, 1000, false, 1},
		{"another flow", thousand, 1000, other, thousand, 1000, false, 1},
		{"another client", thousand, 1000, target{socket: 1, name: &address{1}}, thousand, 1000, false, 1},
		{"two trains", thousand, 100, to, thousand, 100, true, 10},
		{"a train of another size", thousand, 100, to, thousand, 200, false, 5},
		{"behind a shorter one", thousand, 300, to, hundred, 300, false, 1},
	} {
		start(entry.first, entry.size)
		if found := out.fits(entry.to, entry.second, entry.secondSize, entry.secondSegment); found != entry.goTogether {
			t.Errorf("%s: %v", entry.name, found)
		}
	}
	start(make([]byte, 64_000), 1000)
	if out.fits(to, thousand, 1000, 1) {
		t.Error("a 65th datagram would be refused by kernels before 6.9")
	}
	start(make([]byte, 64_800), 1200)
	if out.fits(to, thousand, 1200, 1) {
		t.Error("more than an IPv4 datagram holds")
	}
	out.segmentation = false
	start(thousand, 1000)
	if out.fits(to, thousand, 1000, 1) {
		t.Error("gathered without segmentation")
	}
}

func TestADatagramThatThePathCannotTakeIsLostAloneAndCounted(t *testing.T) {
	running := prepare(t, nil)
	defer running.close()
	socket, err := dial(running.wireguard.address(), &address{})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	// The loopback device takes 65,536 bytes with headers; the gathered whole is above what UDP can carry.
	whole := make([]byte, 65_600)
	running.out.add(target{socket: socket}, whole, 32_800)
	running.out.flush()
	running.wireguard.expect(t, whole[:32_800])
	running.wireguard.expect(t, whole[32_800:])
	running.out.add(target{socket: socket}, whole, len(whole))
	running.out.flush()
	if lost := running.stats.unsendable.Load(); lost != 1 {
		t.Errorf("%d counted", lost)
	}
}

func TestAnErrorOfAnEarlierDatagramCostsNoLaterOne(t *testing.T) {
	running := prepare(t, nil)
	defer running.close()
	at := running.wireguard.address()
	_ = running.wireguard.socket.Close()
	socket, err := dial(at, &address{})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	running.out.add(target{socket: socket}, shortHeader(), 60)
	running.out.flush() // the loopback device reports at once that nobody listens
	back := newBackend(t, "W", at.String())
	running.out.add(target{socket: socket}, wireguardMessage(), 148)
	running.out.flush()
	back.expect(t, wireguardMessage())
}

func TestManyDatagramsAreReceivedByOneCall(t *testing.T) {
	running := prepare(t, nil)
	defer running.close()
	client := running.client(t, "127.0.0.1")
	for size := range 20 {
		send(t, client, message(fixedBit, 60+size))
	}
	if count, err := running.in.receive(running.listener); count != 20 || err != nil {
		t.Errorf("%d messages, %v", count, err)
	}
}

func TestTheFastPathAllocatesNothing(t *testing.T) {
	behind, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer behind.Close()
	running := prepare(t, func(chosen *options) {
		chosen.backends[toQUIC] = behind.LocalAddr().(*net.UDPAddr).AddrPort()
	})
	defer running.close()
	client := running.client(t, "127.0.0.1")
	datagram := shortHeader()
	send(t, client, datagram)
	running.serve(running.listener)
	_, from, err := behind.ReadFromUDPAddrPort(make([]byte, 100))
	if err != nil {
		t.Fatal(err)
	}
	var socket int
	for socket = range running.flows.bySocket {
	}
	if found := testing.AllocsPerRun(200, func() {
		_, _ = client.Write(datagram)
		running.serve(running.listener)
		_, _ = behind.WriteToUDPAddrPort(datagram, from)
		running.serve(socket)
	}); found > 0 {
		t.Errorf("%v allocations for a packet each way", found)
	}
	if out, back := running.stats.toBackends.Load(), running.stats.toClients.Load(); out < 200*60 || back < 200*60 {
		t.Errorf("only %d and %d bytes passed", out, back)
	}
}
