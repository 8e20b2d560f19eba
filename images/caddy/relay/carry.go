package relay

import (
	"io"
	"net"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pieceBytes is the most that one system call moves: what came together leaves together, in few large packets.
const pieceBytes = 128 << 10

type piece [pieceBytes]byte

// pieces are all connections'. Only one that has bytes under way holds a piece; most are silent most of the time.
var pieces = &sync.Pool{New: func() any { return new(piece) }}

// carry copies until `from` ends or one of the two breaks.
//
// Between two sockets it is reads and writes, and not the splice(2) of io.Copy, which moves single pages: that spares
// two copies and costs more than they do (docs/performance.md).
func carry(into, from net.Conn, pool *sync.Pool) error {
	source, target := raw(from), raw(into)
	if source == nil || target == nil {
		_, err := io.Copy(into, from)
		return err
	}
	for {
		held, count, err := read(source, pool)
		if count > 0 {
			err = write(target, held[:count])
		}
		if held != nil {
			pool.Put(held)
		}
		if err != nil || count == 0 {
			return err
		}
	}
}

// raw is nil for what is more than a socket, such as TLS.
func raw(connection net.Conn) syscall.RawConn {
	socket, is := connection.(*net.TCPConn)
	if !is {
		return nil
	}
	made, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return made
}

// read waits for bytes and takes what is there into a piece, which is the caller's even beside an error;
// no bytes are the end.
func read(source syscall.RawConn, pool *sync.Pool) (held *piece, count int, err error) {
	var failure error
	err = source.Read(func(socket uintptr) (ready bool) {
		held = pool.Get().(*piece)
		count, failure = call(unix.SYS_READ, socket, held[:])
		if failure == unix.EAGAIN {
			pool.Put(held)
			held = nil
		}
		return held != nil
	})
	if err == nil {
		err = failure
	}
	return held, count, err
}

func write(target syscall.RawConn, data []byte) error {
	var failure error
	err := target.Write(func(socket uintptr) (ready bool) {
		for len(data) > 0 && failure == nil {
			var count int
			count, failure = call(unix.SYS_WRITE, socket, data)
			data = data[count:]
		}
		if failure != unix.EAGAIN {
			return true
		}
		failure = nil
		return false
	})
	if err != nil {
		return err
	}
	return failure
}

// call is raw, as in front: on Go's sockets neither call waits, and the scheduler would take the thread's turn away
// meanwhile.
func call(number, socket uintptr, data []byte) (int, error) {
	count, _, failure := unix.RawSyscall(number, socket, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)))
	if failure != 0 {
		return 0, failure
	}
	return int(count), nil
}
