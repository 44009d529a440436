package main

import (
	"fmt"

	"rollcall/store"
)

type backupCmd struct {
	File string `arg:"" help:"Where to write it; a file of this name must not exist." type:"path"`
}

func (c *backupCmd) Run(p *program) error {
	b, err := store.WriteBackup(p.ctx, p.database, c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s: %d bytes, schema %d, checked\n", c.File, b.Size, b.Schema)
	return nil
}

type restoreCmd struct {
	File string `arg:"" help:"The backup." type:"path"`
}

func (c *restoreCmd) Run(p *program) error {
	b, err := store.RestoreBackup(p.ctx, c.File, p.database)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s: %d bytes, schema %d, checked; serve can be started\n", p.database, b.Size, b.Schema)
	return nil
}
