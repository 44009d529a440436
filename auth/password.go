package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"rollcall/desk"
)

// cost is what a password's hash costs. It is kept with the hash, so that another cost for new ones leaves old ones good.
type cost struct {
	memory, passes uint32 // KiB
	lanes          uint8
}

// costNow makes a guess expensive for who has stolen the hashes, and a sign-in cheap enough for a small server.
var costNow = cost{memory: 19 << 10, passes: 2, lanes: 1}

const (
	saltSize = 16
	hashSize = 32
)

// hashing bounds how many hashes are made at once, and so how much memory that takes: four times 19 MiB.
var hashing = make(chan struct{}, 4)

// derive returns argon2id's hash of a password, or Unavailable if the time runs out before it is its turn.
func derive(ctx context.Context, password string, salt []byte, c cost, size uint32) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
		return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, size), nil
	case <-ctx.Done():
		return nil, &desk.Error{Kind: desk.Unavailable, Msg: "Too many people are signing in at this moment. Try again.", Err: ctx.Err()}
	}
}

// hashPassword returns what is stored of a password.
func hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	hash, err := derive(ctx, password, salt, costNow, hashSize)
	return encode(costNow, salt, hash), err
}

// nobody is the hash of no password. Where there is no other one it is compared with, so that a guess takes as long for an
// address that nobody has as for an agent's.
var nobody = encode(costNow, make([]byte, saltSize), make([]byte, hashSize))

// verify reports whether a password is the one of which a hash is stored, "" for none.
func verify(ctx context.Context, stored, password string) (bool, error) {
	encoded := stored
	if stored == "" {
		encoded = nobody
	}
	c, salt, want, err := decode(encoded)
	if err != nil {
		return false, err
	}
	hash, err := derive(ctx, password, salt, c, uint32(len(want))) // #nosec G115 -- of our own making, and short
	return err == nil && subtle.ConstantTimeCompare(hash, want) == 1 && stored != "", err
}

var base64Hash = base64.RawStdEncoding

// encode writes a hash in the form that argon2's own tools use.
func encode(c cost, salt, hash []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes, base64Hash.EncodeToString(salt), base64Hash.EncodeToString(hash))
}

func decode(s string) (c cost, salt, hash []byte, err error) {
	parts := strings.Split(s, "$")
	bad := fmt.Errorf("the stored password hash is none of argon2id's")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil || c.passes == 0 || c.lanes == 0 {
		return c, nil, nil, bad
	}
	if salt, err = base64Hash.DecodeString(parts[4]); err != nil {
		return c, nil, nil, bad
	}
	if hash, err = base64Hash.DecodeString(parts[5]); err != nil || len(hash) == 0 {
		return c, nil, nil, bad
	}
	return c, salt, hash, nil
}
