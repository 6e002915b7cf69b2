package modelcard

import (
	"testing"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about/abouttest"
)

func TestCardsSayWhatTheirGoldenFilesHave(t *testing.T) { abouttest.Golden(t, Read) }

func FuzzRead(f *testing.F) { abouttest.Fuzz(f, Read) }
