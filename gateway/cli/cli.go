// Package cli runs the command line. Its folders hold what talks to a gateway from there:
//
//	verb      the verbs that talk to a gateway: capture, register, record, show, trace, impact, export, proof
//	check     the verbs that check something without one: verify, trust, hash, sign
//	demo      a story that it plays on a network of this machine
//	bench     measurements of a network
//	client    the gateway's REST interface, for all of these
//	content   files and folders that are hashed or signed
//	input     files that the command line names
//	text      a gateway's answers as text for people
//	terminal  what text and JSON on a terminal need
//	exit      the exit codes, and errors that ask for one
//
// What a verb makes goes to standard output, as text for people or, with --json, as JSON. Progress, warnings and the error
// go to standard error.
package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// Run runs the verb that the command line names, says on standard error why it failed, and answers with the exit code. What
// fails before a verb begins is a mistake in the command line.
//
// It catches no signal: a verb that has something to finish catches its own, and a signal ends the others.
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

// Each visits every command that does something.
func Each(c *cobra.Command, visit func(*cobra.Command)) {
	if c.RunE != nil {
		visit(c)
	}
	for _, sub := range c.Commands() {
		Each(sub, visit)
	}
}
