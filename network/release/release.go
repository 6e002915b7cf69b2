package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/network/pin"
	"github.com/pedigree-ledger/pedigree/network/release/oci"
	"github.com/pedigree-ledger/pedigree/network/release/sbom"
)

// A release is what is being made.
type release struct {
	out     string
	key     string
	systems []string

	version string    // of the module, such as v1.2.3
	made    time.Time // of the commit
	aside   string    // for what isn't published
}

func (r *release) make(ctx context.Context) error {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if there, err := os.ReadDir(r.out); err != nil || len(there) > 0 {
		return fmt.Errorf("%s has files in it: name another folder with --out", r.out)
	}
	var err error
	if r.aside, err = os.MkdirTemp("", "pedigree-release-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.aside)
	var images []oci.Platform
	for _, system := range r.systems {
		path, err := r.build(ctx, system)
		if err != nil {
			return err
		}
		architecture, linux := strings.CutPrefix(system, "linux/")
		if !linux {
			if err := r.bill(system, path, ""); err != nil {
				return err
			}
			continue
		}
		fabric := filepath.Join(r.aside, "fabric", architecture)
		if err := network.BuildFabric(ctx, system, fabric, os.Stderr); err != nil {
			return err
		}
		if err := r.bill(system, path, fabric); err != nil {
			return err
		}
		if err := r.debian(architecture, path, fabric); err != nil {
			return err
		}
		image, err := platform(architecture, path, fabric)
		if err != nil {
			return err
		}
		images = append(images, image)
	}
	if len(images) > 0 {
		if err := r.image(images); err != nil {
			return err
		}
	}
	return r.sign(ctx)
}

// build builds the program for a system, and returns where it is.
func (r *release) build(ctx context.Context, system string) (string, error) {
	goos, goarch, ok := strings.Cut(system, "/")
	if !ok {
		return "", fmt.Errorf("%q isn't a system such as linux/amd64", system)
	}
	path := filepath.Join(r.out, "pedigree-"+goos+"-"+goarch)
	if goos == "windows" {
		path += ".exe"
	}
	say("building %s", path)
	c := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-buildvcs=true", "-ldflags=-s -w -buildid=",
		"-o", path, "github.com/pedigree-ledger/pedigree")
	c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOAMD64=v1",
		"GOARM64=v8.0", "GOEXPERIMENT=")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("couldn't build %s: %w", path, err)
	}
	return path, r.identify(path)
}

// identify reads which commit a program was built from.
func (r *release) identify(path string) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return err
	}
	r.version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.time":
			if r.made, err = time.Parse(time.RFC3339, s.Value); err != nil {
				return err
			}
		case "vcs.modified":
			if s.Value != "false" {
				return errors.New("files differ from the commit: a release is made of a clean checkout")
			}
		}
	}
	if r.made.IsZero() {
		return errors.New("this isn't a checkout of git, so nobody could tell which commit was released")
	}
	return nil
}

// bill writes the bill of materials for a system. fabric is the folder with the built Fabric, or empty.
func (r *release) bill(system, path, fabric string) error {
	programs := []sbom.Program{{Name: "pedigree", Version: r.version, Path: path}}
	if fabric != "" {
		for _, name := range []string{"configtxgen", "orderer", "peer"} {
			programs = append(programs, sbom.Program{Name: name, Version: "v" + pin.Fabric,
				Path: filepath.Join(fabric, network.FabricKey(), "bin", name)})
		}
	}
	for i := range programs {
		var err error
		if programs[i].SHA256, err = hashFile(programs[i].Path); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	if err := sbom.Write(&text, "pedigree", r.version, r.made, programs...); err != nil {
		return err
	}
	return os.WriteFile(r.billFile(system), text.Bytes(), 0o644)
}

func (r *release) billFile(system string) string {
	return filepath.Join(r.out, "pedigree-"+strings.ReplaceAll(system, "/", "-")+".cdx.json")
}

// sign writes the checksums of all files, and signs them if there is a key.
func (r *release) sign(ctx context.Context) error {
	files, err := os.ReadDir(r.out) // in the order of their names
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, file := range files {
		hash, err := hashFile(filepath.Join(r.out, file.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s  %s\n", hash, file.Name())
	}
	sums := filepath.Join(r.out, "SHA256SUMS")
	if err := os.WriteFile(sums, []byte(text.String()), 0o644); err != nil {
		return err
	}
	if r.key == "" {
		say("made %s, with checksums that nobody has signed: name a key with --key", r.out)
		return nil
	}
	c := exec.CommandContext(ctx, "ssh-keygen", "-Y", "sign", "-f", r.key, "-n", "pedigree-release", sums)
	c.Stdin, c.Stderr = os.Stdin, os.Stderr // it may ask for a passphrase
	if err := c.Run(); err != nil {
		return fmt.Errorf("couldn't sign the checksums: %w", err)
	}
	say("made and signed %s", r.out)
	return nil
}

func hashFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, file)
	return hex.EncodeToString(hash.Sum(nil)), err
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
