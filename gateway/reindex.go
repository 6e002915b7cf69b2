package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/index/stores"
	"github.com/pedigree-ledger/pedigree/gateway/ledger"
)

// ReindexCommand is the verb that builds a gateway's index again from the ledger.
func ReindexCommand() *cobra.Command {
	var path, as, dir string
	c := &cobra.Command{
		Use:   "reindex (--config FILE | --as ORG)",
		Short: "Build a gateway's index again from the ledger",
		Long: `Build a gateway's index again from the blocks of the ledger. The index holds
nothing that the blocks don't have, so it can be thrown away at any time.

If the gateway is running it does it itself, and isn't ready until it is done;
otherwise this command does, and says whether the new index equals the old one.`,
		Example: `  pedigree reindex --as lab
  pedigree reindex --config /etc/pedigree/gateway.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			token := ""
			if as != "" {
				if path != "" || as != filepath.Base(as) {
					return exit.Usagef("give either --config FILE or --as ORG")
				}
				path, token = filepath.Join(dir, as, "gateway.json"), filepath.Join(dir, as, "operator.token")
			}
			if path == "" {
				return exit.Usagef("say which gateway: --config FILE, or --as ORG for one of the network in --dir")
			}
			cfg, err := config.ReadIn(os.Environ(), path)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			err = reindex(ctx, cfg, c.ErrOrStderr())
			if errors.Is(err, errInUse) && token != "" {
				return askReindex(ctx, cfg, token, c.ErrOrStderr())
			}
			if errors.Is(err, errInUse) {
				return fmt.Errorf("%w; stop it, use --as ORG, or POST /v1/reindex as its operator", err)
			}
			return err
		},
	}
	c.Flags().StringVar(&path, "config", "", "file with the gateway's configuration")
	c.Flags().StringVar(&as, "as", "", "organisation of the network in --dir, such as harbor")
	c.Flags().StringVar(&dir, "dir", ".pedigree", "folder of the network")
	return c
}

// reindex builds the index of a gateway that isn't running. It reports to out how far it is, and whether the new index
// equals the old one.
func reindex(ctx context.Context, cfg config.Config, out io.Writer) error {
	lock, err := lockData(cfg.Data)
	if err != nil {
		return err
	}
	defer lock.Close()
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelError}))
	callers, err := access.Open(cfg.Tokens, log)
	if err != nil {
		return err
	}
	ix, err := openIndex(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { ix.Close() }()
	old, before := ix.Height(), ""
	if old > 0 {
		if before, err = ix.Fingerprint(ctx); err != nil {
			if err = ix.Diagnose(err); !errors.Is(err, index.ErrDamaged) {
				return err
			}
			fmt.Fprintln(out, err)
			if err := ix.Close(); err != nil {
				return err
			}
			fresh, err := openIndex(ctx, cfg, log)
			if err != nil {
				return err
			}
			ix, old = fresh, 0
		}
	}
	l := ledgerConfig(cfg)
	l.Logger = log
	client, err := ledger.Open(l)
	if err != nil {
		return err
	}
	defer client.Close()
	f := newFollower(client, cfg.GenesisHash(), ix, callers.Reader, log)
	tip, err := awaitTip(ctx, f)
	if err != nil {
		return err
	}
	if err := ix.Reset(ctx); err != nil {
		return err
	}
	began := time.Now()
	if old > 0 && old <= tip {
		if err := f.build(ctx, old, tip, out); err != nil {
			return err
		}
		after, err := ix.Fingerprint(ctx)
		if err != nil {
			return err
		}
		if after != before {
			fmt.Fprintf(out, "the index differed from the ledger up to block %d; it is right now\n", old-1)
		} else {
			fmt.Fprintf(out, "the index equals the one before, up to block %d\n", old-1)
		}
	}
	if err := f.build(ctx, tip, tip, out); err != nil {
		return err
	}
	fmt.Fprintf(out, "indexed %d blocks in %v\n", ix.Height(), time.Since(began).Round(time.Millisecond))
	return nil
}

// openIndex opens a gateway's index, and claims it so that no other process writes it.
func openIndex(ctx context.Context, cfg config.Config, log *slog.Logger) (*index.Index, error) {
	ix, err := stores.Open(cfg.IndexPlace(), index.WithLogger(log))
	if err != nil {
		return nil, err
	}
	if err = ix.Connect(ctx); err == nil {
		err = ix.Claim(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, ix.Close())
	}
	return ix, nil
}

// awaitTip asks for the number of blocks until a peer answers.
func awaitTip(ctx context.Context, f *follower) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		tip, err := f.client.Tip(ctx, f.reader())
		if err == nil {
			return tip.Height, nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("couldn't ask a peer how many blocks there are: %w", err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// errBuilt ends the block stream once it has delivered all the blocks that were wanted.
var errBuilt = errors.New("all blocks are there")

// build indexes the blocks below height in batches, and reports its progress to out every few seconds.
func (f *follower) build(ctx context.Context, height, tip uint64, out io.Writer) error {
	var batch []index.Block
	bytes, told := 0, time.Now()
	flush := func() error {
		err := f.index.ApplyAll(ctx, batch)
		batch, bytes = nil, 0
		if time.Since(told) > 2*time.Second {
			told = time.Now()
			fmt.Fprintf(out, "%d of %d blocks\n", f.index.Height(), tip)
		}
		return err
	}
	if f.index.Height() >= height {
		return nil
	}
	start, err := f.start(ctx)
	if err != nil {
		return err
	}
	err = f.client.Follow(
		ctx,
		f.reader(),
		start,
		func(b *ledger.Block) error {
			converted, err := convert(b)
			if err != nil {
				return err
			}
			batch, bytes = append(batch, converted), bytes+packBytes(b)
			last := b.Number+1 >= height
			if len(batch) < mostBlocks && bytes < mostPackBytes && !last {
				return nil
			}
			if err := flush(); err != nil || !last {
				return err
			}
			return errBuilt
		},
	)
	if errors.Is(err, errBuilt) {
		return nil
	}
	return err
}

// askReindex asks a running gateway to build its index again, and waits until the gateway is ready.
func askReindex(ctx context.Context, cfg config.Config, tokenFile string, out io.Writer) error {
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return fmt.Errorf("couldn't read the operator's token: %w", err)
	}
	scheme := "http"
	if cfg.TLS.Certificate != "" {
		scheme = "https"
	}
	client := &http.Client{Transport: &http.Transport{Proxy: nil}, Timeout: 30 * time.Second}
	call := func(method, path string, into any) (int, error) {
		request, err := http.NewRequestWithContext(ctx, method, scheme+"://"+cfg.Listen+path, nil)
		if err != nil {
			return 0, err
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
		response, err := client.Do(request)
		if err != nil {
			return 0, fmt.Errorf("couldn't reach the gateway: %w", err)
		}
		defer response.Body.Close()
		return response.StatusCode, json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(into)
	}
	var answer struct {
		Detail string `json:"detail"`
	}
	status, err := call(http.MethodPost, "/v1/reindex", &answer)
	if err != nil {
		return err
	}
	if status != http.StatusAccepted {
		return fmt.Errorf("the gateway refused (%d): %s", status, answer.Detail)
	}
	fmt.Fprintln(out, "the gateway is building its index again")
	for {
		var s struct {
			Ready       bool
			Height, Tip uint64
		}
		if status, err := call(http.MethodGet, "/v1/status", &s); err != nil || status != http.StatusOK {
			return fmt.Errorf("couldn't ask the gateway how far it is (%d): %w", status, err)
		}
		if s.Ready {
			fmt.Fprintf(out, "indexed %d blocks\n", s.Height)
			return nil
		}
		fmt.Fprintf(out, "%d of %d blocks\n", s.Height, s.Tip)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
