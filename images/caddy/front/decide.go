package main

import (
	"encoding/binary"
	"log"
	"strings"
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
	result := entry.pending.add(datagram)
	if result == wait {
		return
	}
	entry.provisional = result == unreadable
	loop.decide(entry, loop.backendOf(entry.pending.serverName))
}

// backendOf tells who answers to a server name. A tunnel gets what asks for it by its name; all else is a visitor's,
// who may have come to compare us with an ordinary web server.
func (chosen options) backendOf(serverName string) int {
	for backend, name := range chosen.names {
		if name != "" && strings.EqualFold(name, serverName) {
			return backend
		}
	}
	if chosen.backends[toSite].IsValid() {
		return toSite
	}
	return toQUIC
}

// backendOfMoved tells who may know a flow that began elsewhere: a tunnel's client changes its address more often
// than a visitor, whose browser simply connects anew.
func (chosen options) backendOfMoved() int {
	if chosen.backends[toQUIC].IsValid() {
		return toQUIC
	}
	return toSite
}

// decidesByName tells whether a server name makes a difference.
func (chosen options) decidesByName() bool { return chosen.names != [backendCount]string{} }

// begin makes a flow, undecided only if a server name can still tell two backends apart.
func (loop *loop) begin(client address, local []byte, first kind) *flow {
	backend := loop.backendOf("")
	switch first {
	case noise:
		loop.stats.noise.Add(1)
		return nil
	case wireguard:
		backend = toWireguard
	case moved:
		backend = loop.backendOfMoved()
	case initial, early:
		if loop.decidesByName() {
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
	entry.provisional = first == moved || first == unknownVersion
	if backend != nowhere && !loop.decide(entry, backend) {
		return nil
	}
	return entry
}

// decide connects the flow to its backend and delivers what was held, in order.
func (loop *loop) decide(entry *flow, backend int) bool {
	held := entry.pending.held
	socket, err := loop.connect(backend, &entry.client)
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

func (loop *loop) connect(backend int, client *address) (int, error) {
	socket, err := dial(loop.backends[backend], client)
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
	opens := found == initial || found == unknownVersion
	if found == noise || !opens && (found == wireguard) == isWireguard {
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
