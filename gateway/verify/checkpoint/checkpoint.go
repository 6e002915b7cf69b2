package checkpoint

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// Question is what organisations are asked for a checkpoint.
const Question cosigned.Question = "/v1/checkpoint"

// Checkpoint says how far a ledger is.
type Checkpoint struct {
	cosigned.Ledger
	cosigned.Height
	Size uint64            // the number of recordings up to the block, which are the leaves of the tree
	Root [sha256.Size]byte // of the tree
}

// mostSize is the greatest size, the greatest number that JSON is sure to keep.
const mostSize = 1<<53 - 1

// Text is what a note says.
func (c *Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\nblock %d\nhash %s\n", c.Origin(), c.Size, base64.StdEncoding.EncodeToString(c.Root[:]),
		c.Block, base64.StdEncoding.EncodeToString(c.Hash[:]))
}

// parseText reads what Text writes, and nothing else: a signature covers only what Text knows.
func parseText(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 6 {
		return c, malformed("a checkpoint has five lines, and this text has %d", len(lines)-1)
	}
	channel, genesis, _ := strings.Cut(lines[0], "/")
	c.Channel = channel
	c.Size, _ = strconv.ParseUint(lines[1], 10, 53)
	c.Block, _ = strconv.ParseUint(strings.TrimPrefix(lines[3], "block "), 10, 53)
	raw, _ := hex.DecodeString(genesis)
	copy(c.Genesis[:], raw)
	raw, _ = base64.StdEncoding.DecodeString(lines[2])
	copy(c.Root[:], raw)
	raw, _ = base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[4], "hash "))
	copy(c.Hash[:], raw)
	if channel == "" || c.Text() != text {
		return c, malformed("the text is no checkpoint as organisations write it: CHANNEL/GENESIS, size, root, block and hash")
	}
	return c, nil
}

// Body is the JSON body of the answer to [Question].
type Body struct {
	Origin string `json:"origin"`
	Size   uint64 `json:"size"`
	// Root and BlockHash are in hexadecimal.
	Root      string `json:"root"`
	Block     uint64 `json:"block"`
	BlockHash string `json:"blockHash"`
}

// Body is what a gateway answers.
func (c *Checkpoint) Body() Body {
	return Body{c.Origin(), c.Size, hex.EncodeToString(c.Root[:]), c.Block, hex.EncodeToString(c.Hash[:])}
}

// Answer is the checkpoint as the answer that organisations sign.
func (c *Checkpoint) Answer() cosigned.Answer {
	b := c.Body()
	return cosigned.Answer{
		Status: 200, Headers: map[string]string{"Content-Type": "application/json"},
		Body: canonical.Obj(
			canonical.Member{Name: "block", Value: canonical.Int(int64(b.Block))},
			canonical.Member{Name: "blockHash", Value: canonical.Str(b.BlockHash)},
			canonical.Member{Name: "origin", Value: canonical.Str(b.Origin)},
			canonical.Member{Name: "root", Value: canonical.Str(b.Root)},
			canonical.Member{Name: "size", Value: canonical.Int(int64(b.Size))},
		),
	}
}

// OfAnswer reads the checkpoint that a cosigned answer has. The error is a *proof.Refusal.
func OfAnswer(f *cosigned.File) (*Checkpoint, error) {
	if f.Question != Question {
		return nil, refuse(proof.WrongQuestion, "", "the answer is to %.100q, and not to %s", string(f.Question), Question)
	}
	c := &Checkpoint{Ledger: f.Ledger, Height: f.Height}
	size, _ := f.Answer.Body.Get("size").Int()
	root, _ := hex.DecodeString(f.Answer.Body.Get("root").Text)
	c.Size = uint64(max(size, 0))
	copy(c.Root[:], root)
	again := c.Answer()
	if c.Size > mostSize || again.Digest() != f.Answer.Digest() {
		return nil, malformed("the answer is no checkpoint as of block %d of this ledger", f.Block)
	}
	return c, nil
}

func refuse(reason proof.Reason, where, format string, args ...any) error {
	return &proof.Refusal{Reason: reason, Where: where, Detail: fmt.Sprintf(format, args...)}
}

func malformed(format string, args ...any) error { return refuse(proof.Malformed, "", format, args...) }
