package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io"
	"time"

	"qiuzhen/knowledge"
)

// Bundle is one that was read and is what its signature says.
type Bundle struct {
	Manifest
	Hash    Hash // of the manifest: names the bundle
	members map[string]*zip.File
}

var errBroken = bad("共享包坏了，或者传输时改动过：请让对方重新发一份")

// Open reads a bundle and checks all of it: layout, signature, what the manifest says, and every document against its hash. One
// document is in memory at a time. Whether the key is anybody's is the caller's question.
func Open(r io.ReaderAt, size int64, now time.Time) (*Bundle, error) {
	members, err := openZip(r, size)
	if err != nil {
		return nil, err
	}
	b := &Bundle{members: members}
	manifest, err := b.read(manifestFile, maxManifest)
	if err != nil {
		return nil, err
	}
	signature, err := b.read(signatureFile, ed25519.SignatureSize)
	if err != nil {
		return nil, err
	}
	if b.Manifest, err = decode(manifest); err != nil {
		return nil, err
	}
	if !ed25519.Verify(b.Key[:], signed(manifest), signature) {
		return nil, bad("共享包的签名不对：不是这把钥匙签的，或者签了以后改动过。什么也没有写入")
	}
	b.Hash = sha256.Sum256(manifest)
	if err := b.check(now); err != nil {
		return nil, err
	}
	if len(members) != len(b.Entries)+2 {
		return nil, bad("共享包里有清单以外的文件，或者少了文件")
	}
	for _, item := range b.Entries {
		if _, err := b.Document(item); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Document is the entry of an item, its bytes checked against the hash that was signed.
func (b *Bundle) Document(item Item) (e knowledge.Entry, err error) {
	data, err := b.read(file(item.ID), item.Size)
	if err != nil {
		return e, err
	}
	if sha256.Sum256(data) != item.SHA256 {
		return e, bad("%s 的内容与清单里的校验值不同。什么也没有写入", item.ID)
	}
	if json.Unmarshal(data, &e) != nil || e.ID != item.ID || Hash(e.Hash()) != item.SHA256 {
		return e, bad("%s 的内容不是这个程序认识的条目", item.ID)
	}
	return e, nil
}

// read returns a member that has at most the given size.
func (b *Bundle) read(name string, most int64) ([]byte, error) {
	f := b.members[name]
	switch {
	case f == nil && name == signatureFile:
		return nil, bad("共享包没有签名。什么也没有写入")
	case f == nil && name == manifestFile:
		return nil, bad("这不是共享包：里面没有清单")
	case f == nil:
		return nil, bad("共享包里少了 %.80q", name)
	case f.UncompressedSize64 > uint64(most): //nolint:gosec // sizes are not negative
		return nil, bad("共享包里的 %.80q 太大", name)
	}
	r, err := f.OpenRaw()
	if err != nil {
		return nil, errBroken
	}
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil || uint64(len(data)) != f.UncompressedSize64 {
		return nil, errBroken
	}
	return data, nil
}

// openZip lists the members of a ZIP as Writer writes it. Nothing in it is packed and no two members can fill more than the file,
// so that nothing unpacks to more than was sent.
func openZip(r io.ReaderAt, size int64) (map[string]*zip.File, error) {
	if size > MaxFile {
		return nil, bad("共享包有 %d MB，超过 %d MB", size>>20, MaxFile>>20)
	}
	if err := checkEnd(r, size); err != nil {
		return nil, err
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errBroken
	}
	if len(z.File) > MaxEntries+2 {
		return nil, bad("共享包里有 %d 个文件，超过 %d", len(z.File), MaxEntries+2)
	}
	members := make(map[string]*zip.File, len(z.File))
	left := uint64(size) //nolint:gosec // sizes are not negative
	for _, f := range z.File {
		if f.Method != zip.Store || f.Flags&1 != 0 || f.CompressedSize64 != f.UncompressedSize64 || f.UncompressedSize64 > left {
			return nil, bad("共享包不是规定的格式：里面的文件不能压缩或加密")
		}
		left -= f.UncompressedSize64
		if members[f.Name] != nil {
			return nil, bad("共享包里有两个 %.80q", f.Name)
		}
		members[f.Name] = f
	}
	return members, nil
}

// checkEnd reads the end record by itself: the library would read a list of members of any length into memory.
func checkEnd(r io.ReaderAt, size int64) error {
	const length = 22
	var end [length]byte
	if size < length {
		return errBroken
	}
	if _, err := r.ReadAt(end[:], size-length); err != nil && err != io.EOF {
		return err
	}
	directory, offset := int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
	if !bytes.HasPrefix(end[:], []byte("PK\x05\x06")) || offset+directory+length != size {
		return errBroken
	}
	if directory > maxDirectory {
		return bad("共享包里的文件太多")
	}
	return nil
}
