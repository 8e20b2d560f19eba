package main

import (
	"encoding/binary"
	"log"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// admit takes one datagram of a flow that is new or undecided.
func (loop *loop) admit(client address, local, datagram []byte) {
	entry := loop.flows.byClient[client]
	if entry == nil {
		if entry = loop.begin(client, local, classify(datagram)); entry == nil {
			return
		}
	}
	if entry.pending == nil {
		loop.forward(entry, datagram, len(datagram))
		return
	}
	switch result := entry.pending.add(datagram, loop.tuicName); result {
	case wait:
	case named:
		loop.decide(entry, toTUIC)
	default:
		entry.provisional = result == unreadable
		loop.decide(entry, toQUIC)
	}
}

// begin makes a flow, undecided only if a server name can still tell two backends apart.
func (loop *loop) begin(client address, local []byte, first kind) *flow {
	backend := toQUIC
	switch first {
	case noise:
		loop.stats.noise.Add(1)
		return nil
	case wireguard:
		backend = toWireguard
	case initial, early:
		if loop.backends[toTUIC].IsValid() {
			backend = nowhere
		}
	}
	if backend != nowhere && !loop.backends[backend].IsValid() {
		loop.stats.noise.Add(1)
		return nil
	}
	if backend == nowhere && !loop.flows.mayHold(&client) {
		loop.stats.refused.Add(1)
		return nil
	}
	if surplus := loop.flows.surplus(backend != nowhere); surplus != nil {
		loop.stats.evicted.Add(1)
		loop.end(surplus)
	}
	entry := loop.flows.add(client, loop.now)
	entry.local = replyFrom(local)
	entry.provisional = first == anotherQUIC
	if backend != nowhere && !loop.decide(entry, backend) {
		return nil
	}
	return entry
}

// decide connects the flow to its backend and delivers what was held, in order.
func (loop *loop) decide(entry *flow, backend int) bool {
	held := entry.pending.held
	socket, err := loop.connect(backend)
	if err != nil {
		loop.complain("a flow to %s is lost: %v", backendNames[backend], err)
		loop.stats.refused.Add(1)
		loop.end(entry)
		return false
	}
	entry.socket, entry.backend, entry.lastAnswer = socket, backend, loop.now
	loop.flows.decided(entry)
	loop.stats.flows[backend].Add(1)
	loop.stats.decided[backend].Add(1)
	for _, datagram := range held {
		loop.forward(entry, datagram, len(datagram))
	}
	loop.out.flush()
	return true
}

// complain logs at most once a minute, for what one flow meets in a flood thousands will.
func (loop *loop) complain(format string, values ...any) {
	if loop.complained == 0 || loop.now-loop.complained >= time.Minute {
		loop.complained = loop.now
		log.Printf(format, values...)
	}
}

func (loop *loop) connect(backend int) (int, error) {
	socket, err := dial(loop.backends[backend])
	if err != nil {
		return -1, err
	}
	if err := loop.watch(socket); err != nil {
		_ = unix.Close(socket)
		return -1, err
	}
	return socket, nil
}

// beginsAnew tells whether a decided flow should be decided once more: its datagram is of another protocol or
// opens a connection, and the old decision was made without a name or its backend has fallen silent.
func (loop *loop) beginsAnew(entry *flow, datagram []byte) bool {
	isWireguard := entry.backend == toWireguard
	switch first := datagram[0] & (longHeader | fixedBit); {
	case isWireguard && first == 0, !isWireguard && first == fixedBit:
		return false // all but a few packets end here
	}
	found := classify(datagram)
	if found == noise || found != initial && (found == wireguard) == isWireguard {
		return false
	}
	return entry.provisional && !entry.established || loop.now-entry.lastAnswer >= letGo
}

// replyFrom makes the control message that sends from the address which the client had sent to.
func replyFrom(local []byte) []byte {
	if len(local) == 0 {
		return nil
	}
	made := make([]byte, unix.CmsgSpace(len(local)-unix.CmsgLen(0)))
	copy(made, local)
	// The way back is the routing table's choice, not the interface's that the first datagram came by.
	content := made[unix.CmsgLen(0):]
	if (*unix.Cmsghdr)(unsafe.Pointer(&made[0])).Level == unix.IPPROTO_IP {
		binary.NativeEndian.PutUint32(content, 0)
	} else {
		binary.NativeEndian.PutUint32(content[16:], 0)
	}
	return made
}
