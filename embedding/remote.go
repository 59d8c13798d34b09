package embedding

import (
	"errors"
	"time"
)

// RemoteConfig says which endpoint to ask.
type RemoteConfig struct {
	Kind, URL, Model, Token string
	Dimensions              int
	Timeout                 time.Duration
	Retries                 int
}

// OpenRemote connects to an OpenAI-compatible endpoint or Ollama.
func OpenRemote(RemoteConfig) (Model, error) {
	return nil, errors.New("remote embedders are not there yet")
}
