// Package blockfile reads the files in which a Fabric peer keeps its blocks, without the peer: blockfile_000000,
// blockfile_000001 and so on in ledger/ledgersData/chains/chains/<channel>.
//
// A file is a sequence of blocks, each behind its length. Lengths and counts are varints as in Protocol Buffers. A block
// isn't the Protocol Buffers message, but (Fabric, common/ledger/blkstorage/block_serialization.go):
//
//	number, bytes of the data hash, bytes of the previous hash,
//	count of transactions, bytes of each envelope,
//	count of metadata, bytes of each
//
// where bytes are a length and so many of them. A peer that is killed may leave the last block of the last file unfinished.
package blockfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"google.golang.org/protobuf/encoding/protowire"
)

// MaxBlock bounds a block, in bytes. Fabric's orderers make none of more than about 100 MB, whatever a channel asks for.
const MaxBlock = 128 << 20

// Damage is a place in a file where there is something else than a block.
type Damage struct {
	// File is its name, Offset where the block that can't be read begins.
	File    string
	Offset  int64
	Message string
}

// Error says where the damage is.
func (d *Damage) Error() string { return fmt.Sprintf("%s, byte %d: %s", d.File, d.Offset, d.Message) }

// Partial is the beginning of a block at the end of the last file.
type Partial struct {
	File   string
	Offset int64
	// Bytes are how many of them are left.
	Bytes int64
}

// Reader reads a folder of block files from the first block on.
type Reader struct {
	dir     string
	number  int // of the file
	file    *os.File
	in      *bufio.Reader
	offset  int64 // in the file
	size    int64 // of the file, when it was opened
	before  int64 // bytes of the files before
	partial *Partial
}

// Open begins with the first file in a folder.
func Open(dir string) (*Reader, error) {
	r := &Reader{dir: dir}
	if err := r.open(0); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no %s in %s; a peer has its blocks in ledger/ledgersData/chains/chains/<channel>", name(0), dir)
		}
		return nil, err
	}
	return r, nil
}

func name(number int) string { return fmt.Sprintf("blockfile_%06d", number) }

func (r *Reader) open(number int) error {
	file, err := os.Open(filepath.Join(r.dir, name(number)))
	if err != nil {
		return fmt.Errorf("couldn't open a block file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return fmt.Errorf("couldn't open a block file: %w", err)
	}
	if r.file != nil {
		r.file.Close()
		r.before += r.size
	}
	r.file, r.number, r.offset, r.size = file, number, 0, info.Size()
	r.in = bufio.NewReaderSize(file, 1<<20)
	return nil
}

// Close closes the file that is open.
func (r *Reader) Close() error { return r.file.Close() }

// Offset is how many bytes of all files have been read.
func (r *Reader) Offset() int64 { return r.before + r.offset }

// Size is how many bytes all block files in a folder have.
func Size(dir string) (size int64) {
	for n := 0; ; n++ {
		info, err := os.Stat(filepath.Join(dir, name(n)))
		if err != nil {
			return size
		}
		size += info.Size()
	}
}

// Partial is what is left of an unfinished block after the last whole one, nil if nothing is. It is known after Next has
// returned io.EOF.
func (r *Reader) Partial() *Partial { return r.partial }

// Next reads the next block. The error is io.EOF after the last whole one, a *Damage where a file doesn't hold what it
// should, or the operating system's.
func (r *Reader) Next() (*common.Block, error) {
	for r.offset == r.size {
		err := r.open(r.number + 1)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, err
		}
	}
	left := r.size - r.offset
	length, n, err := r.length(left)
	if err != nil {
		return nil, err
	}
	if n == 0 || int64(length) > left-int64(n) {
		return nil, r.unfinished(left)
	}
	if length > MaxBlock {
		return nil, r.damage("it claims a block of %d bytes", length)
	}
	raw := make([]byte, length)
	if _, err := r.in.Discard(n); err != nil {
		return nil, fmt.Errorf("couldn't read %s: %w", name(r.number), err)
	}
	if _, err := io.ReadFull(r.in, raw); err != nil {
		return nil, fmt.Errorf("couldn't read %s: %w", name(r.number), err)
	}
	block, rest, err := Parse(raw)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes follow the block where it should end", len(rest))
	}
	if err != nil {
		return nil, r.damage("%v", err)
	}
	r.offset += int64(n) + int64(length)
	return block, nil
}

// length reads, without taking it, the length of a block; n is 0 if the file ends within it.
func (r *Reader) length(left int64) (length uint64, n int, err error) {
	head, err := r.in.Peek(int(min(left, 10)))
	if err != nil {
		return 0, 0, fmt.Errorf("couldn't read %s: %w", name(r.number), err)
	}
	length, n = protowire.ConsumeVarint(head)
	switch {
	case n < 0 && left >= 10:
		return 0, 0, r.damage("there is no length of a block")
	case n < 0:
		return 0, 0, nil
	case n != protowire.SizeVarint(length):
		return 0, 0, r.damage("the length of a block is written with more bytes than it takes")
	}
	return length, n, nil
}

// unfinished tells the end of an unfinished block from a length that is wrong: behind that there is a whole block.
func (r *Reader) unfinished(left int64) error {
	if _, err := os.Stat(filepath.Join(r.dir, name(r.number+1))); err == nil {
		return r.damage("the last block of the file is longer than the file, and another file follows")
	}
	if left <= MaxBlock {
		raw := make([]byte, left)
		if _, err := io.ReadFull(r.in, raw); err != nil {
			return fmt.Errorf("couldn't read %s: %w", name(r.number), err)
		}
		for n := range min(len(raw), protowire.SizeVarint(math.MaxUint64)+1) {
			if b, _, err := Parse(raw[n:]); err == nil && whole(b) {
				return r.damage("the length of the block is wrong")
			}
		}
	}
	r.partial = &Partial{File: name(r.number), Offset: r.offset, Bytes: left}
	r.offset = r.size
	return io.EOF
}

// whole tells a block from bytes that happen to look like one.
func whole(b *common.Block) bool {
	h := sha256.New()
	for _, envelope := range b.GetData().GetData() {
		h.Write(envelope)
	}
	return len(b.GetData().GetData()) > 0 && bytes.Equal(h.Sum(nil), b.GetHeader().GetDataHash())
}

func (r *Reader) damage(format string, args ...any) error {
	return &Damage{File: name(r.number), Offset: r.offset, Message: fmt.Sprintf(format, args...)}
}

// Parse reads one block and returns what follows it. Numbers must be written in the one shortest way, so that no two
// files say the same.
func Parse(raw []byte) (block *common.Block, rest []byte, err error) {
	p := parser{rest: raw}
	header := &common.BlockHeader{Number: p.number(), DataHash: p.bytes(), PreviousHash: p.bytes()}
	if len(header.PreviousHash) == 0 {
		header.PreviousHash = nil
	}
	block = &common.Block{Header: header, Data: &common.BlockData{Data: p.list()}, Metadata: &common.BlockMetadata{Metadata: p.list()}}
	if p.err != nil {
		return nil, nil, p.err
	}
	return block, p.rest, nil
}

// Append writes a block as Parse reads it.
func Append(to []byte, block *common.Block) []byte {
	to = protowire.AppendVarint(to, block.GetHeader().GetNumber())
	to = protowire.AppendBytes(to, block.GetHeader().GetDataHash())
	to = protowire.AppendBytes(to, block.GetHeader().GetPreviousHash())
	for _, list := range [][][]byte{block.GetData().GetData(), block.GetMetadata().GetMetadata()} {
		to = protowire.AppendVarint(to, uint64(len(list)))
		for _, one := range list {
			to = protowire.AppendBytes(to, one)
		}
	}
	return to
}

// parser takes values off the front of rest; after the first error it takes nothing more.
type parser struct {
	rest []byte
	err  error
}

func (p *parser) number() uint64 {
	if p.err != nil {
		return 0
	}
	v, n := protowire.ConsumeVarint(p.rest)
	if n < 0 || n != protowire.SizeVarint(v) {
		p.err = errors.New("it has a number that can't be read")
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *parser) bytes() []byte {
	n := p.number()
	if p.err != nil {
		return nil
	}
	if n > uint64(len(p.rest)) {
		p.err = fmt.Errorf("it ends within %d bytes that it announces", n)
		return nil
	}
	taken := p.rest[:n:n]
	p.rest = p.rest[n:]
	return taken
}

func (p *parser) list() [][]byte {
	n := p.number()
	if p.err == nil && n > uint64(len(p.rest)) { // each takes a byte at least
		p.err = fmt.Errorf("it ends within %d entries that it announces", n)
	}
	if p.err != nil {
		return nil
	}
	list := make([][]byte, 0, min(n, 1024))
	for range n {
		list = append(list, p.bytes())
		if p.err != nil {
			return nil
		}
	}
	return list
}
