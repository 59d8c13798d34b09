package ingest

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"qiuzhen/knowledge"
)

// Each gives n entries, loaded one by one, what both search legs need and hands them to save, in no order and several at once;
// progress is called after each. It is for entries that are not stored by SaveFile. When ctx ends, those done so far are saved. Maintain is left to the caller.
func (in *Ingester) Each(ctx context.Context, n int, load func(i int) (knowledge.Entry, error),
	save func(ctx context.Context, i int, e knowledge.Entry, passages []IndexedPassage, model string) error, progress func(done, total int)) error {
	var mu sync.Mutex // guards done and the calls of progress
	done := 0
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error {
			if err := groupCtx.Err(); err != nil { // another failed, or the run was interrupted
				return err
			}
			e, err := load(i)
			if err != nil {
				return err
			}
			indexed, model, err := in.index(groupCtx, e)
			if err != nil {
				return err
			}
			if err := save(groupCtx, i, e, indexed, model); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			progress(done, n)
			return nil
		})
	}
	return group.Wait()
}
