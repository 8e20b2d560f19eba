package main

import (
	"context"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/bcrypt"
)

func create(t *testing.T, length float64, special bool) (string, resource.PropertyMap) {
	t.Helper()
	inputs := resource.PropertyMap{"length": resource.NewProperty(length), "special": resource.NewProperty(special)}
	_, outputs, err := password{}.create(context.Background(), inputs, false)
	if err != nil {
		t.Fatal(err)
	}
	return outputs["result"].SecretValue().Element.StringValue(), outputs
}

func TestEveryCharacterOfTheAlphabetIsDrawnAboutEquallyOften(t *testing.T) {
	drawn, _ := create(t, 62*1000, false)
	for _, letter := range letters {
		if count := strings.Count(drawn, string(letter)); count < 800 || count > 1200 {
			t.Errorf("%c was drawn %d times of 62000, want about 1000", letter, count)
		}
	}
}

func TestSpecialCharactersAreDrawnOnlyIfAskedFor(t *testing.T) {
	plain, _ := create(t, 2000, false)
	special, _ := create(t, 2000, true)
	if strings.ContainsAny(plain, specials) || !strings.ContainsAny(special, specials) {
		t.Error("special characters do not follow the input")
	}
}

func TestTheHashIsOfTheResultAsFarAsBcryptReads(t *testing.T) {
	for _, length := range []float64{24, 100} {
		drawn, outputs := create(t, length, false)
		hash := outputs["bcryptHash"].SecretValue().Element.StringValue()
		if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(drawn[:min(len(drawn), bcryptBytes)])); err != nil {
			t.Errorf("length %v: %v", length, err)
		}
	}
}

func TestAPreviewDrawsNothing(t *testing.T) {
	_, outputs, err := password{}.create(
		context.Background(), resource.PropertyMap{"length": resource.NewProperty(24.0)}, true)
	if err != nil || !outputs["result"].SecretValue().Element.IsComputed() {
		t.Errorf("result %v, %v; want an unknown", outputs["result"], err)
	}
}
