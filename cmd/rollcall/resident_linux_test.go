package main

import (
	"fmt"
	"os"
	"regexp"
	"testing"
)

// TestLetGo holds that pages of the program's file leave the process, and come back.
func TestLetGo(t *testing.T) {
	resident := func() (kilobytes int) {
		t.Helper()
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`RssFile:\s+(\d+)`).FindSubmatch(status)
		if found == nil {
			t.Fatalf("%s", status)
		}
		fmt.Sscan(string(found[1]), &kilobytes)
		return kilobytes
	}
	before := resident()
	letGo()
	if after := resident(); after > before*3/4 {
		t.Errorf("%d kB of the file before, %d after", before, after)
	}
}
