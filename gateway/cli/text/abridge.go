package text

import (
	"encoding/json"
	"fmt"
)

// fewFiles is the greatest number of files of a manifest that are printed.
const fewFiles = 20

// abridged shortens a record for people: it drops the card's text, long manifests and signature bundles.
func abridged(text json.RawMessage) json.RawMessage {
	text = withoutCard(text)
	text = replaced(text, []string{"manifest", "files"}, func(value json.RawMessage) (string, bool) {
		var files []json.RawMessage
		if json.Unmarshal(value, &files) != nil || len(files) <= fewFiles {
			return "", false
		}
		return fmt.Sprintf("… %d files; show --json prints them", len(files)), true
	})
	return replaced(text, []string{"metadata", "modelSigning", "bundle"}, func(value json.RawMessage) (string, bool) {
		var bundle string
		if json.Unmarshal(value, &bundle) != nil {
			return "", false
		}
		return fmt.Sprintf("… %d bytes; show --json prints them", len(bundle)), true
	})
}

// replaced replaces the member at a path with the text that by returns for it, if by returns one.
func replaced(text json.RawMessage, path []string, by func(json.RawMessage) (string, bool)) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members[path[0]] == nil {
		return text
	}
	if len(path) > 1 {
		members[path[0]] = replaced(members[path[0]], path[1:], by)
		return spelled(members)
	}
	words, ok := by(members[path[0]])
	if !ok {
		return text
	}
	members[path[0]] = spelled(words)
	return spelled(members)
}
