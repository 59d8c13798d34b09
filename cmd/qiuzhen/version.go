package main

import (
	"fmt"
	"runtime"
)

// version is set by the build: -ldflags "-X main.version=...".
var version = "development"

type versionCommand struct{}

func (versionCommand) Run(streams stdio) error {
	_, err := fmt.Fprintf(streams.out, "qiuzhen %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
