package wechat

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the platform's signature
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// Account is how the platform and we know each other.
type Account struct {
	AppID string
	token string
	key   []byte // nil: plain mode
}

// NewAccount takes the account's data as the platform's settings page shows it; aesKey is empty in plain mode.
func NewAccount(appID, token, aesKey string) (Account, error) {
	if appID == "" || token == "" {
		return Account{}, errors.New("an official account needs its app id and its token")
	}
	a := Account{AppID: appID, token: token}
	if aesKey == "" {
		return a, nil
	}
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	if err != nil || len(aesKey) != 43 || len(key) != 32 {
		return Account{}, errors.New("the AES key is not one of WeChat's: 43 letters and digits")
	}
	a.key = key
	return a, nil
}

// Safe reports whether messages are encrypted.
func (a Account) Safe() bool { return a.key != nil }

// sign is the platform's signature: SHA-1 of the token and the parts, sorted and put together.
func (a Account) sign(parts ...string) string {
	all := append([]string{a.token}, parts...)
	slices.Sort(all)
	sum := sha1.Sum([]byte(strings.Join(all, ""))) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// signed compares in constant time.
func (a Account) signed(signature string, parts ...string) bool {
	return subtle.ConstantTimeCompare([]byte(a.sign(parts...)), []byte(signature)) == 1
}

// block is what plain texts are padded to: the platform's, not that of AES.
const block = 32

var errSealed = errors.New("not sealed for this account")

// unseal decrypts what the platform sealed, whose signature was checked before. Inside are 16 random bytes, the length, the message and the
// app id.
func (a Account) unseal(sealed string) ([]byte, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(sealed)
	if err != nil || len(data) == 0 || len(data)%block != 0 {
		return nil, errSealed
	}
	c, err := aes.NewCipher(a.key)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(c, a.key[:aes.BlockSize]).CryptBlocks(data, data)
	data, ok := unpad(data)
	if !ok || len(data) < 20 {
		return nil, errSealed
	}
	size := uint64(binary.BigEndian.Uint32(data[16:20]))
	rest := data[20:]
	if size > uint64(len(rest)) || subtle.ConstantTimeCompare(rest[size:], []byte(a.AppID)) != 1 {
		return nil, errSealed
	}
	return rest[:size], nil
}

// unpad takes off PKCS#7.
func unpad(data []byte) ([]byte, bool) {
	n := int(data[len(data)-1])
	if n < 1 || n > block || n > len(data) {
		return nil, false
	}
	for _, b := range data[len(data)-n:] {
		if int(b) != n {
			return nil, false
		}
	}
	return data[:len(data)-n], true
}

// seal encrypts a reply.
func (a Account) seal(message []byte) (string, error) {
	data := make([]byte, 16, 20+len(message)+len(a.AppID)+block)
	if _, err := rand.Read(data); err != nil {
		return "", err
	}
	data = binary.BigEndian.AppendUint32(data, uint32(len(message))) //nolint:gosec // a reply has a few thousand bytes
	data = append(append(data, message...), a.AppID...)
	n := block - len(data)%block
	for range n {
		data = append(data, byte(n))
	}
	c, err := aes.NewCipher(a.key)
	if err != nil {
		return "", err
	}
	cipher.NewCBCEncrypter(c, a.key[:aes.BlockSize]).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data), nil
}
