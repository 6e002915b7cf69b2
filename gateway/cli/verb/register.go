package verb

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/cli/text"
	"github.com/spf13/cobra"
)

// Register returns the verb that registers a version of a dataset, model, code base or document.
func Register() *cobra.Command {
	var t client.Target
	var s client.Signer
	var a artifactFlags
	var name, version, namespace, activity string
	c := &cobra.Command{
		Use:   "register {KIND/NAMESPACE/NAME@VERSION | KIND} [DIR|FILE]",
		Short: "Register a version of a dataset, model, code base or document",
		Long: `Register an artifact version on the ledger. The ledger gets its name and the
digest of DIR or FILE, as "pedigree hash" prints it. The bytes stay with you.

KIND is dataset, model, code or document. Give the whole name, such as
model/lab/spoilage@3, or give KIND with --name and --version. Add --namespace if
your organisation has several namespaces.

A version has one digest for ever. If you register the same content again, the
command prints "already recorded" and changes nothing. If the content differs,
the command fails and lists the differences.

--from names the sources of the version. The sources of a model are recorded as a
run that used them and generated the model, in the same transaction as the
model: a training, or a fine-tuning if one of the sources is a model. Use
--activity to record another type of run, or none.

--signature takes a signature of OpenSSF Model Signing v1.0 that covers DIR. The
command verifies the signature first, and keeps it with the record.

If you have neither DIR nor FILE, give the digest with --digest and what it
covers with --coverage. "declared" means that you took somebody's word for it.

The command prints the version's name, its block and its record id.
` + client.SignerHelp + "\n" + client.TargetHelp,
		Example: `  pedigree register --as lab dataset/lab/temperatures@1 readings.csv \
      --licence CC-BY-4.0 --from ni:///sha-256;…
  pedigree register --as lab model models/spoilage --name spoilage --version 3 --card models/spoilage/README.md \
      --from dataset/lab/temperatures@1:training --from dataset/lab/holdout@1:validation
  pedigree register --as lab model/lab/spoilage@3 models/spoilage --signature spoilage.sig --signature-key key.pub
  pedigree register --as lab model/lab/spoilage@1 --digest sha-256:9f86… --coverage declared`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			path := ""
			if len(args) == 2 {
				path = args[1]
			}
			ref := args[0]
			short := !strings.Contains(ref, "/") // KIND alone
			if short != (name != "" || version != "" || namespace != "") || short && (name == "" || version == "") {
				return exit.Usagef("give the whole name, such as model/lab/spoilage@3, or a KIND with --name and --version")
			}
			if short {
				gateway, err := t.Client()
				if err != nil {
					return err
				}
				if namespace == "" {
					if namespace, err = gateway.OnlyNamespace(c.Context()); err != nil {
						return err
					}
				}
				ref = fmt.Sprintf("%s/%s/%s@%s", ref, namespace, name, version)
			}
			body, err := a.artifact(c, ref, path)
			if err != nil {
				return err
			}
			to, request, err := a.request(c.InOrStdin(), body, activity)
			if err != nil {
				return err
			}
			gateway, err := t.Client()
			if err != nil {
				return err
			}
			return explain(c.Context(), gateway, body, post(c, gateway, &t, &s, to, request))
		},
	}
	t.AddFlags(c)
	s.AddFlags(c)
	c.Flags().StringVar(&name, "name", "", "name of the artifact, with KIND alone")
	c.Flags().StringVar(&version, "version", "", "version of the artifact, with KIND alone")
	c.Flags().StringVar(&namespace, "namespace", "",
		"namespace of the artifact, with KIND alone; the default is the organisation's only namespace")
	c.Flags().StringVar(&a.digest, "digest", "", "digest as algorithm:hexadecimal, instead of DIR or FILE")
	c.Flags().StringVar(&a.coverage, "coverage", "declared", "what --digest covers: full, sampled or declared")
	c.Flags().StringVar(&a.description, "description", "", "short description")
	c.Flags().StringVar(&a.licence, "licence", "", "SPDX licence expression")
	c.Flags().StringVar(&a.mediaType, "media-type", "", "media type; the default depends on the name of FILE")
	c.Flags().StringArrayVar(&a.from, "from", nil,
		"source of the version: an artifact version or record id, with :ROLE for the input of a run; @FILE reads them "+
			"from a file; may be repeated")
	c.Flags().StringVar(&activity, "activity", "",
		`type of the run that made the version: training, fine-tuning, …; "none" records the sources without a run`)
	c.Flags().StringVar(&a.metadata, "metadata", "", "file with a JSON object that the record keeps")
	c.Flags().StringVar(&a.card, "card", "", cardHelp)
	c.Flags().StringVar(&a.manifest, "manifest", "", "write the folder's manifest to this file too")
	a.hashing.AddFlags(c, true)
	a.signature.AddFlags(c, "signature of DIR (OpenSSF Model Signing v1.0); it is verified, and kept with the record")
	return c
}

// request returns what to post for an artifact: the artifact alone, or the run that generated it.
func (a *artifactFlags) request(
	stdin io.Reader, body map[string]any, activity string,
) (path string, request map[string]any, err error) {
	sources, err := uses(stdin, a.from)
	if err != nil {
		return "", nil, err
	}
	if activity == "" && body["kind"] == "model" && len(sources) > 0 {
		activity = "training"
		isModel := func(s map[string]string) bool { return strings.HasPrefix(s["ref"], "model/") }
		if slices.ContainsFunc(sources, isModel) {
			activity = "fine-tuning"
		}
	}
	if activity != "" && activity != "none" {
		if len(sources) == 0 {
			return "", nil, exit.Usagef("--activity %s needs the inputs of the run: give them with --from", activity)
		}
		generated := []any{map[string]any{"artifact": body}}
		return "/v1/activities", map[string]any{"type": activity, "used": sources, "generated": generated}, nil
	}
	var refs []string
	for _, s := range sources {
		if s["role"] != "" {
			return "", nil, exit.Usagef("%s has a role, and only the input of a run can have one: give --activity, such as"+
				" transformation, or leave the role out", s["ref"])
		}
		refs = append(refs, s["ref"])
	}
	if len(refs) > 0 {
		body["derivedFrom"] = refs
	}
	return "/v1/artifacts", body, nil
}

// post records something and prints the receipt.
func post(c *cobra.Command, gateway *client.Client, t *client.Target, s *client.Signer, path string, body any) error {
	answer, receipt, err := send(c, gateway, t, s, path, body)
	if err != nil {
		return err
	}
	text.Warnings(c.ErrOrStderr(), receipt.Warnings)
	if t.JSON {
		return terminal.JSON(c.OutOrStdout(), answer.Body)
	}
	return text.Receipt(c.OutOrStdout(), receipt)
}

// send posts a record, or signs it here if there is a key to sign it with.
func send(c *cobra.Command, gateway *client.Client, t *client.Target, s *client.Signer, path string, body any) (
	*client.Answer, *client.Receipt, error,
) {
	if !s.Given() {
		return gateway.Record(c.Context(), path, body)
	}
	noun, ok := map[string]record.Noun{"/v1/artifacts": record.NounArtifact, "/v1/activities": record.NounActivity,
		"/v1/statements": record.NounStatement}[path]
	if !ok {
		return nil, nil, exit.Usagef("only statements, artifact versions and runs are signed with --key")
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, nil, fmt.Errorf("couldn't encode a request: %w", err)
	}
	key, intent, err := s.Means(t, noun, text)
	if err != nil {
		return nil, nil, err
	}
	return gateway.RecordSigned(c.Context(), key, intent)
}
