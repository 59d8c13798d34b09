package retrieval

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"sync"
)

// Fingerprint is the SHA-256 of the patterns and fitted models that conclusions rest on, beside the embedding model.
var Fingerprint = sync.OnceValue(func() string {
	sum := sha256.New()
	for _, files := range []fs.FS{patternFiles, modelFiles} {
		err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := fs.ReadFile(files, path)
			sum.Write([]byte(path + "\n"))
			sum.Write(data)
			return err
		})
		if err != nil {
			panic("retrieval: " + err.Error()) // the files are embedded
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
})
