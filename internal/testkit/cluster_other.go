//go:build !linux

package testkit

import "syscall"

// endWithParent can do nothing more here than Main does.
func endWithParent(attr *syscall.SysProcAttr) *syscall.SysProcAttr { return attr }
