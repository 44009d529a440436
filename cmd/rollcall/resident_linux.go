package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// letGo tells the system that the process needs no page of some memory that is zero, nor of the program's file for now. To start goes
// through most of the file once, to serve needs a half: those pages it gets again, from the system's cache, when it comes to them, and the
// others are not its own any more.
func letGo(unwritten []byte) {
	_ = syscall.Madvise(unwritten, syscall.MADV_DONTNEED) // the runtime may have zeroed it by hand
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return // a system that has no such file keeps the pages
	}
	defer f.Close()
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	var from, to uintptr
	same := false // as the file, as far as was read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		var first, last uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x ", &first, &last); n == 2 {
			access, _, _ := strings.Cut(line[strings.Index(line, " ")+1:], " ")
			from, to, same = first, last, !strings.Contains(access, "w") && strings.HasSuffix(line, " "+program)
			continue
		}
		switch name, value, _ := strings.Cut(line, ":"); name {
		case "Anonymous": // pages that were written to, as those with addresses are at the start
			same = same && strings.TrimSpace(value) == "0 kB"
		case "Swap":
			if same && strings.TrimSpace(value) == "0 kB" {
				_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED)
			}
		}
	}
}
