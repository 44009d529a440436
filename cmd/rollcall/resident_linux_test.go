package main

import (
	"fmt"
	"os"
	"regexp"
	"testing"
)

// TestLetGo holds that pages of the program's file, and those of what is zero, leave the process.
func TestLetGo(t *testing.T) {
	resident := func(kind string) (kilobytes int) {
		t.Helper()
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(kind + `:\s+(\d+)`).FindSubmatch(status)
		if found == nil {
			t.Fatalf("%s", status)
		}
		fmt.Sscan(string(found[1]), &kilobytes)
		return kilobytes
	}
	zero := make([]byte, 64<<20)
	clear(zero) // which makes all of it resident
	file, memory := resident("RssFile"), resident("RssAnon")
	letGo(zero)
	if after := resident("RssFile"); after > file*3/4 {
		t.Errorf("%d kB of the file before, %d after", file, after)
	}
	if after := resident("RssAnon"); after > memory-32<<10 {
		t.Errorf("%d kB of memory before, %d after", memory, after)
	}
	for _, b := range zero {
		if b != 0 {
			t.Fatal("it is not zero any more")
		}
	}
}
