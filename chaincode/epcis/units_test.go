package epcis

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUnitsAreCodesOfTheRecommendation(t *testing.T) {
	for code, known := range map[string]bool{
		"KGM": true, "LTR": true, "C62": true, "EA": true, "CEL": true, "4L": true, "XBX": true,
		"KGG": false, "kgm": false, "KG": false, "BX": false, "": false, "stone": false,
	} {
		assert.Equal(t, known, IsUnit(code), code)
	}
	assert.Greater(t, len(units()), 2000)
	for text, code := range usualUnits {
		assert.True(t, IsUnit(code), text)
	}
}

func TestAUnitIsSuggestedForATextThatIsNone(t *testing.T) {
	for text, want := range map[string]string{
		"kgm": `; did you mean "KGM"?`, "kg": `; did you mean "KGM"?`, " Pieces ": `; did you mean "H87"?`,
		"BX": `; did you mean "XBX"?`, "KGG": "", "": "", "2c": `; did you mean "2C"?`,
	} {
		assert.Equal(t, want, LikeUnit(text), text)
	}
}
