package pin

import (
	"crypto/sha256"
	_ "embed" // for the file that is added
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Mend is a change of one file of the pinned Fabric, or of a module that it is built from, made when it is built. Mends
// are for faults by which a channel's nodes stop for good, or for minutes although no more have failed than may, and only
// while no release of Fabric is without them. Each has a test that does to a real, mended network what stopped one
// before.
type Mend struct {
	// Module is the module of the file: Module or SmartBFT.
	Module string
	// File is its path in the module.
	File string
	// SHA256 is the hexadecimal digest of the file as pinned. It is empty if the mend adds the file.
	SHA256 string
	// Why says what goes wrong without it.
	Why string

	edits []edit
	text  string // of a file that is added
}

type edit struct{ old, new string }

const statebased = "core/common/validation/statebased/"

// Mends are all of them.
var Mends = slices.Concat(validation, consensus, expiry)

// validation are the mends of the peers' validation of transactions. A member's client sends the orderers an envelope
// that is rightly signed, and that peers can't read to its end. Orderers don't look inside, so it comes into a block,
// before transactions of others.
var validation = []Mend{
	{
		Module: Module,
		File:   "core/common/validation/msgvalidation.go",
		SHA256: "280bd7e09a15eb85d23816d36e61798722439b2eed21358d3cd180c8a6d2e49c",
		Why:    "A transaction whose action has no endorsed action made every peer panic, at each start anew.",
		edits: []edit{{
			"ccActionPayload.Action.ProposalResponsePayload)",
			"ccActionPayload.GetAction().GetProposalResponsePayload())",
		}},
	},
	{
		Module: Module,
		File:   statebased + "validator_keylevel.go",
		SHA256: "d428372107ece9b81eb017323d7571cf0caa78c6c62effc31257bfed928d54b4",
		Why: "A transaction without actions made every peer panic. For one that can't be read, the next transaction of " +
			"the block waited for ever.",
		edits: []edit{
			{
				"extractDependenciesForTx(blockNum, txNum uint64, envelopeBytes []byte) {\n",
				"extractDependenciesForTx(blockNum, txNum uint64, envelopeBytes []byte) {\n" +
					"\tvar results []byte // of what can't be read; others wait for them all the same\n" +
					"\tdefer func() { klv.vpmgr.ExtractValidationParameterDependency(blockNum, txNum, results) }()\n\n",
			},
			{
				"\tcap, err := protoutil.UnmarshalChaincodeActionPayload(tx.Actions[0].Payload)\n",
				"\tif len(tx.Actions) == 0 {\n" +
					"\t\tlogger.Warningf(\"tx at height (%d,%d) has no actions, skipping it\", blockNum, txNum)\n" +
					"\t\treturn\n" +
					"\t}\n\n" +
					"\tcap, err := protoutil.UnmarshalChaincodeActionPayload(tx.Actions[0].GetPayload())\n",
			},
			{
				"UnmarshalProposalResponsePayload(cap.Action.ProposalResponsePayload)",
				"UnmarshalProposalResponsePayload(cap.GetAction().GetProposalResponsePayload())",
			},
			{
				"\tklv.vpmgr.ExtractValidationParameterDependency(blockNum, txNum, respPayload.Results)\n",
				"\tresults = respPayload.Results\n",
			},
			{
				"\tfor i := int64(txNum); i >= 0; i-- {\n",
				"\tkeep(block, klv.vpmgr)\n\n\tfor i := int64(txNum); i >= 0; i-- {\n",
			},
		},
	},
	{
		Module: Module,
		File:   statebased + "vpmanagerimpl.go",
		SHA256: "544749b9d7edab78b374d4fbf7bf05695aee34881b6c0a2adf94f48fc0b4f811",
		Why: "A transaction that changes a key's policy, and is found invalid before the validation plugin is called, " +
			"was waited for, for ever, by the next transaction that writes the key.",
		edits: []edit{
			{
				"\tvalidationResultMap map[string]error\n\tdepInserted         chan struct{}\n",
				"\tvalidationResultMap map[string]error\n\tfinished            bool\n\tdepInserted         chan struct{}\n",
			},
			{
				"\tfor !ok {\n\t\td.cond.Wait()\n",
				"\tfor !ok {\n\t\tif d.finished {\n\t\t\treturn errNotJudged\n\t\t}\n\t\td.cond.Wait()\n",
			},
		},
	},
	{
		Module: Module,
		File:   statebased + "finished.go",
		Why:    "It tells those who wait for a transaction that its validation is over.",
		text:   finished,
	},
	{
		Module: Module,
		File:   "core/committer/txvalidator/v20/validator.go",
		SHA256: "bcb98202c33f6af119c738c8982b8995cf1257e10e24aa19235bf8c5b8a46498",
		Why:    "It says when the validation of a transaction is over.",
		edits: []edit{
			{
				"\t\"github.com/hyperledger/fabric/core/common/validation\"\n",
				"\t\"github.com/hyperledger/fabric/core/common/validation\"\n" +
					"\t\"github.com/hyperledger/fabric/core/common/validation/statebased\"\n",
			},
			{
				"\tresults := make(chan *blockValidationResult)\n",
				"\tdefer statebased.Begin(block)()\n\tresults := make(chan *blockValidationResult)\n",
			},
			{
				"\t\t\t\tdefer v.Semaphore.Release()\n",
				"\t\t\t\tdefer v.Semaphore.Release()\n\t\t\t\tdefer statebased.Finished(block, index)\n",
			},
		},
	},
}

//go:embed mends/finished.go.txt
var finished string

// Adds reports whether the mend adds a file instead of changing one.
func (m Mend) Adds() bool { return m.text != "" }

// Apply makes the mended file of the pinned one, which is empty for a file that is added.
func (m Mend) Apply(pinned []byte) ([]byte, error) {
	if m.Adds() {
		return []byte(m.text), nil
	}
	if sum := sha256.Sum256(pinned); hex.EncodeToString(sum[:]) != m.SHA256 {
		return nil, fmt.Errorf("%s isn't the file that the mend was made for; its SHA-256 is %x", m.File, sum)
	}
	text := string(pinned)
	for _, e := range m.edits {
		if n := strings.Count(text, e.old); n != 1 {
			return nil, fmt.Errorf("%s has %d places for the edit of %q instead of one", m.File, n, e.old)
		}
		text = strings.Replace(text, e.old, e.new, 1)
	}
	return []byte(text), nil
}

// MendsFingerprint returns bytes that differ whenever the mends do. The name of a build depends on them.
func MendsFingerprint() []byte { return fmt.Append(nil, Mends) }
