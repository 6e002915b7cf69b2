package verb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/manifest"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/gateway/cli/content"
	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/verify/folder"
)

// explain adds to the refusal of an existing version how this version differs from the registered one.
func explain(ctx context.Context, gateway *client.Client, body map[string]any, refused error) error {
	var p *client.Problem
	exists := func(d client.ProblemDetail) bool { return d.Code == "version_exists" }
	if !errors.As(refused, &p) || !slices.ContainsFunc(p.Problems, exists) {
		return refused
	}
	ref := record.ArtifactRef{
		Kind: body["kind"].(string), Namespace: body["namespace"].(string),
		Name: body["name"].(string), Version: body["version"].(string),
	}
	var there client.View
	if err := gateway.Get(ctx, client.ArtifactPath(ref.String()), nil, &there); err != nil {
		return refused // the refusal matters more than its explanation
	}
	text, err := json.Marshal(body)
	if err != nil {
		return refused
	}
	differences, err := differs(there.Record, text)
	if err != nil || differences == "" {
		return refused
	}
	return exit.Refusedf("%w\n%s", refused, differences)
}

// differs describes how the body in here differs from the record in there. It returns an empty text if they agree.
func differs(there, here []byte) (string, error) {
	var registered, wanted map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(there, &registered), json.Unmarshal(here, &wanted)); err != nil {
		return "", err
	}
	var b strings.Builder
	if one, other := digestIn(registered), digestIn(wanted); one != other {
		fmt.Fprintf(&b, "the content is different: registered is %s, and this is %s\n",
			terminal.Plain(one), terminal.Plain(other))
		a, ok1 := manifestIn(registered)
		m, ok2 := manifestIn(wanted)
		if ok1 && ok2 {
			content.ShowDifferences(&b, folder.Compare(a, m))
		}
		b.WriteString("the content of a version never changes: register this as a new version")
		return b.String(), nil
	}
	names := []string{"description", "licence", "mediaType", "derivedFrom", "card", "metadata", "aliases", "size"}
	for _, name := range names {
		one, other := registered[name], wanted[name]
		switch {
		case name == "card":
			one, other = textIn(one), textIn(other)
		case other == nil && wanted["card"] != nil && (name == "description" || name == "licence"):
			continue // the gateway takes them from the card
		}
		if !same(one, other) {
			fmt.Fprintf(&b, "  %s: registered is %s, and this is %s\n", name, short(one), short(other))
		}
	}
	if b.Len() == 0 {
		return "", nil
	}
	return "the digest is the same, but these members differ:\n" + b.String() +
		"the record of a version never changes: leave them out, or register a new version", nil
}

func digestIn(body map[string]json.RawMessage) string {
	var d struct{ Algorithm, Value, Coverage string }
	_ = json.Unmarshal(body["digest"], &d) // an absent member leaves empty strings
	return fmt.Sprintf("%s:%s (%s)", d.Algorithm, d.Value, d.Coverage)
}

func manifestIn(body map[string]json.RawMessage) (manifest.Manifest, bool) {
	if body["manifest"] == nil {
		return manifest.Manifest{}, false
	}
	m, err := manifest.ReadFrom(bytes.NewReader(body["manifest"]))
	return m, err == nil
}

// textIn returns the text of a card. A body has only the text; the gateway adds the other members.
func textIn(card json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(card, &members)
	return members["text"]
}

// same tells whether two JSON texts have the same value.
func same(a, b json.RawMessage) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	one, err1 := canonical.Parse(a, canonical.Limits{})
	other, err2 := canonical.Parse(b, canonical.Limits{})
	return err1 == nil && err2 == nil && bytes.Equal(one.Bytes(), other.Bytes())
}

// short returns a member as a message quotes it.
func short(value json.RawMessage) string {
	switch {
	case value == nil:
		return "not given"
	case len(value) > 120:
		return "different"
	}
	return terminal.Plain(string(value))
}
