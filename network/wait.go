package network

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// wrap adds context to an error. It returns nil if err is nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

// eventually calls try until it succeeds or the context ends. It then returns the last error of try.
func eventually(ctx context.Context, try func(context.Context) error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err // an interrupted attempt would only report the interruption
		}
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
				return cause
			}
			return last
		case <-tick.C:
		}
	}
}

// together runs tasks in parallel, waits for all of them, and returns the error of the first task that failed.
func together(tasks ...func() error) error {
	errs := make([]error, len(tasks))
	var wait sync.WaitGroup
	for i, task := range tasks {
		wait.Go(func() { errs[i] = task() })
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
