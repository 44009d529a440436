//go:build linux || darwin

package store

import "syscall"

// freeSpace returns how many bytes may still be written to a folder's disk, where the system tells.
func freeSpace(dir string) (bytes int64, ok bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true // #nosec G115 -- no disk is as large
}
