// Package cli runs the command line of the program. Its folders hold the verbs and what they share:
//
//	verb      verbs that talk to a gateway: capture, register, record, show, trace, impact, export, proof
//	check     verbs that need no gateway: verify, trust, hash, sign
//	audit     the verb audit, which replays a whole ledger
//	compare   the comparison of a gateway with an audited ledger
//	demo      the verb demo, which plays a story on a local network
//	bench     the verb bench, which measures a network
//	client    a client of the gateway's REST interface
//	content   hashes, manifests and signatures of files and folders
//	input     reads the files that the command line names
//	text      prints the gateway's answers as text
//	terminal  makes text and JSON safe for a terminal, and shows progress
//	exit      exit codes, and errors that carry one
//
// A verb prints its result to standard output, as text or, with --json, as JSON. Progress, warnings and errors go to
// standard error.
package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Run runs the verb that the command line names and returns the exit code. It prints an error to standard error. An
// error before the verb begins is a usage error.
//
// Run catches no signals. A signal ends the program, unless a verb that has something to finish catches it.
func Run(root *cobra.Command) int {
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetHelpTemplate(root.HelpTemplate() + "\n" + exit.Table)
	began := false
	Each(root, func(verb *cobra.Command) {
		run := verb.RunE
		verb.RunE = func(c *cobra.Command, args []string) error {
			began = true
			return run(c, args)
		}
	})
	err := root.Execute()
	if err == nil {
		return exit.Done
	}
	if !began {
		err = exit.With(exit.Usage, err)
	}
	fmt.Fprintln(root.ErrOrStderr(), "pedigree:", terminal.PlainLines(err.Error()))
	return exit.Code(err)
}

// Each visits every command that runs something. It skips those that only group others.
func Each(c *cobra.Command, visit func(*cobra.Command)) {
	if c.RunE != nil {
		visit(c)
	}
	for _, sub := range c.Commands() {
		Each(sub, visit)
	}
}
