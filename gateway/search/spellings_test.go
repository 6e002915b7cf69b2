package search

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
)

const (
	lot    = "https://id.gs1.org/01/09520001200014/10/FILLET-A"
	item   = "https://id.gs1.org/01/09520001200014/21/17"
	gtin14 = "https://id.gs1.org/01/09520001200014"
	pallet = "https://id.gs1.org/00/095200010000000652"
)

func TestPeoplesSpellingsOfThings(t *testing.T) {
	for text, want := range map[string]string{
		"urn:epc:class:lgtin:9520001.020001.FILLET-A":                    lot,
		"https://id.gs1.org/01/09520001200014/10/FILLET-A":               lot,
		"https://shop.example/x/01/09520001200014/10/FILLET-A?17=270101": lot,
		"shop.example/01/09520001200014/10/FILLET-A":                     lot,
		"/01/09520001200014/10/FILLET-A":                                 lot,
		"(01)09520001200014(10)FILLET-A":                                 lot,
		"(01) 09520001200014 (17) 270101 (10) FILLET-A":                  lot,
		"  (10)FILLET-A(01)09520001200014 ":                              lot,
		"010952000120001410FILLET-A":                                     lot,
		"]C1010952000120001410FILLET-A":                                  lot,
		"01095200012000141727010110FILLET-A":                             lot,
		"]d2010952000120001431030001951727010110FILLET-A":                lot,
		"0109520001200014240X-1\x1d10FILLET-A":                           lot,
		"(02)09520001200014(37)40(10)FILLET-A":                           lot,
		"02095200012000143740\x1d10FILLET-A":                             lot,
		"GTIN 09520001200014 lot FILLET-A":                               lot,
		"gtin: 09520001200014, Lot: FILLET-A":                            lot,
		"09520001200014 FILLET-A":                                        lot,
		"FILLET-A 09520001200014":                                        lot,
		"09520001200014/FILLET-A":                                        lot,
		"9520001200014 batch FILLET-A":                                   lot,
		"EAN 9520001200014 serial 17":                                    item,
		"(01)09520001200014(21)17(10)FILLET-A":                           item,
		"010952000120001421" + "17\x1d10FILLET-A":                        item,
		"urn:epc:id:sgtin:9520001.020001.17":                             item,
		"09520001200014":                                                 gtin14,
		"9520001200014":                                                  gtin14,
		"0 9520001 20001 4":                                              gtin14,
		"GTIN 09520001200014":                                            gtin14,
		"095200010000000652":                                             pallet,
		"(00)095200010000000652":                                         pallet,
		"00095200010000000652":                                           pallet,
		"SSCC 095200010000000652":                                        pallet,
	} {
		found := Things(text)
		if assert.NotEmpty(t, found, "%q", text) {
			assert.Equal(t, want, found[0], "%q", text)
		}
	}
}

func TestWhatCouldBeTwoThingsIsBoth(t *testing.T) {
	assert.Equal(t, []string{"https://id.gs1.org/01/09520001000010", "https://id.gs1.org/414/9520001000010"}, Things("9520001000010"))
}

func TestWhatIsNoThing(t *testing.T) {
	for _, text := range []string{"", " ", "salmon", "dataset/lab/readings@1", "12345", "(99)x", "()", "(01)", "09520001200015", "lot A", "a b c d", "\x00", "ni:///sha-256;00", "https://example.org/about"} {
		assert.Empty(t, Things(text), "%q", text)
	}
}

func TestAWrongCheckDigitIsTold(t *testing.T) {
	for text, want := range map[string]byte{"09520001200015": '4', "GTIN 9520001200011": '4', "(01)09520001200019(10)A": '4'} {
		should, wrong := WrongCheckDigit(text)
		assert.True(t, wrong, text)
		assert.Equal(t, string(want), string(should), text)
	}
	for _, text := range []string{"09520001200014", "salmon", "12345", ""} {
		_, wrong := WrongCheckDigit(text)
		assert.False(t, wrong, text)
	}
}

func FuzzThings(f *testing.F) {
	for _, text := range []string{"(01)09520001200014(10)FILLET-A", "010952000120001410FILLET-A\x1d2117", "GTIN 09520001200014 lot A", "https://x/01/09520001200014/10/%FF", "]C100", "(00)095200010000000652"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, thing := range Things(text) {
			if epcis.Thing(thing) != thing || epcis.Parts(thing) == nil {
				t.Errorf("%q gives %q, which is no canonical thing", text, thing)
			}
		}
		WrongCheckDigit(text)
	})
}
