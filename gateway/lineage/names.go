package lineage

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// Name is what people may call a node: lot A of 09520001020001, or shipping,
// 2026-03-01 10:00. It tells less than the id, and isn't unique.
func (n Node) Name() string {
	switch n.Kind {
	case "thing", "class":
		return thingName(n.ID)
	case "artifact":
		if r, err := record.ParseArtifactRef(n.ID); err == nil {
			return r.Kind + " " + r.Namespace + "/" + r.Name + ", version " + r.Version
		}
	case "event":
		what := strings.TrimSuffix(n.Type, "Event")
		if n.BizStep != "" {
			what = strings.ReplaceAll(afterDash(n.BizStep[strings.LastIndexByte(n.BizStep, '/')+1:]), "_", " ")
		}
		return n.dated(what)
	case "activity":
		return n.dated(n.Type)
	case "statement":
		return n.Type + " by " + strings.TrimSuffix(n.MSPID, "MSP")
	}
	return brief(n.ID)
}

func (n Node) dated(what string) string {
	if n.Time.IsZero() {
		return what
	}
	return what + ", " + n.Time.UTC().Format("2006-01-02 15:04")
}

// thingName spells a Digital Link's qualifier before its key, as people do.
func thingName(id string) string {
	parts := epcis.Parts(id)
	switch len(parts) {
	case 0:
		return brief(id)
	case 1:
		return parts[0].Title + " " + parts[0].Value
	}
	last := parts[len(parts)-1]
	return last.Title + " " + last.Value + " of " + parts[0].Value
}
