package main

import (
	"container/list"
	"time"
)

// The backends, as indexes.
const (
	toWireguard = iota
	toTUIC
	toQUIC
	toSite
	backendCount
	nowhere = -1
)

var backendNames = [backendCount]string{"wireguard", "tuic", "quic", "site"}

const (
	// A real hello is complete within one flight; only a flood fills these.
	mostUndecided          = 1024
	mostUndecidedPerSource = 32
)

// flow is what one client address and port sends and receives.
type flow struct {
	client  address
	local   []byte // our own address towards the client, see target
	backend int
	socket  int
	pending *pending // until its backend is decided

	provisional bool // decided without an Initial that could be read
	answered    bool // the backend has sent something
	established bool // the client has sent something after that: its address is hardly forged

	began, lastSeen, lastAnswer time.Duration // on the loop's clock

	queue *list.List
	place *list.Element
}

// table holds the flows, in queues that are ordered by the time each was last seen.
//
// Only the loop touches it, so that it needs no lock.
type table struct {
	byClient map[address]*flow
	bySocket map[int]*flow
	// Newcomers may hold half of all places. A flood of forged addresses so pushes out other newcomers, and no
	// session that has shown a way back.
	newcomers, established, undecided *list.List
	undecidedBySource                 map[[16]byte]int
	most                              int
}

func newTable(most int) *table {
	return &table{
		byClient: map[address]*flow{}, bySocket: map[int]*flow{}, most: most,
		newcomers: list.New(), established: list.New(), undecided: list.New(),
		undecidedBySource: map[[16]byte]int{},
	}
}

// add makes a flow that is not decided yet.
func (flows *table) add(client address, now time.Duration) *flow {
	made := &flow{
		client: client, backend: nowhere, socket: -1, pending: &pending{},
		began: now, lastSeen: now, lastAnswer: now,
	}
	flows.byClient[client] = made
	flows.undecidedBySource[client.source()]++
	flows.move(made, flows.undecided)
	return made
}

// mayHold tells whether another undecided flow of that source is within the bound.
func (flows *table) mayHold(client *address) bool {
	return flows.undecidedBySource[client.source()] < mostUndecidedPerSource
}

func (flows *table) decided(entry *flow) {
	flows.forgetPending(entry)
	flows.bySocket[entry.socket] = entry
	flows.move(entry, flows.newcomers)
}

func (flows *table) remove(entry *flow) {
	flows.forgetPending(entry)
	entry.queue.Remove(entry.place)
	delete(flows.byClient, entry.client)
	delete(flows.bySocket, entry.socket)
}

func (flows *table) forgetPending(entry *flow) {
	if entry.pending == nil {
		return
	}
	entry.pending = nil
	source := entry.client.source()
	flows.undecidedBySource[source]--
	if flows.undecidedBySource[source] == 0 {
		delete(flows.undecidedBySource, source)
	}
}

func (flows *table) move(entry *flow, queue *list.List) {
	if entry.queue != nil {
		entry.queue.Remove(entry.place)
	}
	entry.queue, entry.place = queue, queue.PushFront(entry)
}

// touch notes that a packet of the flow passed.
func (flows *table) touch(entry *flow, now time.Duration) {
	entry.lastSeen = now
	entry.queue.MoveToFront(entry.place)
}

// surplus returns the flow that must go so that one more has a place, or nil.
func (flows *table) surplus(decided bool) *flow {
	switch {
	case !decided && flows.undecided.Len() >= mostUndecided:
		return oldest(flows.undecided)
	case len(flows.byClient) < flows.most:
		return nil
	case flows.newcomers.Len()+flows.undecided.Len() <= flows.most/2 && flows.established.Len() > 0:
		return oldest(flows.established)
	case flows.newcomers.Len() > 0:
		return oldest(flows.newcomers)
	}
	return oldest(flows.undecided)
}

func oldest(queue *list.List) *flow {
	if queue.Len() == 0 {
		return nil
	}
	return queue.Back().Value.(*flow)
}
