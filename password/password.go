// Package password keeps passwords as argon2id hashes.
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of a hash: RFC 9106's second recommendation with less memory, 50 ms on one core of 2020.
const (
	passes      = 3
	memory      = 32 * 1024 // KiB
	lanes       = 1
	saltLength  = 16
	keyLength   = 32
	minLength   = 10  // characters
	maxBytes    = 256 // so that nobody can have megabytes hashed
	encodedForm = "$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s"
)

// ErrWeak is the error for a password that is too short or too long.
var ErrWeak = errors.New("密码至少要10个字，最多256个字节")

// Hash returns the PHC string of a password with a salt of its own.
func Hash(password string) (string, error) {
	if utf8.RuneCountInString(password) < minLength || len(password) > maxBytes {
		return "", ErrWeak
	}
	salt := make([]byte, saltLength)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key := argon2.IDKey([]byte(password), salt, passes, memory, lanes, keyLength)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf(encodedForm, argon2.Version, memory, passes, lanes, encode(salt), encode(key)), nil
}

// Verify reports whether the password is the one that was hashed, in time that does not tell how wrong it is.
func Verify(password, encoded string) bool {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || len(password) > maxBytes {
		return false
	}
	var version, m, t int
	var p uint8
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &m, &t, &p); err != nil || version != argon2.Version {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	key, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(key) == 0 || t < 1 || t > 20 || m < 8 || m > 1<<20 || p < 1 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, uint32(t), uint32(m), p, uint32(len(key))) //nolint:gosec // checked above
	return subtle.ConstantTimeCompare(got, key) == 1
}

// Decoy is verified against when there is no such login, so that the time taken does not tell which logins exist.
const Decoy = "$argon2id$v=19$m=32768,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
