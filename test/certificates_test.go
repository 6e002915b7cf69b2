package test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/network"
	"github.com/pedigree-ledger/pedigree/network/proposal"
	build "github.com/pedigree-ledger/pedigree/test/program"
	"github.com/pedigree-ledger/pedigree/test/thorough"
)

// TestCertificatesAreRenewedBeforeAndAfterTheyExpire renews the certificates of a network while events are captured:
// those of the organisations before they expire, and all after they have expired. Nothing acknowledged is lost, and the
// first proof stays valid.
func TestCertificatesAreRenewedBeforeAndAfterTheyExpire(t *testing.T) {
	thorough.Only(t, "test/founding renews the certificates of organisations on their own hosts")
	t.Parallel() // it mostly waits
	d := renewed{t, filepath.Join(t.TempDir(), "network")}
	up := []string{"up", "--detach", "--base-port", strconv.Itoa(build.FreePorts())}
	d.tell(append(up, "--certificate-lifetime", "20d")...)
	defer func() {
		if t.Failed() {
			showLogs(d.dir)
		}
		d.tell("down")
	}()
	first := d.capture("first").Results[0].ID
	trust, proof := filepath.Join(t.TempDir(), "trust.json"), filepath.Join(t.TempDir(), "first.json")
	require.NoError(t, os.WriteFile(trust, []byte(d.tell("trust", "export")), 0o600))
	require.NoError(t, os.WriteFile(proof, []byte(d.tell("proof", "--as", "harbor", "--level", "block", first)), 0o600))

	said, err := d.run("certs")
	require.Error(t, err)
	assert.Regexp(t, `harbor +peer, TLS`, said)
	assert.Contains(t, said, "will expire within 30 days: harbor ")
	said = d.tell("status")
	assert.Contains(t, said, "Certificates: these certificates will expire within 30 days")
	assert.Contains(t, said, "Harbor: these certificates will expire within 30 days: HarborMSP identity of")

	names := append(d.underLoad("before", "renew", "harbor", "market", "lab", "--certificate-lifetime", "90d"), "first")
	said, _ = d.run("certs")
	assert.NotContains(t, said, "will expire within 30 days: harbor ")
	awaits(t, "no gateway warns", func() bool {
		return !strings.Contains(d.tell("status"), "these certificates will expire within 30 days: HarborMSP")
	})
	d.recordedOnce(names)

	d.expire()
	said, err = d.run("certs")
	require.Error(t, err)
	assert.Contains(t, said, "these certificates have expired")
	late, err := in(t, d.dir, "harbor", "submitter").Capture(t.Context(), observed("late"), false)
	require.NoError(t, err)
	awaits(t, "the queue says why it waits", func() bool {
		var status struct{ Queue struct{ Waiting string } }
		get(t, in(t, d.dir, "harbor", "operator"), "/v1/status", nil, &status)
		return strings.Contains(status.Queue.Waiting, "an operator must renew it")
	})
	d.tell("down")
	assert.Contains(t, d.tell("renew", "--certificate-lifetime", "90d"), "then run `pedigree renew orderer")
	d.tell(up...)
	names = append(names, d.underLoad("after", "renew", "orderer", "--certificate-lifetime", "90d")...)
	d.tell("certs")
	job, err := in(t, d.dir, "harbor", "submitter").Await(t.Context(), late.ID, nil)
	require.NoError(t, err)
	assert.True(t, job.Success, "%+v", job)
	d.capture("last")
	d.recordedOnce(append(names, "late", "last"))
	assert.Contains(t, d.tell("audit", "--as", "market", "--trust", trust), "Nothing is wrong.")
	verified, err := exec.Command(program, "verify", "--trust", trust, proof).CombinedOutput()
	require.NoError(t, err, string(verified))
}

// renewed is a network whose certificates are renewed.
type renewed struct {
	t   *testing.T
	dir string
}

func (d renewed) run(args ...string) (string, error) {
	out, err := exec.Command(program, append(args, "--dir", d.dir)...).CombinedOutput()
	return string(out), err
}

func (d renewed) tell(args ...string) string {
	d.t.Helper()
	out, err := d.run(args...)
	if err != nil {
		showLogs(d.dir)
	}
	require.NoError(d.t, err, "%v: %s", args, out)
	return out
}

func eventID(name string) string { return "https://example.com/events/" + name }

func observed(name string) []byte {
	return []byte(`{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument",
		"schemaVersion":"2.0","creationDate":"2026-03-01T00:00:00Z","epcisBody":{"eventList":[{"type":"ObjectEvent",
		"eventID":"` + eventID(name) + `","eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+00:00",
		"action":"OBSERVE","epcList":["urn:epc:id:sscc:9520001.0000000001"]}]}}`)
}

func (d renewed) capture(name string) *client.Job {
	job, err := capture(d.t.Context(), in(d.t, d.dir, "harbor", "submitter"), observed(name))
	require.NoError(d.t, err)
	require.True(d.t, job.Success, "%+v", job)
	return job
}

// underLoad runs a command while events are captured, and returns their names.
func (d renewed) underLoad(prefix string, args ...string) []string {
	d.t.Helper()
	stop, sent := make(chan struct{}), make(chan []string)
	go func() { sent <- d.traffic(prefix, stop) }()
	said, err := d.run(args...)
	close(stop)
	names := <-sent
	require.NoError(d.t, err, said)
	return names
}

// traffic captures events until it is told to stop, and returns the names of those that were acknowledged. All of them
// must come to the ledger.
func (d renewed) traffic(prefix string, stop <-chan struct{}) []string {
	c, err := client.Local(d.dir, "harbor", "submitter")
	if !assert.NoError(d.t, err) {
		return nil
	}
	var names, jobs []string
	for more := true; more; {
		name := fmt.Sprint(prefix, "-", len(names))
		job, err := c.Capture(d.t.Context(), observed(name), false)
		if !assert.NoError(d.t, err) {
			return names
		}
		names, jobs = append(names, name), append(jobs, job.ID)
		select {
		case <-stop:
			more = false
		case <-time.After(100 * time.Millisecond):
		}
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), 2*time.Minute)
	defer cancel()
	for _, id := range jobs {
		job, err := c.Await(ctx, id, nil)
		if assert.NoError(d.t, err) {
			assert.True(d.t, job.Success, "%+v", job)
		}
	}
	return names
}

func (d renewed) recordedOnce(names []string) {
	d.t.Helper()
	times, err := recorded(d.t, in(d.t, d.dir, "harbor", "auditor"))
	require.NoError(d.t, err)
	want := map[string]int{}
	for _, name := range names {
		want[eventID(name)] = 1
	}
	assert.Equal(d.t, want, times)
}

// expire makes certificates that expired a minute ago, with the same keys. The channel takes those of the orderers in
// one change of its configuration, while the orderers still run with certificates that are valid.
func (d renewed) expire() {
	all, err := network.Certificates(d.dir)
	require.NoError(d.t, err)
	orderers, made := map[string]*proposal.Renewed{}, map[string][]byte{}
	for _, c := range all {
		if strings.HasPrefix(c.Use, "authority") {
			continue
		}
		authority := "ca"
		if strings.HasSuffix(c.Use, "TLS") {
			authority = "tlsca"
		}
		text := expired(d.t, filepath.Join(d.dir, c.Owner, authority), c.File)
		made[c.File] = text
		name, what, _ := strings.Cut(c.Use, ", ")
		if !strings.HasPrefix(name, "orderer") {
			continue
		}
		if orderers[name] == nil {
			orderers[name] = &proposal.Renewed{Address: d.address(name)}
		}
		if what == "TLS" {
			orderers[name].TLS = text
		} else {
			orderers[name].Identity = text
		}
	}
	require.Len(d.t, orderers, 4)
	var list []proposal.Renewed
	for _, one := range orderers {
		list = append(list, *one)
	}
	o, err := proposal.Open(filepath.Join(d.dir, "orderer"))
	require.NoError(d.t, err)
	now, err := o.Configuration(d.t.Context())
	require.NoError(d.t, err)
	p, err := proposal.RenewOrderers(now, list...)
	require.NoError(d.t, err)
	require.NoError(d.t, p.Approve(o, now))
	_, err = p.Apply(d.t.Context(), o, now)
	require.NoError(d.t, err)
	for file, text := range made {
		require.NoError(d.t, os.WriteFile(file, text, 0o600))
	}
	for _, p := range d.status().Processes {
		if p.Role == "gateway" {
			require.NoError(d.t, syscall.Kill(p.PID, syscall.SIGHUP))
		}
	}
}

// address is where an orderer serves.
func (d renewed) address(name string) string {
	for _, p := range d.status().Processes {
		if p.Name == name {
			return p.Endpoint
		}
	}
	require.Fail(d.t, "no process "+name)
	return ""
}

func (d renewed) status() network.NetworkStatus {
	s, err := network.ReadStatus(d.t.Context(), d.dir)
	require.NoError(d.t, err)
	return s
}

// expired makes a certificate like another one, that has expired.
func expired(t *testing.T, authority, file string) []byte {
	was, err := certificate.Read(file)
	require.NoError(t, err)
	ca, err := certificate.Read(filepath.Join(authority, "cert.pem"))
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(authority, "key.pem"))
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	next := *was
	next.SerialNumber, next.NotBefore, next.NotAfter = serial, ca.NotBefore, time.Now().Add(-time.Minute)
	der, err := x509.CreateCertificate(rand.Reader, &next, ca, was.PublicKey, key.(*ecdsa.PrivateKey))
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
