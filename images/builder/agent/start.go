package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
)

// File is where a container's agent is configured.
const File = "/etc/stealth/agent.json"

type config struct {
	// Listen is an address on the control network, HOST:PORT.
	Listen string `json:"listen"`
	// Token is what the panel must show.
	Token string `json:"token"`
	// Users is the file that users are written down in, on the engine's own volume.
	Users string `json:"users"`
}

// Start tells an engine that has just started its users, keeps them, and answers the panel until the process ends.
func Start(engine Engine, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var chosen config
	if err := json.Unmarshal(text, &chosen); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if chosen.Token == "" {
		return fmt.Errorf("%s names no token, and an agent without one would obey everybody", file)
	}
	listener, err := net.Listen("tcp", chosen.Listen)
	if err != nil {
		return err
	}
	keeper := New(engine, chosen.Users)
	go keeper.Run(context.Background())
	go func() { log.Fatal(keeper.serve(listener, chosen.Token)) }()
	return nil
}
