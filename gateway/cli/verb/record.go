// Package verb holds the verbs that talk to a gateway. Three of them write to the ledger: capture, register and record.
// The others read from it: show, trace, impact, export and proof. Each verb is a function that returns a cobra command.
package verb

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/input"
)

// Record returns the verb that records runs, claims and other records.
func Record() *cobra.Command {
	c := &cobra.Command{
		Use:   "record",
		Short: "Record a run, a claim, or any record from a file",
		Long: `Record a run of an AI pipeline, a claim such as a recall, or any record from a
JSON file. The command waits until the ledger has the record. It prints the
record's name, its block and its id.`,
		Example: `  pedigree record activity training --as lab \
      --used dataset/lab/temperatures@1 --generated model/lab/spoilage@1=model.bin
  pedigree record statement recall urn:epc:class:lgtin:952005.0101010.A \
      --as harbor --reason "thawed on the quay"`,
	}
	c.AddCommand(recordActivity(), recordStatement(), recordFile())
	return c
}

func recordActivity() *cobra.Command {
	var t client.Target
	var s client.Signer
	var used, generated, about, cards []string
	var outcome, parameters, started, ended, description string
	c := &cobra.Command{
		Use:   "activity TYPE",
		Short: "Record a run: what it used, what it generated, what it decided about",
		Long: `Record a run. TYPE is training, fine-tuning, evaluation, inference,
transformation, labelling or generation.

The ledger must already have everything that the run used. The inputs of the run
become the inputs of every artifact version that it generated, and stay so.

The command prints the name, block and id of the run, and the name and id of
each output that it registers.
` + client.SignerHelp + "\n" + client.TargetHelp,
		Example: `  pedigree record activity training --as lab \
      --used dataset/lab/temperatures@1:training --generated model/lab/spoilage@1=model.bin
  pedigree record activity inference --as lab --used model/lab/spoilage@1 \
      --about https://id.gs1.org/01/09520051012017/10/A --outcome '{"sell":false}'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			body := map[string]any{"type": args[0]}
			for name, text := range map[string]string{"startedAt": started, "endedAt": ended,
				"description": description} {
				if text != "" {
					body[name] = text
				}
			}
			for name, text := range map[string]string{"outcome": outcome, "parameters": parameters} {
				if text == "" {
					continue
				}
				if !json.Valid([]byte(text)) {
					return exit.Usagef("--%s is not JSON: %s", name, text)
				}
				body[name] = json.RawMessage(text)
			}
			if len(used) > 0 {
				uses, err := uses(c.InOrStdin(), used)
				if err != nil {
					return err
				}
				body["used"] = uses
			}
			if len(generated)+len(cards) > 0 {
				outputs, err := outputs(c, generated, cards)
				if err != nil {
					return err
				}
				body["generated"] = outputs
			}
			if len(about) > 0 {
				body["about"] = client.IDs(about)
			}
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			return post(c, gateway, &t, &s, "/v1/activities", body)
		},
	}
	t.AddFlags(c)
	s.AddFlags(c)
	c.Flags().StringArrayVar(&used, "used", nil,
		"artifact version or record id that the run used, as REF or REF:ROLE; @FILE reads them from a file; may be repeated")
	c.Flags().StringArrayVar(&generated, "generated", nil,
		"artifact version that the run generated; REF=FILE or REF=DIR also registers it, in the same transaction; may be repeated")
	c.Flags().StringArrayVar(&cards, "card", nil,
		"card of an output, as REF=FILE; see register --help; may be repeated")
	c.Flags().StringArrayVar(&about, "about", nil,
		"thing, artifact version or record that the run decided about; may be repeated")
	c.Flags().StringVar(&outcome, "outcome", "", "result of the run, as a JSON object")
	c.Flags().StringVar(&parameters, "parameters", "", "parameters of the run, as a JSON object")
	c.Flags().StringVar(&started, "started", "", "when the run started (RFC 3339)")
	c.Flags().StringVar(&ended, "ended", "", "when the run ended (RFC 3339)")
	c.Flags().StringVar(&description, "description", "", "short description of the run")
	return c
}

// uses reads REF, REF:ROLE and @FILE. A record id contains colons itself: its role follows the digest.
func uses(stdin io.Reader, list []string) ([]map[string]string, error) {
	all, err := input.Words(stdin, list)
	if err != nil {
		return nil, err
	}
	var uses []map[string]string
	for _, item := range all {
		use := map[string]string{"ref": item}
		if at := strings.LastIndexByte(item, ':'); at > 0 && !strings.Contains(item[at:], "/") {
			use = map[string]string{"ref": item[:at], "role": item[at+1:]}
		}
		use["ref"] = client.ID(use["ref"])
		if _, _, err := record.ParseNode(use["ref"]); err != nil {
			return nil, exit.With(exit.Usage, err)
		}
		uses = append(uses, use)
	}
	return uses, nil
}

// outputs reads REF, REF=FILE and REF=DIR. It adds the cards of the outputs that have a file or a folder.
func outputs(c *cobra.Command, list, cards []string) ([]map[string]any, error) {
	var outputs []map[string]any
	card := map[string]string{}
	for _, item := range cards {
		ref, file, ok := strings.Cut(item, "=")
		registered := slices.ContainsFunc(list, func(output string) bool { return strings.HasPrefix(output, ref+"=") })
		if !ok || !registered {
			return nil, exit.Usagef(
				"--card %q is not REF=FILE, where REF is an output that --generated REF=FILE registers",
				item,
			)
		}
		card[ref] = file
	}
	for _, item := range list {
		ref, file, registers := strings.Cut(item, "=")
		if !registers {
			outputs = append(outputs, map[string]any{"ref": ref})
			continue
		}
		artifact, err := (&artifactFlags{card: card[ref]}).artifact(c, ref, file)
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, map[string]any{"artifact": artifact})
	}
	return outputs, nil
}

func recordStatement() *cobra.Command {
	var t client.Target
	var s client.Signer
	var set []string
	predicate := map[string]*string{}
	c := &cobra.Command{
		Use:   "statement KIND NODE...",
		Short: "Make a claim: a recall, an approval, a certificate, a withdrawal of consent, …",
		Long: `Make a claim about things, artifact versions or records. The command prints the
claim's block and id. KIND is one of

` + record.StatementHelp() + `
A member that a kind needs is given by --reason or by --set NAME=VALUE.
` + client.SignerHelp + "\n" + client.TargetHelp,
		Example: `  pedigree record statement recall --as harbor \
      https://id.gs1.org/01/09520051012017/10/A --reason "thawed on the quay"
  pedigree record statement approval --as market model/lab/spoilage@1 --set scope="chilled fish"
  pedigree record statement recall --as harbor --key ada/key.pem --certificate ada/cert.pem \
      https://id.gs1.org/01/09520051012017/10/A --reason "thawed on the quay"`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			claim := map[string]string{}
			for name, value := range predicate {
				if *value != "" {
					claim[name] = *value
				}
			}
			for _, pair := range set {
				name, value, ok := strings.Cut(pair, "=")
				if !ok {
					return exit.Usagef("--set %q is not name=value", pair)
				}
				claim[name] = value
			}
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			body := map[string]any{"kind": args[0], "subject": client.IDs(args[1:]), "predicate": claim}
			return post(c, gateway, &t, &s, "/v1/statements", body)
		},
	}
	t.AddFlags(c)
	s.AddFlags(c)
	for _, name := range []string{"reason", "note"} {
		predicate[name] = new(string)
		c.Flags().StringVar(predicate[name], name, "", name+" of the claim")
	}
	c.Flags().StringArrayVar(&set, "set", nil, "another member of the claim, as NAME=VALUE; may be repeated")
	return c
}

func recordFile() *cobra.Command {
	var t client.Target
	var s client.Signer
	c := &cobra.Command{
		Use:   "file FILE",
		Short: "Record the contents of a JSON file",
		Long: `Record the contents of a JSON file; - reads standard input. The member "record"
of the file says what it is: artifact/2, activity/2, statement/2 or member/2. The
gateway adds the member "by", your organisation. A record of version 1, such as
artifact/1, is taken only if the ledger has that very record already. Use
capture for EPCIS documents. The command prints the record's name, its block and
its id.
` + client.SignerHelp + "\n" + client.TargetHelp,
		Example: `  pedigree record file member.json --as lab --role operator
  jq '.record = "statement/2"' recall.json | pedigree record file - --as harbor`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := input.File(c.InOrStdin(), args[0], record.MaxPackBytes)
			if err != nil {
				return err
			}
			var kind struct {
				Record string `json:"record"`
			}
			if err := json.Unmarshal(text, &kind); err != nil {
				return exit.Usagef("%s is not a JSON object: %w", args[0], err)
			}
			noun, version, _ := strings.Cut(kind.Record, "/")
			path, ok := map[string]string{
				"artifact": "/v1/artifacts", "activity": "/v1/activities",
				"statement": "/v1/statements", "member": "/v1/members",
			}[noun]
			if !ok || version != "1" && version != "2" {
				return exit.Usagef(`the member "record" of %s is %q; it must be artifact/2, activity/2, statement/2 or`+
					` member/2 (EPCIS documents go to capture)`, args[0], kind.Record)
			}
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			return post(c, gateway, &t, &s, path, json.RawMessage(text))
		},
	}
	t.AddFlags(c)
	s.AddFlags(c)
	return c
}
