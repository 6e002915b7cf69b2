// Package token is the verb that makes, lists, rotates and revokes the tokens of a gateway: through its REST interface,
// as an operator, or in the gateway's own database, for whoever may read that.
package token

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/token"
)

const help = `
The gateway is asked as its operator: that of --as ORG in the network's folder, or the
one that PEDIGREE_URL and PEDIGREE_TOKEN name. With --config FILE the command works in
the database of the gateway with this configuration, whether the gateway runs or not.
Use this to make the first operator's token, before anyone can sign in.`

// verb is what the subcommands share.
type verb struct {
	target client.Target
	config string
}

// Command returns the verb with its subcommands.
func Command() *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Make, list, rotate and revoke the tokens of a gateway",
		Long: `Make, list, rotate and revoke the tokens of a gateway. Give each person and each
machine a token of its own, so that the log says who it was, and so that one can be
taken away without the others. What is changed is in force within two seconds, in all
gateways of the organisation that share a database.
` + help,
		Example: `  pedigree token create erp --as harbor --for machine --token-role submitter
  pedigree token list --as harbor
  pedigree token rotate erp --as harbor --overlap 1h
  pedigree token revoke erp --as harbor`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(create(), list(), rotate(), revoke())
	return c
}

func (v *verb) flags(c *cobra.Command) *cobra.Command {
	v.target.AddFlagsFor("operator", c)
	c.Flags().StringVar(&v.config, "config", "", "work in the database of the gateway with this configuration")
	return c
}

func create() *cobra.Command {
	var v verb
	var kind, role, until string
	c := &cobra.Command{
		Use:   "create NAME --for person|machine --token-role ROLE",
		Short: "Make a token, and print its secret",
		Long: `Make a token, and print its secret on standard output. It is printed this once: the
gateway keeps only its hash. A name has 1 to 64 of A-Z, a-z, 0-9, ., _, @ and -, and
stands for one holder as long as the token is listed.
` + help,
		Example: `  pedigree token create ann --as harbor --for person --token-role auditor --expires 90d
  pedigree token create boss --config /etc/pedigree/gateway.json --for person --token-role operator`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case role == "" && c.Flags().Changed("role"):
				return exit.Usagef("--role is the role of the token that asks; give the role of the new token with --token-role")
			case kind == "" || role == "":
				return exit.Usagef("say who holds it, --for person or --for machine, and what it may do, --token-role submitter, " +
					"auditor or operator")
			case !slices.Contains(token.Kinds, kind):
				return exit.Usagef("--for must be person or machine")
			case !slices.Contains(config.Roles, role):
				return exit.Usagef("--token-role must be submitter, auditor or operator")
			}
			expires, err := moment(until, time.Now())
			if err != nil {
				return err
			}
			return v.secret(c, func(g gateway) (*answer, error) { return g.create(c.Context(), args[0], kind, role, expires) })
		},
	}
	c.Flags().StringVar(&kind, "for", "", "who holds it: person or machine")
	c.Flags().StringVar(&role, "token-role", "", "what it may do: submitter, auditor or operator")
	c.Flags().StringVar(&until, "expires", "",
		"from when it is refused: a date and time, or after so long, such as 90d or 12h; never if left out")
	return v.flags(c)
}

func list() *cobra.Command {
	var v verb
	c := &cobra.Command{
		Use:   "list",
		Short: "List the tokens, without their secrets",
		Long: `List the tokens: who holds each one, its role, who made it and when, when it was used
last, and from when it is refused. Those of the file tokens.json come first; they are
changed in that file.
` + help,
		Example: `  pedigree token list --as harbor`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			g, closed, err := v.open()
			if err != nil {
				return err
			}
			defer closed()
			all, err := g.list(c.Context())
			if err != nil {
				return err
			}
			if v.target.JSON {
				return printJSON(c.OutOrStdout(), map[string]any{"items": all})
			}
			return printList(c.OutOrStdout(), all)
		},
	}
	return v.flags(c)
}

func rotate() *cobra.Command {
	var v verb
	var until string
	var overlap time.Duration
	c := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Give a token a new secret, and print that",
		Long: `Give a token a new secret, and print that on standard output. The old one is refused
within two seconds, or after --overlap, so that the holder has time to change over.
` + help,
		Example: `  pedigree token rotate erp --as harbor --overlap 1h`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if overlap < 0 || overlap > token.LongestOverlap {
				return exit.Usagef("--overlap must be from 0 to 168h")
			}
			expires, err := moment(until, time.Now())
			if err != nil {
				return err
			}
			return v.secret(c, func(g gateway) (*answer, error) { return g.rotate(c.Context(), args[0], expires, overlap) })
		},
	}
	c.Flags().StringVar(&until, "expires", "", "from when the token is refused, as with create; as before if left out")
	c.Flags().DurationVar(&overlap, "overlap", 0, "for how long the old secret is accepted, too; at most 168h")
	return v.flags(c)
}

func revoke() *cobra.Command {
	var v verb
	c := &cobra.Command{
		Use:   "revoke NAME",
		Short: "End a token, for good",
		Long: `End a token, for good. It is refused within two seconds, and the sessions of pages that
began with it end. What its holder sent before is recorded all the same.
` + help,
		Example: `  pedigree token revoke erp --as harbor`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			g, closed, err := v.open()
			if err != nil {
				return err
			}
			defer closed()
			t, err := g.revoke(c.Context(), args[0])
			if err != nil {
				return err
			}
			if v.target.JSON {
				return printJSON(c.OutOrStdout(), t)
			}
			said := "revoked " + t.Name
			if !t.RevokedAt.IsZero() { // it may be long ago
				said = fmt.Sprintf("%s was revoked at %s, by %s", t.Name, shown(t.RevokedAt, ""), t.RevokedBy)
			}
			fmt.Fprintln(c.ErrOrStderr(), terminal.Plain(said))
			return nil
		},
	}
	return v.flags(c)
}

// secret does what gives a secret, and prints that alone on standard output.
func (v *verb) secret(c *cobra.Command, do func(gateway) (*answer, error)) error {
	g, closed, err := v.open()
	if err != nil {
		return err
	}
	defer closed()
	t, err := do(g)
	if err != nil {
		return err
	}
	if v.target.JSON {
		return printJSON(c.OutOrStdout(), t)
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s: %s. Keep the secret now: it is not shown again.\n", terminal.Plain(t.Name), describe(t))
	_, err = fmt.Fprintln(c.OutOrStdout(), terminal.Plain(t.Secret))
	return err
}

// open finds the gateway to ask.
func (v *verb) open() (gateway, func(), error) {
	if v.config != "" {
		return openStore(v.config)
	}
	c, err := v.target.Client()
	if err != nil {
		return nil, nil, err
	}
	return remote{c}, func() {}, nil
}

var errMoment = errors.New("must be a date and time, such as 2027-01-31T12:00:00Z, or how long from now, such as 90d or 12h")

// moment reads a date and time, or a time from now. An empty text is the zero time.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	hours, days := strings.CutSuffix(text, "d")
	var n int
	if days {
		if _, err := fmt.Sscanf(hours+".", "%d.", &n); err != nil || fmt.Sprint(n) != hours || n < 1 || n > 3660 {
			return time.Time{}, exit.Usagef("--expires %w", errMoment)
		}
		return now.AddDate(0, 0, n), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return time.Time{}, exit.Usagef("--expires %w", errMoment)
	}
	return now.Add(d), nil
}
