package verb

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// actor is who had records recorded.
type actor struct {
	Pseudonym string    `json:"pseudonym"`
	Kind      string    `json:"kind,omitempty"`
	ID        string    `json:"id,omitempty"`
	Name      string    `json:"name,omitempty"`
	Since     time.Time `json:"since,omitzero"`
	Forgotten time.Time `json:"forgottenAt,omitzero"`
}

// Actor returns the command actor.
func Actor() *cobra.Command {
	c := &cobra.Command{
		Use:   "actor",
		Short: "Say who is behind the pseudonyms of a gateway, or forget it",
		Long: `Say who is behind the pseudonyms of a gateway, or forget it. A gateway notes which
person or machine had a record recorded, under a pseudonym, and shows that to the
operators and auditors of its organisation: as actor of a recording in "pedigree show ID
--role auditor --json", and on the page of the record. Operators look up who it is.
Nothing of it is on the ledger.
` + client.TargetHelp,
		Example: `  pedigree actor list --as harbor
  pedigree actor list p-abcdefghijklmnop --as harbor
  pedigree actor forget p-abcdefghijklmnop --as harbor`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(listActors(), forgetActor())
	return c
}

func listActors() *cobra.Command {
	var target client.Target
	c := &cobra.Command{
		Use:   "list [PSEUDONYM]",
		Short: "List who is behind pseudonyms",
		Long: `List who is behind pseudonyms: behind one, or behind all. The log of the gateway says who
has asked.`,
		Example: `  pedigree actor list --as harbor`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			g, err := target.Client()
			if err != nil {
				return err
			}
			var query url.Values
			if len(args) > 0 {
				query = url.Values{"pseudonym": args}
			}
			all, err := client.All[actor](c.Context(), g, "/v1/actors", query)
			if err != nil {
				return err
			}
			if target.JSON {
				return terminal.Value(c.OutOrStdout(), map[string]any{"items": append([]actor{}, all...)})
			}
			if len(all) == 0 {
				_, err := fmt.Fprintln(c.OutOrStdout(), "Nobody.")
				return err
			}
			return printActors(c.OutOrStdout(), all)
		},
	}
	target.AddFlagsFor("operator", c)
	return c
}

func forgetActor() *cobra.Command {
	var target client.Target
	c := &cobra.Command{
		Use:   "forget PSEUDONYM",
		Short: "Erase who is behind a pseudonym, for good",
		Long: `Erase who is behind a pseudonym, for good. The records stay, with the pseudonym. If the
same caller has something recorded later, it gets another one. The log and the list of
tokens may still name the caller.`,
		Example: `  pedigree actor forget p-abcdefghijklmnop --as harbor`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			g, err := target.Client()
			if err != nil {
				return err
			}
			got, err := g.Do(c.Context(), client.Call{Method: http.MethodPost, Path: "/v1/actors/" + url.PathEscape(args[0]) + "/forget"})
			if err != nil {
				return err
			}
			if target.JSON {
				return terminal.JSON(c.OutOrStdout(), got.Body)
			}
			_, err = fmt.Fprintf(c.ErrOrStderr(), "forgot who %s is\n", terminal.Plain(args[0]))
			return err
		},
	}
	target.AddFlagsFor("operator", c)
	return c
}

func printActors(out io.Writer, all []actor) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PSEUDONYM\tNAME\tKIND\tID\tSINCE")
	for _, a := range all {
		name := a.Name
		if !a.Forgotten.IsZero() {
			name = "forgotten at " + a.Forgotten.UTC().Format(time.RFC3339)
		}
		cells := []any{dash(a.Pseudonym), dash(name), dash(a.Kind), dash(a.ID), a.Since.UTC().Format(time.RFC3339)}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", cells...)
	}
	return w.Flush()
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return terminal.Plain(text)
}
