package main

import "bytes"

// lines is a stream that hands on what is written to it line by line.
type lines struct {
	to   func(line string)
	rest []byte
}

func (l *lines) Write(piece []byte) (int, error) {
	l.rest = append(l.rest, piece...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(piece), nil
		}
		l.to(string(line))
		l.rest = rest
	}
}
