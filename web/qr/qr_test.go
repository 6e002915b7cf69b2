package qr_test

import (
	"encoding/xml"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	encoder "rsc.io/qr"

	"github.com/pedigree-ledger/pedigree/web/qr"
)

// matrix reads the black modules back from a drawing, without its margin.
func matrix(t *testing.T, svg string) (size int, black map[[2]int]bool) {
	t.Helper()
	box := regexp.MustCompile(`viewBox="0 0 (\d+) (\d+)"`).FindStringSubmatch(svg)
	require.NotNil(t, box)
	require.Equal(t, box[1], box[2])
	size = atoi(t, box[1]) - 2*qr.Quiet
	black = map[[2]int]bool{}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(svg, -1) {
		require.Equal(t, m[3], m[4])
		for i := range atoi(t, m[3]) {
			black[[2]int{atoi(t, m[1]) + i - qr.Quiet, atoi(t, m[2]) - qr.Quiet}] = true
		}
	}
	return size, black
}

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

func TestADrawingHasEveryModuleOfTheCode(t *testing.T) {
	for _, text := range []string{"x", "https://id.gs1.org/01/09520001200010/10/FILLET-1", "https://gateway.example:8081/01/09520001200010/21/a%2Fb?c=<d>&e", strings.Repeat("0123456789", 100)} {
		svg, err := qr.Draw(text)
		require.NoError(t, err)
		require.NoError(t, xml.Unmarshal([]byte(svg), new(struct{})))
		assert.NotContains(t, string(svg), "style=")
		code, err := encoder.Encode(text, encoder.M)
		require.NoError(t, err)
		size, black := matrix(t, string(svg))
		require.Equal(t, code.Size, size)
		for y := range size {
			for x := range size {
				require.Equal(t, code.Black(x, y), black[[2]int{x, y}], "%d,%d of %q", x, y, text)
			}
		}
	}
}

func TestATextThatIsTooLongIsAnError(t *testing.T) {
	_, err := qr.Draw(strings.Repeat("x", 5000))
	assert.Error(t, err)
}
