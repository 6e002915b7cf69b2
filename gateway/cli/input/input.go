// Package input reads the files that the command line names. "-" is standard input. What can't be read is a mistake in the
// command line.
package input

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// MaxFile is how many bytes a file may have: more than any proof or document.
const MaxFile = 600 << 20

// File reads a whole file.
func File(stdin io.Reader, name string) ([]byte, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, unreadable(name, err)
		}
		defer file.Close()
		from = file
	} else {
		name = "standard input"
	}
	text, err := io.ReadAll(io.LimitReader(from, MaxFile+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	if len(text) > MaxFile {
		return nil, exit.Usagef("%s has more than %d bytes", name, MaxFile)
	}
	return text, nil
}

func unreadable(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return exit.Usagef("couldn't read %s: %w", name, err)
}

// Words replaces each @FILE of a list by the words of the file.
func Words(stdin io.Reader, list []string) ([]string, error) {
	var all []string
	for _, item := range list {
		file, ok := strings.CutPrefix(item, "@")
		if !ok {
			all = append(all, item)
			continue
		}
		text, err := File(stdin, file)
		if err != nil {
			return nil, err
		}
		all = append(all, strings.Fields(string(text))...)
	}
	return all, nil
}
