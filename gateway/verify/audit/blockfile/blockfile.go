// Package blockfile reads the files in which a Fabric peer keeps its blocks. The peer needn't run. The files are called
// blockfile_000000, blockfile_000001 and so on, and are in ledger/ledgersData/chains/chains/<channel>.
//
// Each file is a sequence of blocks, and each block comes after its length. Lengths and counts are varints as in
// Protocol Buffers. A block isn't encoded as a Protocol Buffers message. Its encoding is the following (Fabric,
// common/ledger/blkstorage/block_serialization.go):
//
//	number, bytes of the data hash, bytes of the previous hash,
//	count of transactions, bytes of each envelope,
//	count of metadata, bytes of each
//
// Here, “bytes” are a length and as many bytes. If a peer is killed, the last block of the last file may be unfinished.
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

// MaxBlock is the largest block that is read, in bytes. Fabric's orderers make no blocks of more than about 100 MB,
// whatever the channel's configuration says.
const MaxBlock = 128 << 20

// Damage is an error about a file with something that isn't a block.
type Damage struct {
	// File is the file's name. Offset is where the unreadable block begins.
	File    string
	Offset  int64
	Message string
}

// Error says where the damage is.
func (d *Damage) Error() string { return fmt.Sprintf("%s, byte %d: %s", d.File, d.Offset, d.Message) }

// Partial is an unfinished block at the end of the last file.
type Partial struct {
	File   string
	Offset int64
	// Bytes is how many bytes of the block are there.
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

// Open opens the first file in a folder.
func Open(dir string) (*Reader, error) {
	r := &Reader{dir: dir}
	if err := r.open(0); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf(
				"there is no %s in %s; a peer has its blocks in ledger/ledgersData/chains/chains/<channel>",
				name(0),
				dir,
			)
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

// Offset returns how many bytes of all files have been read.
func (r *Reader) Offset() int64 { return r.before + r.offset }

// Size returns the size of all block files in a folder.
func Size(dir string) (size int64) {
	for n := 0; ; n++ {
		info, err := os.Stat(filepath.Join(dir, name(n)))
		if err != nil {
			return size
		}
		size += info.Size()
	}
}

// Partial returns the unfinished block at the end, or nil if there is none. Call it after Next has returned io.EOF.
func (r *Reader) Partial() *Partial { return r.partial }

// Next reads the next block. The error is io.EOF after the last whole block, a *Damage if the file is damaged, or an
// error of the operating system.
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
	if err != nil {
		return nil, r.damage("%v", err)
	}
	if len(rest) > 0 {
		return nil, r.damage("%d bytes follow the block where it should end", len(rest))
	}
	r.offset += int64(n) + int64(length)
	return block, nil
}

// length reads the length of the next block, without consuming it. n is 0 if the file ends within the length.
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

// unfinished distinguishes an unfinished block from a wrong length. If the length is wrong, a whole block follows it.
func (r *Reader) unfinished(left int64) error {
	if _, err := os.Stat(filepath.Join(r.dir, name(r.number+1))); err == nil {
		return r.damage("the last block of the file is longer than the file, and another file follows")
	}
	if left <= MaxBlock {
		raw := make([]byte, left)
		if _, err := io.ReadFull(r.in, raw); err != nil {
			return fmt.Errorf("couldn't read %s: %w", name(r.number), err)
		}
		for n := range min(len(raw), protowire.SizeVarint(math.MaxInt64)+1) {
			if b, _, err := Parse(raw[n:]); err == nil && whole(b) {
				return r.damage("the length of the block is wrong")
			}
		}
	}
	r.partial = &Partial{File: name(r.number), Offset: r.offset, Bytes: left}
	r.offset = r.size
	return io.EOF
}

// whole reports whether a block is one, and not just bytes that look like a block.
func whole(b *common.Block) bool {
	h := sha256.New()
	for _, envelope := range b.GetData().GetData() {
		h.Write(envelope)
	}
	return bytes.Equal(h.Sum(nil), b.GetHeader().GetDataHash())
}

func (r *Reader) damage(format string, args ...any) error {
	return &Damage{File: name(r.number), Offset: r.offset, Message: fmt.Sprintf(format, args...)}
}

// Parse reads one block and returns the bytes after it. Numbers must have their shortest encoding, so that a block has
// only one.
func Parse(raw []byte) (block *common.Block, rest []byte, err error) {
	p := parser{rest: raw}
	block = &common.Block{
		Header:   &common.BlockHeader{Number: p.number(), DataHash: p.bytes(), PreviousHash: p.bytes()},
		Data:     &common.BlockData{Data: p.list()},
		Metadata: &common.BlockMetadata{Metadata: p.list()},
	}
	if p.err != nil {
		return nil, nil, p.err
	}
	return block, p.rest, nil
}

// Append appends a block in the encoding that Parse reads.
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

// parser reads values from the front of rest. After the first error it reads nothing more.
type parser struct {
	rest []byte
	err  error
}

func (p *parser) number() uint64 {
	if p.err != nil {
		return 0
	}
	v, n := protowire.ConsumeVarint(p.rest)
	if n != protowire.SizeVarint(v) { // n is negative if there is no number
		p.err = errors.New("it has a number that can't be read")
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *parser) bytes() []byte {
	n := p.number()
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
	list := make([][]byte, 0, min(n, 1024))
	for range n {
		list = append(list, p.bytes())
		if p.err != nil {
			return nil
		}
	}
	return list
}
