// Package input reads the files that the command line names. The name "-" means standard input. A file that can't be
// read is a usage error.
package input

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// Limits of files, in bytes. Those of proofs and signatures are in the packages that read them.
const (
	MaxDocument = 600 << 20
	MaxSmall    = 1 << 20 // of a key, a trust file or a list of words
	MaxBlock    = 128 << 20
)

// chunk is how much is read at a time if nothing is known about the size.
const chunk = 1 << 20

// File reads a whole file of at most so many bytes. Of a larger one it reads no more than that, and nothing if the file
// says how large it is.
func File(stdin io.Reader, name string, most int64) ([]byte, error) {
	from, size := stdin, int64(-1)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, unreadable(name, err)
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
		from = file
	} else {
		name = forPeople(name)
	}
	if size > most {
		return nil, tooLarge(name, most)
	}
	if size < 0 {
		return readChunks(from, name, most)
	}
	text := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := text.ReadFrom(io.LimitReader(from, most+1)); err != nil {
		return nil, unreadable(name, err)
	}
	if int64(text.Len()) > most { // it has grown
		return nil, tooLarge(name, most)
	}
	return text.Bytes(), nil
}

// Parsed reads a file as [File] does, and parses it. What parse refuses is a usage error that names the file.
func Parsed[T any](stdin io.Reader, name string, most int64, parse func(text []byte) (T, error)) (T, error) {
	var none T
	text, err := File(stdin, name, most)
	if err != nil {
		return none, err
	}
	parsed, err := parse(text)
	if err != nil {
		return none, exit.Usagef("%s can't be used: %w", forPeople(name), err)
	}
	return parsed, nil
}

// forPeople is how messages name a file.
func forPeople(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// readChunks reads a file that doesn't say how large it is.
func readChunks(from io.Reader, name string, most int64) ([]byte, error) {
	var chunks [][]byte
	for came := int64(0); ; {
		next := make([]byte, chunk)
		n, err := io.ReadFull(from, next)
		chunks = append(chunks, next[:n])
		if came += int64(n); came > most {
			return nil, tooLarge(name, most)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return slices.Concat(chunks...), nil
		}
		if err != nil {
			return nil, unreadable(name, err)
		}
	}
}

func tooLarge(name string, most int64) error {
	return exit.Usagef("%s has more than the %d bytes allowed", name, most)
}

func unreadable(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return exit.Usagef("couldn't read %s: %w", name, err)
}

// Words replaces each @FILE in a list with the words of that file.
func Words(stdin io.Reader, list []string) ([]string, error) {
	var all []string
	for _, item := range list {
		file, ok := strings.CutPrefix(item, "@")
		if !ok {
			all = append(all, item)
			continue
		}
		text, err := File(stdin, file, MaxSmall)
		if err != nil {
			return nil, err
		}
		all = append(all, strings.Fields(string(text))...)
	}
	return all, nil
}
