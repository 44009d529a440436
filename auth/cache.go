package auth

import (
	"context"
	"sync"
	"time"

	"rollcall/desk"
)

// believed is how long a process believes what it has read of a SCIM token and its connection: so long may a token be good after
// another process has revoked it. What this process revokes ends at once.
const believed = time.Second

// directories remembers the tokens of directories, which ask many times a second.
type directories struct {
	mu   sync.Mutex
	byID map[directoryKey]knownDirectory
}

type directoryKey struct{ tenant, hash string }

type knownDirectory struct {
	token     desk.Token
	directory *desk.Directory
	access    uint64    // store.Store.Access before they were read
	readAt    time.Time // by the machine's clock
}

// maxDirectories bounds how many are remembered.
const maxDirectories = 10_000

// directory returns the SCIM token with the hash, and the directory that it is for, or NotFound. The directory is shared by requests,
// which only read it.
func (a *Authenticator) directory(ctx context.Context, tenant, hash string) (desk.Token, *desk.Directory, error) {
	key, access, now := directoryKey{tenant, hash}, a.Store.Access(), time.Now()
	d := &a.directories
	d.mu.Lock()
	known, ok := d.byID[key]
	d.mu.Unlock()
	// Who waits for a paused connection to go on is to see it at once.
	if ok && known.access == access && now.Sub(known.readAt) < believed && known.directory.PausedAt == nil {
		return known.token, known.directory, nil
	}
	t, directory, err := a.Store.Read(ctx).Directory(tenant, hash)
	if err != nil {
		return t, nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byID == nil || len(d.byID) >= maxDirectories {
		d.byID = map[directoryKey]knownDirectory{}
	}
	d.byID[key] = knownDirectory{t, &directory, access, now}
	return t, &directory, nil
}
