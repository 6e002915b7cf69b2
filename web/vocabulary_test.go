package web

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

func TestPagesHaveAWordAndAShapeForEveryKind(t *testing.T) {
	styles, err := files.ReadFile("style/30-parts.css")
	require.NoError(t, err)
	style := string(styles)
	unknown := kindBySlug("unknown")
	for _, kind := range record.ArtifactKinds {
		assert.NotEqual(t, unknown, KindOf("artifact", kind+"/lab/x@1"), kind)
	}
	for _, noun := range []record.Noun{record.NounEvent, record.NounActivity, record.NounStatement, record.NounMember} {
		assert.NotEqual(t, unknown, KindOf(string(noun), ""), noun)
	}
	for _, k := range record.StatementKinds {
		assert.NotEmpty(t, k.Title, k.Name)
		assert.NotEmpty(t, k.Help, k.Name)
		if k.Warns {
			assert.Contains(t, style, ".flag-"+k.Flag, "a flag that warns has a colour")
		}
	}
}
