package verb

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/cli/text"
	"github.com/spf13/cobra"
)

// Register registers a version of a dataset, model, code base or document.
func Register() *cobra.Command {
	var t client.Target
	var a artifactFlags
	var name, version, namespace, activity string
	c := &cobra.Command{
		Use:   "register {KIND/NAMESPACE/NAME@VERSION | KIND} [DIR|FILE]",
		Short: "Register a version of a dataset, model, code base or document",
		Long: `Register an artifact version on the ledger: its name, and the digest of DIR or
FILE as "pedigree hash" prints it, never its bytes. KIND is dataset, model, code
or document. Say the rest of the name with it, as in model/lab/spoilage@3, or with
--name, --version and --namespace, which is your organisation's if it has but one.

A name and version belongs to one digest for ever. Registering the same again
says so and changes nothing; something else under the same version is refused,
and what differs is said.

--from names what it was made of. For a model this records a run, together with
the model and in one transaction: a training that used them and generated it, or
a fine-tuning if another model is among them. --activity says otherwise.

--signature takes a signature of OpenSSF Model Signing v1.0 that covers DIR. It
is verified first, and kept with the record.

Without DIR or FILE, give the digest with --digest and say with --coverage what
it covers; "declared" means that you took it on somebody's word.
` + client.TargetHelp,
		Example: `  pedigree register --as lab dataset/lab/temperatures@1 readings.csv --licence CC-BY-4.0 --from ni:///sha-256;…
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
			if short := !strings.Contains(ref, "/"); short != (name != "" || version != "" || namespace != "") || short && (name == "" || version == "") {
				return exit.Usagef("give the whole name, such as model/lab/spoilage@3, or a KIND with --name and --version")
			} else if short {
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
			return explain(c.Context(), gateway, body, post(c, gateway, &t, to, request))
		},
	}
	t.AddFlags(c)
	c.Flags().StringVar(&name, "name", "", "name of the artifact, if KIND is given alone")
	c.Flags().StringVar(&version, "version", "", "its version")
	c.Flags().StringVar(&namespace, "namespace", "", "its namespace; the organisation's only one if left out")
	c.Flags().StringVar(&a.digest, "digest", "", "digest as algorithm:hexadecimal, instead of DIR or FILE")
	c.Flags().StringVar(&a.coverage, "coverage", "declared", "what --digest covers: full, sampled or declared")
	c.Flags().StringVar(&a.description, "description", "", "a few words")
	c.Flags().StringVar(&a.licence, "licence", "", "SPDX licence expression")
	c.Flags().StringVar(&a.mediaType, "media-type", "", "media type; guessed from FILE's name if left out")
	c.Flags().StringArrayVar(&a.from, "from", nil, "artifact version or record id that it was made of, with :ROLE for a run's input; may be repeated, and @FILE reads one a line")
	c.Flags().StringVar(&activity, "activity", "", `type of run that made it of --from: training, fine-tuning, …; "none" says that it is derived from them, without a run`)
	c.Flags().StringVar(&a.metadata, "metadata", "", "file with a JSON object of your own")
	c.Flags().StringVar(&a.card, "card", "", cardHelp)
	c.Flags().StringVar(&a.manifest, "manifest", "", "write the folder's manifest to a file, too")
	a.hashing.AddFlags(c, true)
	a.signature.AddFlags(c, "a signature of DIR, OpenSSF Model Signing v1.0; verified and kept with the record")
	return c
}

// request is what to post for an artifact: the artifact alone, or the run that generated it.
func (a *artifactFlags) request(
	stdin io.Reader, body map[string]any, activity string,
) (path string, request map[string]any, err error) {
	sources, err := uses(stdin, a.from)
	if err != nil {
		return "", nil, err
	}
	if activity == "" && body["kind"] == "model" && len(sources) > 0 {
		activity = "training"
		if slices.ContainsFunc(sources, func(s map[string]string) bool { return strings.HasPrefix(s["ref"], "model/") }) {
			activity = "fine-tuning"
		}
	}
	if activity != "" && activity != "none" {
		if len(sources) == 0 {
			return "", nil, exit.Usagef("--activity %s says how it was made of something: give that with --from", activity)
		}
		return "/v1/activities", map[string]any{"type": activity, "used": sources, "generated": []any{map[string]any{"artifact": body}}}, nil
	}
	var refs []string
	for _, s := range sources {
		if s["role"] != "" {
			return "", nil, exit.Usagef("%s has a role, and roles are of runs: give --activity, such as transformation, or leave the role out", s["ref"])
		}
		refs = append(refs, s["ref"])
	}
	if len(refs) > 0 {
		body["derivedFrom"] = refs
	}
	return "/v1/artifacts", body, nil
}

// post records something and says what became of it.
func post(c *cobra.Command, gateway *client.Client, t *client.Target, path string, body any) error {
	answer, receipt, err := gateway.Record(c.Context(), path, body)
	if err != nil {
		return err
	}
	text.Warnings(c.ErrOrStderr(), receipt.Warnings)
	if t.JSON {
		return terminal.JSON(c.OutOrStdout(), answer.Body)
	}
	return text.Receipt(c.OutOrStdout(), receipt)
}
