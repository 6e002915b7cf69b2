// Package fabriccatest runs a real server of Hyperledger Fabric CA for tests.
package fabriccatest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pedigree-ledger/pedigree/network/fabricca"
	testprogram "github.com/pedigree-ledger/pedigree/test/program"
)

// A server has three CAs, each with a key and identities of its own. Their registrar may do everything.
const (
	Identities = "identities" // the name of the CA for ledger identities
	TLS        = "tls"        // the name of the CA for TLS
	Late       = "late"       // the name of one whose certificates for TLS have expired when it makes them

	Registrar = "registrar"
	Secret    = "not-a-secret" // of the registrar
)

const startPatience = time.Minute

// other configures a CA beside that for ledger identities, which has the server's own configuration: its name, and how
// long its certificates for TLS are valid.
const other = `
ca: {name: %[1]s}
csr: {cn: %[1]s.harbor.example}
registry:
  maxenrollments: -1
  identities:
  - name: ` + Registrar + `
    pass: ` + Secret + `
    type: client
    affiliation: ""
    attrs: {hf.Registrar.Roles: "*", hf.Registrar.Attributes: "*", hf.Revoker: true, hf.GenCRL: true}
db: {type: sqlite3, datasource: %[1]s.db}
signing:
  default: {usage: [digital signature], expiry: 8760h}
  profiles:
    tls:
      usage: [signing, key encipherment, server auth, client auth, key agreement]
      expiry: %[2]s
`

// A Server is a running server with TLS, on a free port of 127.0.0.1.
type Server struct {
	URL string
	// RootsFile has the certificate that the server's TLS certificate comes from, in PEM, and Roots its content.
	RootsFile string
	Roots     []byte

	process *exec.Cmd
	ended   chan struct{}
}

// Start starts a server until the test ends. The test is skipped where it can't be built; see the sentence that says so.
func Start(t testing.TB) *Server {
	t.Helper()
	program := build(t)
	home := t.TempDir()
	var files []string
	for name, lifetime := range map[string]string{TLS: "8760h", Late: "-1m"} {
		file := filepath.Join(home, name, "fabric-ca-config.yaml")
		if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, fmt.Appendf(nil, other, name, lifetime), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	port := testprogram.FreePorts() + 1
	s := &Server{URL: "https://127.0.0.1:" + strconv.Itoa(port), RootsFile: filepath.Join(home, "ca-cert.pem"),
		ended: make(chan struct{})}
	s.process = exec.Command(program, "start", "-b", Registrar+":"+Secret, "--home", home, "--address", "127.0.0.1",
		"--port", strconv.Itoa(port), "--ca.name", Identities, "--cafiles", strings.Join(files, ","), "--tls.enabled", "--csr.hosts",
		"127.0.0.1,localhost", "--csr.cn", "ca.harbor.example", "--operations.listenaddress", "127.0.0.1:0")
	said := &bytes.Buffer{}
	s.process.Stdout, s.process.Stderr = said, said
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		_ = s.process.Wait() // it is killed
	}()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("the server of Fabric CA said:\n%s", said)
		}
	})
	if err := s.await(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// await waits until all CAs answer.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var err error
		if s.Roots, err = os.ReadFile(s.RootsFile); err == nil {
			err = s.answers(ctx)
		}
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server of Fabric CA ended: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("the server of Fabric CA doesn't answer: %w", err)
		case <-tick.C:
		}
	}
}

func (s *Server) answers(ctx context.Context) error {
	for _, name := range []string{Identities, TLS, Late} {
		c, err := fabricca.New(fabricca.Server{URL: s.URL, Name: name, Roots: s.Roots})
		if err != nil {
			return err
		}
		if _, err := c.Authority(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends the server.
func (s *Server) Stop() {
	_ = s.process.Process.Kill() // it may have ended
	<-s.ended
}
