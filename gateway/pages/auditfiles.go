package pages

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/index"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// each gives the records that were asked for to a function, until it says stop or there are no more.
func (p *Pages) each(v *visit, most int, do func(index.Record) error) (more bool, err error) {
	filter, err := filterOf(askOf(v.URL.Query()))
	if err != nil {
		return false, &Trouble{http.StatusBadRequest, "The question isn't clear", err.Error(), "Go back and ask again."}
	}
	at, token, n := uint64(index.Latest), "", 0
	for {
		list, err := p.Index.Records(v.Context(), filter, at, index.Page{Size: min(index.MaxPage, most), Token: token})
		if err != nil {
			return false, err
		}
		for _, r := range list.Items {
			if n == most {
				return true, nil
			}
			n++
			if err := do(r); err != nil {
				return false, err
			}
		}
		if token = list.Next; token == "" {
			return false, nil
		}
	}
}

// auditCSV is the list as a table.
func (p *Pages) auditCSV(v *visit) error {
	if _, err := filterOf(askOf(v.URL.Query())); err != nil {
		return &Trouble{http.StatusBadRequest, "The question isn't clear", err.Error(), "Go back and ask again."}
	}
	v.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	v.w.Header().Set("Content-Disposition", `attachment; filename="records.csv"`)
	w := csv.NewWriter(v.w)
	w.UseCRLF = true
	_ = w.Write(
		[]string{
			"record",
			"noun",
			"what",
			"nodes",
			"recorded by",
			"certificate subject",
			"recorded at",
			"block",
			"position",
			"transaction",
		},
	) // told by Error
	more, err := p.each(v, mostCSV, func(r index.Record) error {
		d, nodes := summaryOf(r)
		return w.Write(
			cells(
				r.ID,
				string(r.Noun),
				d.Did,
				strings.Join(nodes, " "),
				r.MSPID,
				r.Subject,
				r.Time.UTC().Format(time.RFC3339Nano),
				strconv.FormatUint(r.Block, 10),
				strconv.Itoa(r.Position),
				r.TxID,
			),
		)
	})
	if more {
		err = w.Write([]string{fmt.Sprintf("there are more than these %d records: ask for a shorter period", mostCSV)})
	}
	w.Flush()
	if err = errors.Join(err, w.Error()); err != nil { // the answer has begun: that it is cut is all that can be told
		p.Logger.Warn("a table of records broke off", "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// cells keeps spreadsheets from running texts as formulas.
func cells(texts ...string) []string {
	for i, text := range texts {
		if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
			texts[i] = "'" + text
		}
	}
	return texts
}

// auditZip is an archive of the proofs of the first records that were asked for, with a list of them.
func (p *Pages) auditZip(v *visit) error {
	select {
	case p.archives <- struct{}{}:
		defer func() { <-p.archives }()
	default:
		v.w.Header().Set("Retry-After", "10")
		return &Trouble{
			http.StatusServiceUnavailable,
			"Too many archives at once",
			"This gateway makes so many archives of proofs at once and no more.",
			"Try again in a moment.",
		}
	}
	ask := askOf(v.URL.Query())
	var archive bytes.Buffer
	files := zip.NewWriter(&archive)
	var table bytes.Buffer
	list := csv.NewWriter(&table)
	list.UseCRLF = true
	_ = list.Write(
		[]string{"file", "record", "noun", "recorded by", "recorded at", "block", "transaction", "missing because"},
	) // a buffer takes all
	made, missed, full := 0, 0, false
	more, err := p.each(v, mostZip, func(r index.Record) error {
		file, why := "proofs/"+proofFile(r.ID), ""
		text, err := p.proofOf(v, r.ID, ask.Level)
		switch {
		case err != nil:
			why = err.Error()
		case archive.Len()+len(text) > mostZipBytes:
			full, why = true, "the archive is full; ask for fewer records, or for receipts"
		}
		if why != "" {
			missed++
			file = ""
		} else if err := add(files, file, text); err != nil {
			return err
		} else {
			made++
		}
		return list.Write(
			cells(
				file,
				r.ID,
				string(r.Noun),
				r.MSPID,
				r.Time.UTC().Format(time.RFC3339Nano),
				strconv.FormatUint(r.Block, 10),
				r.TxID,
				why,
			),
		)
	})
	if err != nil {
		return err
	}
	list.Flush()
	readme := readmeOf(p.Name, ask.Level, made, missed, more, full)
	if err := errors.Join(add(files, "records.csv", table.Bytes()), add(files, "README.txt", []byte(readme)), files.Close()); err != nil {
		return err
	}
	v.w.Header().Set("Content-Disposition", `attachment; filename="proofs.zip"`)
	send(v.w, http.StatusOK, "application/zip", archive.Bytes())
	return nil
}

// proofOf has one record proved. The proof is the API's, which has checked it.
func (p *Pages) proofOf(v *visit, id, level string) ([]byte, error) {
	a, err := v.call(http.MethodGet, recordProofAddress(id, level), "", nil)
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusAccepted {
		return nil, errors.New("not all organisations have it yet")
	}
	if _, err := p.check(v, a.body.Bytes(), proof.Wanted{ID: record.ID(id), Level: proof.Level(level)}); err != nil {
		return nil, err
	}
	return a.body.Bytes(), nil
}

func add(files *zip.Writer, name string, text []byte) error {
	w, err := files.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, bytes.NewReader(text))
	return err
}

func readmeOf(gateway, level string, made, missed int, more, full bool) string {
	var b strings.Builder
	fmt.Fprintf(
		&b,
		"Proofs of %d records of a Pedigree ledger, of level %s, made by the gateway of %s.\nrecords.csv lists them.\n\n",
		made,
		level,
		gateway,
	)
	if missed > 0 {
		fmt.Fprintf(&b, "%d records have no proof here; records.csv says why.\n", missed)
	}
	if more {
		fmt.Fprintf(&b, "There are more records than these: an archive has %d at most. Ask for a shorter period.\n", mostZip)
	}
	if full {
		fmt.Fprintf(&b, "The archive is full at %d MiB.\n", mostZipBytes>>20)
	}
	fmt.Fprintf(&b, `
To check them, with the program alone, offline:

    for f in proofs/*.proof; do
      pedigree verify "$f" --trust consortium.json --level %s
    done

Make consortium.json at an organisation that you believe ("pedigree trust export"), not at the one that gave you this archive.

The proofs tell nothing of records that are not here. That the list is whole is shown by an audit of the ledger:

    pedigree audit --as ORGANISATION --trust consortium.json
`, level)
	return b.String()
}
