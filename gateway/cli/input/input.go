// Package input reads the files that the command line names. The name "-" means standard input. A file that can't be
// read is a usage error.
package input

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// MaxFile is the greatest size of a file in bytes. No proof or document is as large.
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

// Words replaces each @FILE in a list with the words of that file.
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
