package entrance

import "sync"

// Only who knows the password can add to them, so that nobody drives out others' by flooding.
const mostSeen = 1 << 16

// seen outlives reloads. A restart forgets it, and a recording from before is then sing-box's.
var seen = &memory{known: map[[sessionIDBytes]byte]struct{}{}}

// memory holds the latest session ids of relayed hellos: one that comes again is a recording, which is Caddy's.
type memory struct {
	mutex sync.Mutex
	known map[[sessionIDBytes]byte]struct{}
	// order is a ring; next is the place of the oldest once it is full.
	order [][sessionIDBytes]byte
	next  int
}

// add remembers an id, and tells whether it is new.
func (m *memory) add(id [sessionIDBytes]byte) bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if _, known := m.known[id]; known {
		return false
	}
	m.known[id] = struct{}{}
	if len(m.order) < mostSeen {
		m.order = append(m.order, id)
		return true
	}
	delete(m.known, m.order[m.next])
	m.order[m.next], m.next = id, (m.next+1)%mostSeen
	return true
}
