package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Served bytes repeat a block that nobody can compress and whose length divides no power of two, so that bytes that
// are lost, doubled or in another order are seen.
const blockSize = 65521

// perSecond is how many pieces a paced answer has in a second.
const perSecond = 10

var block = func() []byte {
	made := make([]byte, blockSize)
	_, _ = rand.NewChaCha8([32]byte{}).Read(made) // never fails
	return made
}()

// blocks gives the bytes of the stream from a position on, for ever.
type blocks struct{ at int64 }

func (from *blocks) Read(into []byte) (int, error) {
	count := copy(into, block[from.at%blockSize:])
	from.at += int64(count)
	return count, nil
}

// serve is an origin: GET /bytes/N sends N bytes, with ?rate=R at R bytes per second; POST tells how many came.
func serve(arguments []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	address := flags.String("address", "", "HOST:PORT to listen on")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /bytes/{count}", send)
	mux.HandleFunc("POST /bytes", take)
	server := &http.Server{Addr: *address, Handler: mux, ReadHeaderTimeout: timeout}
	return server.ListenAndServe()
}

func send(answer http.ResponseWriter, request *http.Request) {
	count, err := strconv.ParseInt(request.PathValue("count"), 10, 64)
	rate, wrong := strconv.ParseInt("0"+request.FormValue("rate"), 10, 64)
	if err != nil || wrong != nil {
		http.Error(answer, "the number of bytes or their rate is no number", http.StatusBadRequest)
		return
	}
	answer.Header().Set("Content-Length", strconv.FormatInt(count, 10))
	piece := int64(blockSize)
	if rate > 0 {
		piece = max(rate/perSecond, 1)
	}
	buffer, from := make([]byte, piece), &blocks{}
	control := http.NewResponseController(answer)
	for left := count; left > 0; left -= piece {
		_, _ = io.ReadFull(from, buffer) // blocks never fail
		if _, err := answer.Write(buffer[:min(piece, left)]); err != nil {
			return // the client has gone
		}
		if rate > 0 {
			_ = control.Flush() // fails only if the client has gone, as the next write tells
			time.Sleep(time.Second / perSecond)
		}
	}
}

func take(answer http.ResponseWriter, request *http.Request) {
	count, err := io.Copy(io.Discard, request.Body)
	if err != nil {
		http.Error(answer, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprint(answer, count)
}
