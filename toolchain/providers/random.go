package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/bcrypt"
)

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	// The official provider's own set (terraform-provider-random, internal/random/string.go).
	specials = "!@#$%&*()-_=+[]{}<>:?"
	// The official provider hashes only what bcrypt reads (golang.org/x/crypto/bcrypt, 72 bytes).
	bcryptBytes = 72
	mostChars   = 1 << 16
)

func newRandom(string) *server {
	return newServer("random", "4.21.4", map[string]handler{
		"random:index/randomPassword:RandomPassword": password{},
	})
}

// password is RandomPassword: its result and hash are secret, and its id tells nothing.
type password struct{}

func (password) properties() map[resource.PropertyKey]bool {
	return map[resource.PropertyKey]bool{"length": true, "special": true, "keepers": true}
}

func (password) check(inputs resource.PropertyMap) map[resource.PropertyKey]string {
	faults := map[resource.PropertyKey]string{}
	length, set := inputs["length"]
	switch {
	case !set:
		faults["length"] = "length is missing, but a password needs one"
	case length.IsComputed():
	case !length.IsNumber() || length.NumberValue() < 1 || length.NumberValue() > mostChars:
		faults["length"] = fmt.Sprintf("length is %v, but it must lie between 1 and %d", length.V, mostChars)
	}
	return faults
}

func (password) create(_ context.Context, inputs resource.PropertyMap, preview bool) (
	string, resource.PropertyMap, error,
) {
	outputs := maps.Clone(inputs)
	for _, key := range []resource.PropertyKey{"lower", "upper", "number", "numeric", "special"} {
		if _, set := outputs[key]; !set {
			outputs[key] = resource.NewProperty(true)
		}
	}
	for _, key := range []resource.PropertyKey{"minLower", "minUpper", "minNumeric", "minSpecial"} {
		outputs[key] = resource.NewProperty(0.0)
	}
	if preview {
		outputs["result"] = resource.MakeSecret(resource.MakeComputed(resource.NewProperty("")))
		outputs["bcryptHash"] = outputs["result"]
		return "", outputs, nil
	}
	alphabet := letters
	if outputs["special"].BoolValue() {
		alphabet += specials
	}
	result, err := draw(alphabet, int(inputs["length"].NumberValue()))
	if err != nil {
		return "", nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(result[:min(len(result), bcryptBytes)]), bcrypt.DefaultCost)
	outputs["result"] = resource.MakeSecret(resource.NewProperty(result))
	outputs["bcryptHash"] = resource.MakeSecret(resource.NewProperty(string(hash)))
	return "none", outputs, err
}

// draw takes each character with equal probability.
func draw(alphabet string, length int) (string, error) {
	drawn := make([]byte, length)
	for index := range drawn {
		number, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return "", fmt.Errorf("the system gives no random numbers: %w", err)
		}
		drawn[index] = alphabet[number.Int64()]
	}
	return string(drawn), nil
}
