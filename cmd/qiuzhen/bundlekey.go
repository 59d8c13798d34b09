package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"qiuzhen/bundle"
)

type bundleKeyCommand struct{}

// Run shows the public half of this city's key, and makes the pair when there is none. The database is not needed.
func (bundleKeyCommand) Run(c *cli, streams stdio) error {
	s, err := c.settings(streams)
	if err != nil {
		return err
	}
	if s.get("bundle_key") == "" {
		if err := s.makeDataDir(); err != nil {
			return err
		}
		if err := makeKeyFile("bundle", s.bundleKeyFile()); err != nil {
			return err
		}
		fmt.Fprintf(streams.err, "private key: %s; keep a copy apart from the backups: with another key every city has to trust you anew\n", s.bundleKeyFile())
	}
	key, err := s.bundleKey()
	if err != nil {
		return err
	}
	public := bundle.KeyOf(key)
	fmt.Fprintf(streams.out, "公钥 %x\n指纹 %s\n请当面或打电话把指纹告诉对方，不要只随共享包一起发。\n", public[:], public.Fingerprint())
	return nil
}

func (s *settings) bundleKeyFile() string { return filepath.Join(s.dataDir, "bundle.key") }

var errBundleKey = errors.New("the bundle key must be 64 hexadecimal digits, as `qiuzhen bundle key` makes it")

// bundleKey is what this city signs with.
func (s *settings) bundleKey() (ed25519.PrivateKey, error) {
	text := []byte(s.get("bundle_key"))
	if len(text) == 0 {
		var err error
		if text, err = readKeyFile("bundle", s.bundleKeyFile()); errors.Is(err, fs.ErrNotExist) {
			return nil, errors.New("this city has no key to sign with yet; run: qiuzhen bundle key")
		} else if err != nil {
			return nil, err
		}
	}
	seed := make([]byte, ed25519.SeedSize)
	if len(text) != hex.EncodedLen(len(seed)) {
		return nil, errBundleKey
	}
	if _, err := hex.Decode(seed, text); err != nil {
		return nil, errBundleKey
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
