package main

import "bytes"

const (
	// A hello takes one or two datagrams, three with 0-RTT; whatever needs more goes where no name goes.
	heldDatagrams = 8
	heldBytes     = heldDatagrams * 2048
)

// verdict is what a held flow's datagrams tell.
type verdict int

const (
	wait       verdict = iota // the hello is not complete
	complete                  // the server name is known, "" if there is none or more was sent than is ever held
	unreadable                // the public keys open no hello; a later Initial may
)

// pending is a flow whose server name is not known yet, with its datagrams in the order they came.
type pending struct {
	held       [][]byte
	size       int
	keys       *initialKeys
	hello      helloBuffer
	serverName string // once the hello is complete
}

// add holds a copy of the datagram and judges all that was held.
func (flow *pending) add(datagram []byte) verdict {
	flow.held = append(flow.held, bytes.Clone(datagram))
	flow.size += len(datagram)
	result := flow.judge(datagram)
	if result == wait && (len(flow.held) >= heldDatagrams || flow.size >= heldBytes) {
		return complete
	}
	return result
}

func (flow *pending) judge(datagram []byte) verdict {
	if kind := classify(datagram); kind != initial && kind != early {
		return wait // a stray: the Initial is still to come
	}
	if err := flow.read(datagram); err != nil {
		return unreadable
	}
	name, whole, err := flow.hello.serverName()
	switch {
	case err != nil:
		return unreadable
	case !whole:
		return wait
	}
	flow.serverName = name
	return complete
}

// read collects the hello out of all Initials of a datagram, between which other packets may stand.
func (flow *pending) read(datagram []byte) error {
	for len(datagram) > 0 && datagram[0]&longHeader != 0 {
		protected, rest, err := splitPacket(datagram)
		if err != nil {
			return err
		}
		datagram = rest
		if protected.kind != protected.version.initialType {
			continue
		}
		if err := flow.readInitial(protected); err != nil {
			return err
		}
	}
	return nil
}

func (flow *pending) readInitial(protected packet) error {
	// Until the server answers, all Initials of a client carry the same connection ID.
	if flow.keys == nil || flow.keys.version != protected.version ||
		!bytes.Equal(flow.keys.connectionID, protected.connectionID) {
		keys, err := newInitialKeys(protected.version, protected.connectionID)
		if err != nil {
			return err
		}
		flow.keys = keys
	}
	frames, err := flow.keys.open(protected)
	if err != nil {
		return err
	}
	return flow.hello.add(frames)
}
