package manifest

import (
	"errors"
	"fmt"
	"io"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// WriteTo writes the manifest's canonical bytes in pieces, because a folder may
// have millions of files. The files must be in order.
func (m Manifest) WriteTo(w io.Writer) (int64, error) {
	const enough = 64 << 10
	var written int64
	flush := func(piece []byte) error {
		n, err := w.Write(piece)
		written += int64(n)
		return err
	}
	piece := append(make([]byte, 0, 2*enough), `{"files":[`...)
	for i := range m.Files {
		if i > 0 {
			piece = append(piece, ',')
		}
		piece = m.Files[i].value().Append(piece)
		if len(piece) >= enough {
			if err := flush(piece); err != nil {
				return written, err
			}
			piece = piece[:0]
		}
	}
	piece = append(piece, ']')
	if len(m.Ignore) > 0 {
		piece = append(piece, `,"ignore":`...)
		piece = texts(m.Ignore).Append(piece)
	}
	return written, flush(append(piece, '}'))
}

// Limits of a manifest that has a file of its own because it is too large for a
// record. maxItem bounds the text of one entry, including its shards. maxOutline
// bounds everything outside the list of files.
const (
	maxItem    = 8 << 20
	maxOutline = 2 << 20
)

// ReadFrom reads a manifest from a file. It never holds the whole text in
// memory. White space and the order of members don't matter, because the digest
// is that of the canonical bytes.
func ReadFrom(r io.Reader) (Manifest, error) {
	var m Manifest
	var total int64
	reader := canonical.NewReader(
		r,
		canonical.ReaderLimits{Item: maxItem, Outline: maxOutline, Values: maxIgnore + 100, Depth: 8},
		[]string{"files"},
	)
	outline, err := reader.Read(func(item canonical.Item) error {
		v, err := item.Parse()
		if err != nil {
			return err
		}
		f, problem := readFile(v, item.Pointer())
		if problem == nil && len(m.Files) > 0 {
			problem = follows(m.Files[len(m.Files)-1].Name, f.Name, item.Pointer())
		}
		if total += f.Size; problem == nil && total > MaxSize {
			problem = &Problem{"bad_value", item.Pointer() + "/size", "the files have more than 2^53 bytes in all"}
		}
		if problem != nil {
			return problem.asError()
		}
		m.Files = append(m.Files, f)
		return nil
	})
	if err != nil {
		return Manifest{}, err
	}
	problem := only(outline, "", "files", "ignore")
	if problem == nil && len(m.Files) == 0 {
		problem = &Problem{"missing_field", "/files", "a manifest lists at least one file"}
	}
	if problem == nil {
		problem = m.nested()
	}
	if problem == nil {
		problem = m.readIgnore(outline)
	}
	if problem != nil {
		return Manifest{}, problem.asError()
	}
	return m, nil
}

func (p *Problem) asError() error {
	if p.Pointer == "" {
		return errors.New(p.Detail)
	}
	return fmt.Errorf("%s: %s", p.Pointer, p.Detail)
}
