package testkit

import "syscall"

// endWithParent makes a process end when its parent does, however that ends.
func endWithParent(attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	end := syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if attr != nil {
		end.Credential = attr.Credential
	}
	return &end
}
