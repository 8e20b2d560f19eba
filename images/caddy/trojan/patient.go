package trojan

import (
	"sync"
	"time"

	"stealth-vpn/images/caddy/relay"
)

// answerTimeout is far above what Trojan-Go needs to have a header that it does not know answered by the cover site.
const answerTimeout = time.Second

// patient is a client whose end waits for the daemon's answer: Trojan-Go drops what it has not passed on yet when one
// side ends, where Go's web server answers a client that has half closed.
type patient struct {
	relay.Ending
	answered chan struct{}
	once     sync.Once
}

func (client *patient) Read(into []byte) (int, error) {
	size, err := client.Ending.Read(into)
	if err != nil {
		select {
		case <-client.answered:
		case <-time.After(answerTimeout):
		}
	}
	return size, err
}

func (client *patient) Write(data []byte) (int, error) {
	size, err := client.Ending.Write(data)
	client.once.Do(func() { close(client.answered) })
	return size, err
}
