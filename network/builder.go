package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// builderType is the package type that this builder accepts. It is Fabric's name for chaincode that runs as a service.
const builderType = "ccaas"

// builderSteps maps the names of the programs that a peer looks for in a builder's bin folder to what they do.
var builderSteps = map[string]func(args []string) error{"detect": detect, "build": build, "release": release}

// Builder acts as a peer's external chaincode builder if args[0] ends in bin/detect, bin/build or bin/release. It
// returns whether it did, and the exit code. A main function MUST call it with os.Args before anything else, because
// peers run the program that started them under these names.
func Builder(argv []string) (handled bool, code int) {
	if len(argv) == 0 || filepath.Base(filepath.Dir(argv[0])) != "bin" {
		return false, 0
	}
	step, ok := builderSteps[filepath.Base(argv[0])]
	if !ok {
		return false, 0
	}
	if err := step(argv[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true, 1
	}
	return true, 0
}

// detect implements detect <source> <metadata>. It accepts only packages of the type ccaas.
func detect(args []string) error {
	if len(args) != 2 {
		return errors.New("detect needs a source and a metadata folder")
	}
	text, err := os.ReadFile(filepath.Join(args[1], "metadata.json"))
	if err != nil {
		return fmt.Errorf("couldn't read the package's metadata: %w", err)
	}
	var metadata struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(text, &metadata); err != nil {
		return fmt.Errorf("couldn't read the package's metadata: %w", err)
	}
	if metadata.Type != builderType {
		return fmt.Errorf("the package has type %q, not %q", metadata.Type, builderType)
	}
	return nil
}

// build implements build <source> <metadata> <output>. It keeps the content of the package.
func build(args []string) error {
	if len(args) != 3 {
		return errors.New("build needs a source, a metadata and an output folder")
	}
	source, output := args[0], args[2]
	text, err := os.ReadFile(filepath.Join(source, "connection.json"))
	if err != nil {
		return fmt.Errorf("the package doesn't say where its chaincode is: %w", err)
	}
	if !json.Valid(text) {
		return errors.New("connection.json isn't valid JSON")
	}
	if err := os.WriteFile(filepath.Join(output, "connection.json"), text, 0o600); err != nil {
		return err
	}
	return copyTree(filepath.Join(source, "META-INF"), filepath.Join(output, "META-INF"))
}

// release implements release <output of build> <release>. It gives the peer the files that the peer needs.
func release(args []string) error {
	if len(args) != 2 {
		return errors.New("release needs a build and a release folder")
	}
	built, into := args[0], args[1]
	text, err := os.ReadFile(filepath.Join(built, "connection.json"))
	if err != nil {
		return err
	}
	server := filepath.Join(into, "chaincode", "server")
	if err := os.MkdirAll(server, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(server, "connection.json"), text, 0o600); err != nil {
		return err
	}
	return copyTree(filepath.Join(built, "META-INF", "statedb"), filepath.Join(into, "statedb"))
}

// copyTree copies the regular files of a folder. It does nothing if the folder doesn't exist.
func copyTree(from, to string) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return os.CopyFS(to, os.DirFS(from))
}

// layBuilder makes the peers' builder, which consists of links to the network's program.
func (d folder) layBuilder() error {
	bin := filepath.Join(d.builder(), "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return fmt.Errorf("couldn't lay out the chaincode builder: %w", plainly(err))
	}
	target := filepath.Join("..", "..", filepath.Base(d.program()))
	for name := range builderSteps {
		link := filepath.Join(bin, name)
		if now, err := os.Readlink(link); err == nil && now == target {
			continue
		}
		if err := os.RemoveAll(link); err != nil {
			return fmt.Errorf("couldn't lay out the chaincode builder: %w", plainly(err))
		}
		if err := os.Symlink(target, link); err != nil {
			return fmt.Errorf("couldn't lay out the chaincode builder: %w", plainly(err))
		}
	}
	return nil
}

// layProgram copies the program that the network's processes run into the folder, unless the copy is already there. The
// network must outlive the program that started it: `go run` deletes its program at the end.
func (d folder) layProgram(source string) error {
	from, err := os.Stat(source)
	if err != nil {
		return fmt.Errorf("couldn't find the program to run: %w", err)
	}
	if to, err := os.Stat(d.program()); err == nil &&
		(os.SameFile(from, to) || from.Size() == to.Size() && from.ModTime().Equal(to.ModTime())) {
		return nil
	}
	text, err := os.ReadFile(source)
	if err == nil {
		err = writeFile(d.program(), text, 0o700)
	}
	if err == nil {
		err = os.Chtimes(d.program(), from.ModTime(), from.ModTime())
	}
	return wrap(plainly(err), "couldn't copy the program into the network's folder")
}
