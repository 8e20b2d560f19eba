package main

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// awaitTurn binds the caller to its thread, and has that, and each process that it starts, never interrupt another
// one that is at work (SCHED_BATCH, sched(7)).
//
// Whoever mostly waits gets the core at once when something comes. Between a daemon and its client that is after each
// of their packets, so that each one costs two changes of process; after its turn there are several, which go on
// together. On an idle core all starts as soon as ever. A kernel that refuses is only slower.
func awaitTurn() {
	runtime.LockOSThread()
	if attributes, err := unix.SchedGetAttr(0, 0); err == nil {
		attributes.Policy = unix.SCHED_BATCH
		_ = unix.SchedSetAttr(0, attributes, 0)
	}
}
