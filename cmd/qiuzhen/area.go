package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"qiuzhen/knowledge"
)

type areaCommand struct {
	List   areaListCommand   `cmd:"" help:"Regions and their codes, all or those of one region."`
	Import areaImportCommand `cmd:"" help:"Bring in a list of regions beside the embedded one: code, tab, name; * in a third column where readers are offered the county."`
}

type areaListCommand struct {
	Region string `arg:"" optional:"" help:"A code: what lies in it."`
}

// Run needs no database.
func (a areaListCommand) Run(c *cli, streams stdio) error {
	if _, err := c.settings(streams); err != nil {
		return err
	}
	if a.Region != "" && knowledge.RegionName(a.Region) == a.Region {
		return usageError{fmt.Errorf("没有代码是 %s 的地区；qiuzhen area list 列出全部", a.Region)}
	}
	for _, r := range knowledge.Regions() {
		if a.Region == "" || knowledge.RegionCovers(a.Region, r.Code) {
			fmt.Fprintf(streams.out, "%s\t%s\n", r.Code, knowledge.Shown(r.Name))
		}
	}
	return nil
}

type areaImportCommand struct {
	File string `arg:"" type:"existingfile" help:"The list."`
}

// Run checks the list and keeps it in the data folder, in place of the one brought in before. Every node has its own data folder, and needs it.
func (a areaImportCommand) Run(c *cli, streams stdio) error {
	s, err := c.settings(streams)
	var known *knowledge.Error
	if err != nil && !errors.As(err, &known) { // a list in the folder that cannot be read is what this replaces
		return err
	}
	list, err := os.ReadFile(a.File)
	if err != nil {
		return usageError{err}
	}
	if err := knowledge.UseRegions(bytes.NewReader(list)); err != nil {
		return usageError{err}
	}
	if err := s.makeDataDir(); err != nil {
		return err
	}
	fresh := s.regionsFile() + ".new"
	if err := os.WriteFile(fresh, list, 0o644); err != nil { //nolint:gosec // nothing secret; the server's user may read it
		return err
	}
	if err := os.Rename(fresh, s.regionsFile()); err != nil {
		return err
	}
	counties := knowledge.Counties()
	names := make([]string, len(counties))
	for i, code := range counties {
		names[i] = knowledge.RegionName(code)
	}
	fmt.Fprintf(streams.shown().out, "现在有%d个地区；请读者选的：%s。\n", len(knowledge.Regions()), strings.Join(names, "、"))
	fmt.Fprintln(streams.err, "kept as", s.regionsFile(), "- restart what serves")
	return nil
}

func (s *settings) regionsFile() string { return filepath.Join(s.dataDir, "regions.tsv") }

// useRegions takes the list that was brought in, where there is one.
func (s *settings) useRegions() error {
	list, err := os.Open(s.regionsFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer list.Close()
	if err := knowledge.UseRegions(list); err != nil {
		return fmt.Errorf("%s (qiuzhen area import replaces it): %w", s.regionsFile(), err)
	}
	return nil
}
