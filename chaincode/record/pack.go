package record

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// A pack is the form in which records travel and in which the ledger keeps them:
// one zstd frame (RFC 8878) of canonical bodies with a line feed between them.
// Canonical JSON contains no line feeds, so `zstd -d` shows one record a line.

// PackLimits bound the content of one pack.
type PackLimits struct {
	Records int
	Bytes   int // of all bodies, unpacked
}

// The limits of one transaction.
const (
	MaxPackRecords = 5_000
	MaxPackBytes   = 8 << 20
)

func (l PackLimits) orDefaults() PackLimits {
	if l.Records == 0 {
		l.Records = MaxPackRecords
	}
	if l.Bytes == 0 {
		l.Bytes = MaxPackBytes
	}
	return l
}

// EncodeAll and DecodeAll of these coders are safe for concurrent use. The coders
// start no goroutines.
var (
	// A frame with a single segment always states its size. There is no checksum, because the ids of the records
	// reveal any damage. The fastest level takes half the time of the default level, and makes smaller packs of
	// records that are much alike.
	packer = must(
		zstd.NewWriter(
			nil,
			zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithSingleSegment(true),
			zstd.WithEncoderCRC(false),
		),
	)
	// The memory limit holds for every Unpack, whatever limits its caller sets.
	unpacker = must(zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(64<<20)))
)

func must[T any](x T, err error) T {
	if err != nil {
		panic(err) // the options above are constants
	}
	return x
}

// Pack packs bodies in their order.
func Pack(bodies [][]byte) ([]byte, error) {
	size := len(bodies)
	for _, b := range bodies {
		size += len(b)
	}
	p := Packer{text: make([]byte, 0, size)}
	for _, b := range bodies {
		if err := p.Add(b); err != nil {
			return nil, err
		}
	}
	return p.Pack()
}

// Packer collects bodies for a pack. The zero Packer is ready to use, by one goroutine at a time.
type Packer struct {
	text    []byte
	records int
}

// Add appends a copy of a body.
func (p *Packer) Add(body []byte) error {
	if len(body) == 0 || bytes.IndexByte(body, '\n') >= 0 {
		return fmt.Errorf("body %d is not canonical JSON", p.records)
	}
	if p.records > 0 {
		p.text = append(p.text, '\n')
	}
	p.text = append(p.text, body...)
	p.records++
	return nil
}

// Records is the number of bodies that were added.
func (p *Packer) Records() int { return p.records }

// Pack packs the bodies in the order in which they were added.
func (p *Packer) Pack() ([]byte, error) {
	if p.records == 0 {
		return nil, errors.New("there is nothing to pack")
	}
	room := packed.Get().(*[]byte)
	defer packed.Put(room)
	*room = packer.EncodeAll(p.text, (*room)[:0])
	return bytes.Clone(*room), nil
}

// packed holds buffers to compress into, because the size of a pack isn't known before.
var packed = sync.Pool{New: func() any { return new([]byte) }}

// Reset drops the bodies and keeps their memory for others.
func (p *Packer) Reset() { p.text, p.records = p.text[:0], 0 }

// Unpack returns the bodies of a pack. It doesn't check the bodies. It never
// decompresses more than the limits allow, whatever size the pack states.
func Unpack(pack []byte, l PackLimits) ([][]byte, error) { return new(Reader).Unpack(pack, l) }

// Unpack returns the bodies of a pack like the function [Unpack]. They are valid only until the next call.
func (r *Reader) Unpack(pack []byte, l PackLimits) ([][]byte, error) {
	l = l.orDefaults()
	var header zstd.Header
	if err := header.Decode(pack); err != nil {
		return nil, fmt.Errorf("the pack is no zstd frame: %w", err)
	}
	if header.Skippable || !header.HasFCS {
		return nil, errors.New("the pack is no zstd frame that says its size")
	}
	if !oneFrame(pack, header) {
		return nil, errors.New("the pack is not one zstd frame and nothing else")
	}
	if header.FrameContentSize > uint64(l.Bytes) {
		return nil, fmt.Errorf("the pack unfolds to %d bytes, more than the %d allowed", header.FrameContentSize, l.Bytes)
	}
	text, err := unpacker.DecodeAll(pack, slices.Grow(r.text[:0], int(header.FrameContentSize)))
	if err != nil {
		return nil, fmt.Errorf("couldn't unfold the pack: %w", err)
	}
	if r.text = text; uint64(len(text)) != header.FrameContentSize {
		return nil, errors.New("the pack's frame doesn't have the size it says")
	}
	n := bytes.Count(text, newline) + 1
	if n > l.Records {
		return nil, fmt.Errorf("the pack has %d records, more than the %d allowed", n, l.Records)
	}
	r.bodies = slices.Grow(r.bodies[:0], n)
	for body := range bytes.SplitSeq(text, newline) {
		r.bodies = append(r.bodies, body)
	}
	return r.bodies, nil
}

var newline = []byte{'\n'}

// oneFrame follows the blocks of a frame (RFC 8878, section 3.1.1.2) and reports
// whether the frame ends where the pack ends. Without this check, the ledger
// could keep bytes behind the frame that belong to no record.
func oneFrame(pack []byte, header zstd.Header) bool {
	const (
		blockHeader = 3
		rle         = 1 // one byte stands for many
	)
	rest := pack[header.HeaderSize:]
	for {
		if len(rest) < blockHeader {
			return false
		}
		block := int(rest[0]) | int(rest[1])<<8 | int(rest[2])<<16
		size := block >> 3
		if block>>1&3 == rle {
			size = 1
		}
		if rest = rest[blockHeader:]; len(rest) < size {
			return false
		}
		rest = rest[size:]
		if last := block&1 == 1; last {
			break
		}
	}
	if header.HasCheckSum {
		return len(rest) == 4
	}
	return len(rest) == 0
}
