package wechattest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the platform's signature
	"encoding/base64"
	"encoding/hex"
	"errors"
	"sort"
)

// This file follows the platform's description step by step, block by block, rather than the channel's code:
// https://developers.weixin.qq.com/doc/oplatform/Third-party_Platforms/2.0/api/Before_Develop/Technical_Plan.html

// Signature is SHA-1 of the words in the order of the dictionary.
func Signature(words ...string) string {
	sort.Strings(words)
	h := sha1.New() //nolint:gosec // as above
	for _, w := range words {
		h.Write([]byte(w))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func aesBlock(encodingKey string) (cipher.Block, []byte) {
	key, err := base64.RawStdEncoding.DecodeString(encodingKey)
	if err != nil {
		panic("wechattest: " + err.Error())
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("wechattest: " + err.Error())
	}
	return block, key
}

// Seal encrypts: Base64(AES-CBC(16 random bytes + length, big end first + message + app id, filled up to 32)).
func Seal(encodingKey, appID string, message []byte) string {
	var plain bytes.Buffer
	head := make([]byte, 16)
	_, _ = rand.Read(head) // never fails
	n := len(message)
	plain.Write(head)
	plain.Write([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	plain.Write(message)
	plain.WriteString(appID)
	amount := 32 - plain.Len()%32
	plain.Write(bytes.Repeat([]byte{byte(amount)}, amount))
	return SealRaw(encodingKey, plain.Bytes())
}

// SealRaw encrypts what is already filled up, whatever it is.
func SealRaw(encodingKey string, plain []byte) string {
	block, key := aesBlock(encodingKey)
	previous, out := key[:16], make([]byte, 0, len(plain))
	for i := 0; i+16 <= len(plain); i += 16 { // CBC by hand
		mixed := make([]byte, 16)
		for j := range mixed {
			mixed[j] = plain[i+j] ^ previous[j]
		}
		block.Encrypt(mixed, mixed)
		out, previous = append(out, mixed...), mixed
	}
	return base64.StdEncoding.EncodeToString(out)
}

// Open decrypts what was sealed for the app id.
func Open(encodingKey, appID, sealed string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(data) < 32 || len(data)%16 != 0 {
		return nil, errors.New("the cipher text is damaged")
	}
	block, key := aesBlock(encodingKey)
	previous, plain := key[:16], make([]byte, len(data))
	for i := 0; i < len(data); i += 16 {
		block.Decrypt(plain[i:], data[i:i+16])
		for j := range 16 {
			plain[i+j] ^= previous[j]
		}
		previous = data[i : i+16]
	}
	fill := int(plain[len(plain)-1])
	if fill < 1 || fill > 32 || len(plain)-fill < 20 {
		return nil, errors.New("the filling is wrong")
	}
	plain = plain[:len(plain)-fill]
	n := int(plain[16])<<24 | int(plain[17])<<16 | int(plain[18])<<8 | int(plain[19])
	if n > len(plain)-20 || string(plain[20+n:]) != appID {
		return nil, errors.New("not for this account")
	}
	return plain[20 : 20+n], nil
}
