package verb

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
)

// cosigners is the flag that has several organisations sign an answer. It is a [pflag.Value].
type cosigners struct{ n int }

func (s *cosigners) flag(c *cobra.Command) {
	c.Flags().Var(s, "cosigned",
		"have at least so many organisations sign the answer, and print it with their signatures, for verify")
}

func (s *cosigners) String() string { return strconv.Itoa(s.n) }
func (s *cosigners) Type() string   { return "int" }

// Set takes as many organisations as a gateway does: its own, and those whose gateways it asks.
func (s *cosigners) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > config.MaxCosigners+1 {
		return fmt.Errorf("must be a whole number from 1 to %d", config.MaxCosigners+1)
	}
	s.n = n
	return nil
}

// asked reports whether the answer is to be signed.
func (s *cosigners) asked(c *cobra.Command) bool { return c.Flags().Changed("cosigned") }

// ask asks for a signed answer and prints it. The error says so if fewer organisations say it than were asked for.
func (s *cosigners) ask(c *cobra.Command, gateway *client.Client, path string, query url.Values) error {
	query.Set("cosign", s.String())
	answer, err := gateway.Do(c.Context(), client.Call{Method: http.MethodGet, Path: path, Query: query, Accept: "*/*"})
	if err != nil {
		return err
	}
	f, err := cosigned.Parse(answer.Body)
	if err != nil {
		return exit.With(exit.Refused, fmt.Errorf("couldn't read the signed answer: %w", err))
	}
	if _, err := c.OutOrStdout().Write(answer.Body); err != nil {
		return err
	}
	agree := f.Agree()
	for _, one := range f.Silent {
		fmt.Fprintf(c.ErrOrStderr(), "%s signed nothing: %s\n", terminal.Plain(one.MSPID), terminal.Plain(one.Why))
	}
	who := terminal.Plain(strings.Join(agree, ", "))
	if len(agree) < s.n {
		return exit.Refusedf("%s, and %d say this, as of block %d: %s", s.tooFew(f), len(agree), f.Block, who)
	}
	fmt.Fprintf(c.ErrOrStderr(), "signed as of block %d by %s; check it with pedigree verify\n", f.Block, who)
	return nil
}

// tooFew says what was asked for, and how many organisations could have signed.
func (s *cosigners) tooFew(f *cosigned.File) string {
	return fmt.Sprintf("you asked for %s; this gateway knows the gateways of %d", terminal.Count(s.n, "organisation"),
		len(f.Cosignatures)+len(f.Silent))
}

// Ask returns the verb that asks a gateway anything that its REST interface answers.
func Ask() *cobra.Command {
	var t client.Target
	var signers cosigners
	c := &cobra.Command{
		Use:   "ask PATH",
		Short: "Ask a gateway anything that it reads, and have several organisations sign the answer",
		Long: `Ask what the REST interface answers at PATH, which may have parameters, and print the
answer.

With --cosigned N, at least N organisations work out the answer, each from its own index
as of the same block, and sign it. Keep the output: verify checks it offline, and it
says what is not there as well as what is. If fewer than N say the same, the answer is
printed all the same, and ask exits with 1.
` + client.TargetHelp,
		Example: `  pedigree ask --as market '/v1/statements?kind=recall&about=dataset/lab/hours@1'
  pedigree ask --as market '/v1/statements?kind=recall&about=dataset/lab/hours@1' --cosigned 2 > recalls.json
  pedigree verify recalls.json --trust consortium.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if _, err := cosigned.NewQuestion(args[0]); err != nil {
				return exit.Usagef("%w", err)
			}
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			path, text, _ := strings.Cut(args[0], "?")
			query, err := url.ParseQuery(text)
			if err != nil {
				return exit.Usagef("the query can't be read: %w", err)
			}
			if signers.asked(c) {
				return signers.ask(c, gateway, path, query)
			}
			answer, err := gateway.Do(c.Context(), client.Call{Method: http.MethodGet, Path: path, Query: query,
				Accept: "application/json, application/linkset+json, */*;q=0.1"})
			if err != nil {
				return err
			}
			if strings.Contains(answer.Header.Get("Content-Type"), "json") {
				return terminal.JSON(c.OutOrStdout(), answer.Body)
			}
			_, err = c.OutOrStdout().Write(answer.Body)
			return err
		},
	}
	t.AddFlags(c)
	signers.flag(c)
	return c
}
