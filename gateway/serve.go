package gateway

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/logs"
	"github.com/pedigree-ledger/pedigree/gateway/tracing"
	"github.com/pedigree-ledger/pedigree/gateway/version"
)

// hangups delivers the SIGHUP signals that the process receives.
type hangups struct{ C chan os.Signal }

func notifyHangup() hangups {
	h := hangups{make(chan os.Signal, 1)}
	signal.Notify(h.C, syscall.SIGHUP)
	return h
}

func (h hangups) stop() { signal.Stop(h.C) }

// Command is the verb that runs a gateway.
func Command() *cobra.Command {
	var path string
	var logging logs.Options
	c := &cobra.Command{
		Use:   "serve [--config FILE]",
		Short: "Run one organisation's gateway",
		Long: `Run one organisation's gateway against any Fabric network.

The configuration is one JSON object:

  listen     address to listen on, host:port; without tls a loopback address
  tls        {"certificate", "key"}: PEM files; optional on a loopback address
  name       what the organisation is called
  mspId      its MSP id
  channel    name of the channel
  chaincode  name of the chaincode on it
  peers      [{"mspId", "address", "serverName", "tlsRoots"}]: own peer first
  tokens     file of those who may call: {"tokens": [{"name", "role", "sha256",
             "mspId", "certificate", "key"}]}, roles submitter, auditor, operator
  data       folder for the queue, the runs and the index

And, where wanted:

  namespace     where datasets of OpenLineage events are registered; name if left out
  index         postgres://user:password@host:port/database to keep the index in
                PostgreSQL 15 or newer; optional, a SQLite file in data if left out.
                ?search_path=NAME is the schema, "pedigree" if left out; it is made
                if the user may. Gateways of one organisation may share it: one
                writes, all answer, and another writes on when that one dies.
  indexPasswordFile
                file with the password of that database, if it isn't in the URL
  batchRecords  most records to a transaction; optional, 4000 if left out
  oidc          lets in whom an OpenID Connect issuer knows
  clientCertificates
                lets in machines that show a certificate
  cosigners     gateways of other organisations, to sign answers with this one

docs/operating.md has the members of the last three.

An environment variable takes the place of a member: PEDIGREE_GATEWAY_LISTEN,
PEDIGREE_GATEWAY_TLS_KEY, PEDIGREE_GATEWAY_MSP_ID and so on. That of a list, such
as peers, is JSON. Without --config the variables say all.

The tokens are read again when their file changes, and on SIGHUP. SIGTERM and
Ctrl-C finish the requests under way. Logs go to standard error. PEDIGREE_LOG and
PEDIGREE_LOG_FORMAT say the same as --log and --log-format.`,
		Example: `  pedigree serve --config /etc/pedigree/gateway.json`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := logging.Logger(os.Stderr)
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			if path == "" && os.Getenv(config.Prefix+"LISTEN") == "" {
				return exit.Usagef("say how to run it: --config FILE, or %sLISTEN and the other variables", config.Prefix)
			}
			cfg, err := config.ReadIn(os.Environ(), path)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return serve(ctx, cfg, log)
		},
	}
	c.Flags().StringVar(&path, "config", "", "file with the configuration")
	logging.Flags(c.Flags(), logs.Options{Level: "info", Format: logs.Text})
	return c
}

func serve(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	stop, err := tracing.Start(ctx, tracing.Service{Name: "pedigree-gateway", Version: version.Read().String(),
		Organisation: cfg.MSPID}, log)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	defer stop()
	g, err := Open(cfg, log)
	if err != nil {
		return err
	}
	log.Info("listening", "url", g.URL(), "organisation", cfg.Name, "channel", cfg.Channel,
		"version", version.Read().String())
	return g.Run(ctx)
}
