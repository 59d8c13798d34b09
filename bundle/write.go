package bundle

import (
	"archive/zip"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"

	"qiuzhen/knowledge"
)

// Writer writes a bundle, a document at a time.
type Writer struct {
	zip   *zip.Writer
	items []Item
}

// NewWriter begins a bundle.
func NewWriter(w io.Writer) *Writer { return &Writer{zip: zip.NewWriter(w)} }

// Add writes an entry's document. Entries come by id, ascending; hash and size are filled in.
func (w *Writer) Add(i Item, e knowledge.Entry) error {
	document, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if len(document) > MaxDocument {
		return fmt.Errorf("%s is larger than a bundle may hold (%d bytes)", e.ID, MaxDocument)
	}
	i.ID, i.SHA256, i.Size = e.ID, Hash(e.Hash()), int64(len(document))
	w.items = append(w.items, i)
	return w.member(file(i.ID), document)
}

// Close ends the bundle with its manifest, whose Format, Key and Entries are filled in, and the signature.
func (w *Writer) Close(m Manifest, key ed25519.PrivateKey) error {
	m.Format, m.Key, m.Entries = Format, KeyOf(key), append([]Item{}, w.items...)
	m.Withdrawn = append([]Tombstone{}, m.Withdrawn...)
	if err := m.check(m.Created); err != nil {
		return err
	}
	data, err := m.encode()
	if err != nil {
		return err
	}
	if err := w.member(manifestFile, data); err != nil {
		return err
	}
	if err := w.member(signatureFile, ed25519.Sign(key, signed(data))); err != nil {
		return err
	}
	return w.zip.Close()
}

// KeyOf is the public half of a key.
func KeyOf(key ed25519.PrivateKey) PublicKey { return PublicKey(key.Public().(ed25519.PublicKey)) }

// member writes a file as it is, not packed: what is read back can then never be more than was sent. The fields that tell of a
// machine or a moment are fixed, so that the same content gives the same bytes.
func (w *Writer) member(name string, data []byte) error {
	const firstDay = 1<<5 | 1 // 1980-01-01, the first that ZIP knows
	size := uint64(len(data))
	out, err := w.zip.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(data), CompressedSize64: size, UncompressedSize64: size,
		ReaderVersion: 20, ModifiedDate: firstDay, //nolint:staticcheck // CreateRaw writes it and not Modified
	})
	if err != nil {
		return err
	}
	_, err = out.Write(data)
	return err
}
