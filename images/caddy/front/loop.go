package main

import (
	"container/list"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"stealth-vpn/images/caddy/handover"
)

const (
	tick       = 200 * time.Millisecond
	holdAtMost = 3 * time.Second
	// A backend that was silent for so long lets go of a client that begins anew as something else, from the
	// port that its translator gave to another program before. While it answers nobody can take the flow away.
	letGo = 10 * time.Second
)

// options are what the command line says.
type options struct {
	listen   string
	backends [backendCount]netip.AddrPort // the zero value where there is none
	names    [backendCount]string         // server name by which a client asks for the backend, if there is one
	most     int
	idle     time.Duration

	certificates handover.Options // nothing where sing-box has its own
	measured     string           // URL where Xray tells of REALITY's measurement; empty without Xray
}

// loop moves all datagrams: one thread, no lock, no allocation per packet. A system call moves up to 64 KB, so
// that one core forwards more than the cryptography of the backends behind it can take.
type loop struct {
	options
	listener, poll int
	flows          *table
	last           *flow // of the last message, for most come in trains
	in             *batch
	out            *sender
	stats          *counters
	began          time.Time
	now            time.Duration
	swept          time.Duration
	complained     time.Duration
	stopping       atomic.Bool
}

func newLoop(chosen options, stats *counters) (*loop, error) {
	listener, err := listen(chosen.listen)
	if err != nil {
		return nil, err
	}
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	made := &loop{
		options: chosen, listener: listener, poll: poll, flows: newTable(chosen.most), in: newBatch(),
		out: &sender{segmentation: canSegment(listener), stats: stats}, stats: stats, began: time.Now(),
	}
	stats.heartbeat.Store(made.began.UnixNano())
	return made, made.watch(listener)
}

func (loop *loop) watch(socket int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(socket)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(loop.poll, unix.EPOLL_CTL_ADD, socket, &event))
}

// run returns only after stop or if the kernel refuses to go on.
func (loop *loop) run() error {
	awaitTurn()
	defer loop.close()
	events := make([]unix.EpollEvent, 128)
	for !loop.stopping.Load() {
		count, err := unix.EpollWait(loop.poll, events, int(tick.Milliseconds()))
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		loop.now = time.Since(loop.began)
		for _, event := range events[:max(count, 0)] {
			loop.serve(int(event.Fd))
		}
		if loop.now-loop.swept >= tick {
			loop.sweep()
		}
	}
	return nil
}

func (loop *loop) stop() { loop.stopping.Store(true) }

func (loop *loop) close() {
	for _, entry := range loop.flows.byClient {
		loop.end(entry)
	}
	_ = unix.Close(loop.poll)
	_ = unix.Close(loop.listener)
}

// serve takes one batch off a socket; if more is there, epoll says so again after the others had their turn.
func (loop *loop) serve(socket int) {
	entry := loop.flows.bySocket[socket]
	if entry == nil && socket != loop.listener {
		return // ended by an event before this one
	}
	count, err := loop.in.receive(socket)
	if err != nil {
		return // nothing is there, or an ICMP error of an earlier datagram, which is now read
	}
	if entry != nil {
		loop.fromBackend(entry, count)
	} else {
		for index := range count {
			loop.fromClient(index)
		}
	}
	loop.out.flush()
}

func (loop *loop) fromBackend(entry *flow, count int) {
	loop.flows.touch(entry, loop.now)
	entry.answered, entry.lastAnswer = true, loop.now
	to := target{
		socket: loop.listener, name: &entry.client, local: entry.local, cut: entry.backend == toWireguard}
	for index := range count {
		if payload := loop.in.payload(index); len(payload) > 0 {
			segment, _ := loop.in.controlOf(index)
			loop.out.add(to, payload, segment)
		}
	}
}

func (loop *loop) fromClient(index int) {
	payload := loop.in.payload(index)
	if len(payload) == 0 {
		return
	}
	client := &loop.in.clients[index]
	entry := loop.last
	if entry == nil || entry.client != *client {
		entry = loop.flows.byClient[*client]
		loop.last = entry
	}
	segment, local := loop.in.controlOf(index)
	if entry != nil && entry.pending == nil {
		if !loop.beginsAnew(entry, payload[:min(segment, len(payload))]) {
			loop.forward(entry, payload, segment)
			return
		}
		loop.end(entry)
	}
	for datagram := range segments(payload, segment) {
		loop.admit(*client, local, datagram)
	}
}

// forward is the fast path.
func (loop *loop) forward(entry *flow, payload []byte, segment int) {
	if entry.answered && !entry.established {
		entry.established = true
		loop.flows.move(entry, loop.flows.established)
	}
	loop.flows.touch(entry, loop.now)
	loop.out.add(target{socket: entry.socket}, payload, segment)
}

// sweep ends what has been idle, decides what has been held too long, and shows that the loop is alive.
func (loop *loop) sweep() {
	loop.swept = loop.now
	for entry := oldest(loop.flows.undecided); entry != nil && loop.now-entry.began >= holdAtMost; {
		loop.decide(entry, loop.backendOf(""))
		entry = oldest(loop.flows.undecided)
	}
	for _, queue := range [...]*list.List{loop.flows.newcomers, loop.flows.established} {
		for entry := oldest(queue); entry != nil && loop.now-entry.lastSeen >= loop.idle; entry = oldest(queue) {
			loop.end(entry)
		}
	}
	loop.stats.undecided.Store(int64(loop.flows.undecided.Len()))
	loop.stats.heartbeat.Store(time.Now().UnixNano())
}

func (loop *loop) end(entry *flow) {
	loop.out.flush()
	if loop.last == entry {
		loop.last = nil
	}
	loop.flows.remove(entry)
	if entry.socket >= 0 {
		_ = unix.Close(entry.socket) // epoll forgets it by itself
		loop.stats.flows[entry.backend].Add(-1)
	}
}
