package summary

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

func TestABaseModelOfACardIsToldUnlessTheLedgerLeadsToIt(t *testing.T) {
	s := &sources{bases: []*version{{ref: "model/lab/base@1"}}}
	for name, c := range map[string]struct {
		base about.Reference
		want []string
	}{
		"the ledger leads to it":            {about.Reference{Name: "model/lab/base@1", Ref: "model/lab/base@1"}, nil},
		"it is a name of somewhere else":    {about.Reference{Name: "somebody/base", Version: "2"}, []string{"somebody/base 2"}},
		"no recorded run used this version": {about.Reference{Name: "model/lab/base@2", Ref: "model/lab/base@2"}, []string{"model/lab/base@2"}},
		"it has an address alone":           {about.Reference{URL: "https://models.example/base"}, []string{"https://models.example/base"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, s.furtherBases(&about.Description{BaseModels: []about.Reference{c.base}}))
		})
	}
}

func TestADatasetOfACardIsToldUnlessTheLedgerLeadsToIt(t *testing.T) {
	s := &sources{
		data:  []*version{{ref: "dataset/lab/readings@1"}},
		aside: []*version{{ref: "dataset/lab/holdout@1"}},
	}
	for name, c := range map[string]struct {
		dataset about.Reference
		want    []string
	}{
		"the model was made of it":       {about.Reference{Name: "dataset/lab/readings@1", Ref: "dataset/lab/readings@1"}, nil},
		"its run used it besides":        {about.Reference{Name: "dataset/lab/holdout@1", Ref: "dataset/lab/holdout@1"}, nil},
		"it is a name of somewhere else": {about.Reference{Name: "lab/reviews", Role: about.RoleTraining}, []string{"lab/reviews, training"}},
		"it has an address alone":        {about.Reference{URL: "https://data.example/x"}, []string{"https://data.example/x"}},
		"it has no name at all":          {about.Reference{Role: about.RoleTraining}, nil},
		"it is another version": {
			about.Reference{Name: "dataset/lab/readings@2", Ref: "dataset/lab/readings@2", Role: about.RoleEvaluation},
			[]string{"dataset/lab/readings@2, evaluation"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, s.furtherData(&about.Description{Datasets: []about.Reference{c.dataset}}))
		})
	}
}
