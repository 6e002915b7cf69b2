package network

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/charter"
	"github.com/pedigree-ledger/pedigree/test/program"
)

// A pod runs what the manifests of an organisation say as processes of this machine. Its files are below a folder.
type pod struct {
	t       *testing.T
	org     folder // from which the manifests take keys
	root    string
	program string
	Spec    struct {
		Template struct {
			Spec struct {
				Containers []container
				Volumes    []struct {
					Name      string
					Projected struct {
						Sources []struct {
							ConfigMap struct{ Items []item } `yaml:"configMap"`
							Secret    struct{ Items []item }
						}
					}
				}
			}
		}
	}
	files map[string]string // of the ConfigMap and the Secret, by their keys
}

// An item is a file of a ConfigMap or a Secret in a volume.
type item struct{ Key, Path string }

type container struct {
	Name          string
	Args          []string
	Env           []struct{ Name, Value string }
	LivenessProbe struct {
		HTTPGet struct {
			Path   string
			Port   int
			Scheme string
		} `yaml:"httpGet"`
	} `yaml:"livenessProbe"`
	ReadinessProbe struct {
		HTTPGet struct{ Path string } `yaml:"httpGet"`
	} `yaml:"readinessProbe"`
}

// readPod reads the manifests in the folder of an organisation.
func readPod(t *testing.T, d folder) *pod {
	p := &pod{t: t, org: d, root: t.TempDir(), files: map[string]string{}}
	text, err := os.ReadFile(d.path("kubernetes", "statefulset.yaml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, p))
	var base struct {
		ConfigMapGenerator []struct{ Files []string } `yaml:"configMapGenerator"`
		SecretGenerator    []struct{ Files []string } `yaml:"secretGenerator"`
	}
	text, err = os.ReadFile(d.path("kustomization.yaml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &base))
	for _, file := range append(base.ConfigMapGenerator[0].Files, base.SecretGenerator[0].Files...) {
		key, from, _ := strings.Cut(file, "=")
		p.files[key] = from
	}
	return p
}

// mount lays out the volume of the organisation's files as the kubelet does: links to a folder with this version.
func (p *pod) mount() {
	at := filepath.Join(p.root, "etc", "pedigree", "organisation")
	version := filepath.Join(at, "..2026_11_29")
	lay := func(key, path string) {
		content, err := os.ReadFile(p.org.path(p.files[key]))
		require.NoError(p.t, err)
		require.NoError(p.t, os.MkdirAll(filepath.Dir(filepath.Join(version, path)), 0o755))
		require.NoError(p.t, os.WriteFile(filepath.Join(version, path), content, 0o440))
	}
	for _, volume := range p.Spec.Template.Spec.Volumes {
		for _, source := range volume.Projected.Sources {
			for _, item := range append(source.ConfigMap.Items, source.Secret.Items...) {
				lay(item.Key, item.Path)
			}
		}
	}
	require.NoError(p.t, os.Symlink(filepath.Base(version), filepath.Join(at, "..data")))
	entries, err := os.ReadDir(version)
	require.NoError(p.t, err)
	for _, entry := range entries {
		require.NoError(p.t, os.Symlink(filepath.Join("..data", entry.Name()), filepath.Join(at, entry.Name())))
	}
}

// makeCertificate makes the Secret of the gateway's certificate, and returns the roots to trust.
func (p *pod) makeCertificate(name string) *x509.CertPool {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(p.t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(p.t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(p.t, err)
	dir := filepath.Join(p.root, "etc", "pedigree", "gateway-tls")
	require.NoError(p.t, os.MkdirAll(dir, 0o755))
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(p.t, os.WriteFile(filepath.Join(dir, "tls.crt"), certificate, 0o440))
	require.NoError(p.t, os.WriteFile(filepath.Join(dir, "tls.key"),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o440))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	return roots
}

// A running container.
type running struct {
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has; failed is set then
	failed error
}

// run starts a container.
func (p *pod) run(c container) *running {
	inside := func(s string) string {
		for _, dir := range []string{"/var/lib/pedigree", "/etc/pedigree"} {
			s = strings.ReplaceAll(s, dir, p.root+dir)
		}
		return s
	}
	r := &running{cmd: exec.Command(p.program), ended: make(chan struct{})}
	for _, arg := range c.Args {
		r.cmd.Args = append(r.cmd.Args, inside(arg))
	}
	r.cmd.Env = os.Environ()
	for _, variable := range c.Env {
		r.cmd.Env = append(r.cmd.Env, variable.Name+"="+inside(variable.Value))
	}
	said, err := os.CreateTemp(p.root, c.Name+"-*.log")
	require.NoError(p.t, err)
	defer said.Close()
	r.cmd.Stdout, r.cmd.Stderr = said, said
	require.NoError(p.t, r.cmd.Start())
	go func() {
		r.failed = r.cmd.Wait()
		close(r.ended)
	}()
	p.t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // it may have ended
		<-r.ended
		_, _ = folder(filepath.Join(p.root, "var", "lib", "pedigree", "harbor")).endLeftovers(c.Name)
		if p.t.Failed() {
			text, _ := os.ReadFile(said.Name())
			p.t.Logf("%s said:\n%s", c.Name, text)
		}
	})
	return r
}

// end stops a container as Kubernetes does.
func (p *pod) end(r *running) {
	p.t.Helper()
	require.NoError(p.t, r.cmd.Process.Signal(syscall.SIGTERM))
	<-r.ended
	require.NoError(p.t, r.failed, "it doesn't end in order")
}

// probe asks a container as the kubelet does, which checks no certificate.
func (p *pod) probe(ctx context.Context, c container, path string) error {
	get := c.LivenessProbe.HTTPGet
	client := secured(&tls.Config{InsecureSkipVerify: true})
	url := fmt.Sprintf("%s://127.0.0.1:%d%s", strings.ToLower(get.Scheme), get.Port, path)
	if get.Scheme == "" {
		url = "http" + url
	}
	status, body, err := callWith(ctx, client, http.MethodGet, url, "", nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", status, body)
	}
	return err
}

func (p *pod) await(ctx context.Context, c container, r *running) {
	p.t.Helper()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		<-r.ended
		cancel(errors.New("the container has ended"))
	}()
	err := eventually(ctx, func(ctx context.Context) error { return p.probe(ctx, c, c.ReadinessProbe.HTTPGet.Path) })
	require.NoError(p.t, err, c.Name)
	require.NoError(p.t, p.probe(ctx, c, c.LivenessProbe.HTTPGet.Path), c.Name)
}

// installAsThePageSays runs the command of docs/operating.md for an organisation in the folder harbor.
func installAsThePageSays(t *testing.T, built, dir string, file *charter.File) folder {
	page, err := os.ReadFile("../docs/operating.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "\n## Kubernetes\n")
	require.True(t, found)
	_, line, found := strings.Cut(section, "```sh\npedigree ")
	require.True(t, found)
	line, _, _ = strings.Cut(line, "\n")
	home := t.TempDir()
	require.NoError(t, os.Rename(dir, filepath.Join(home, "harbor")))
	text, err := file.Text()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(home, "charter.json"), text, 0o600))
	c := exec.Command(built, strings.Fields(line)...)
	c.Dir = home
	said, err := c.CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.Contains(t, string(said), "kubectl apply -k "+filepath.Join(home, "harbor"))
	return folder(filepath.Join(home, "harbor"))
}

// The containers of the manifests found a network from mounted files, with the arguments, variables and paths that
// Kubernetes gives them.
func TestThePodOfTheManifestsFoundsANetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a network")
	}
	dirs, file := founders(t, 1)
	org, err := folder(dirs[0]).readOrganisation()
	require.NoError(t, err)
	built, err := program.Build("..", t.TempDir())
	require.NoError(t, err)
	d := installAsThePageSays(t, built, dirs[0], file)
	p := readPod(t, d)
	p.program = built
	p.mount()
	roots := p.makeCertificate("harbor.example")
	ctx := within(t, 3*time.Minute)
	containers, processes := p.Spec.Template.Spec.Containers, map[string]*running{}
	require.Len(t, containers, 4)
	for _, c := range containers {
		processes[c.Name] = p.run(c)
	}
	for _, c := range containers {
		p.await(ctx, c, processes[c.Name])
	}

	token, err := os.ReadFile(d.token("harbor", Auditor))
	require.NoError(t, err)
	client := secured(&tls.Config{RootCAs: roots, ServerName: "harbor.example"})
	url := fmt.Sprintf("https://127.0.0.1:%d/v1/members", org.Org.GatewayPort)
	isMember := func() {
		t.Helper()
		require.NoError(t, eventually(ctx, func(ctx context.Context) error {
			_, body, err := callWith(ctx, client, http.MethodGet, url, strings.TrimSpace(string(token)), nil)
			if err == nil && !strings.Contains(body, "HarborMSP") {
				err = fmt.Errorf("the members are %s", body)
			}
			return err
		}))
	}
	isMember()
	_, err = (gate{certificate: filepath.Join(string(d), "harbor", "peer", "tls", "cert.pem")}).trusted().Get(url)
	require.ErrorContains(t, err, "has another certificate")

	data := folder(filepath.Join(p.root, "var", "lib", "pedigree", "harbor"))
	for _, name := range org.files() {
		if strings.HasSuffix(name, "key.pem") {
			info, err := os.Lstat(data.path(filepath.FromSlash(name)))
			require.NoError(t, err)
			assert.Equal(t, fs.ModeSymlink, info.Mode().Type(), "%s was copied", name)
		}
	}
	logs, err := os.ReadDir(data.path("log"))
	require.NoError(t, err)
	assert.Empty(t, logs)
	require.NoError(t, eventually(ctx, func(ctx context.Context) error {
		status, err := ReadStatus(ctx, string(data))
		if err == nil && status.State != StateReady {
			err = fmt.Errorf("it is %s: %s", status.State, status.Reason)
		}
		return err
	}))

	for _, c := range containers {
		if c.Name == "gateway" || c.Name == "peer" {
			p.end(processes[c.Name])
			processes[c.Name] = p.run(c)
			p.await(ctx, c, processes[c.Name])
		}
	}
	isMember()
	for _, r := range processes {
		select {
		case <-r.ended:
			t.Error("a container has ended by itself")
		default:
			_ = r.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	for _, r := range processes {
		<-r.ended
	}
}

func TestManifestsNeedAnImageAndACharter(t *testing.T) {
	dirs, file := founders(t, 1)
	i := installation{dir: folder(dirs[0]), storage: "1Gi"}
	said := func() (string, error) {
		var out bytes.Buffer
		node, err := i.node()
		require.NoError(t, err)
		err = i.kustomize(node, &out)
		return out.String(), err
	}
	_, err := said()
	require.ErrorContains(t, err, "name the image")
	assert.Equal(t, exit.Usage, exit.Code(err))
	i.image = "pedigree"
	_, err = said()
	require.ErrorContains(t, err, "there is no charter")
	assert.NoFileExists(t, i.dir.path("kustomization.yaml"))
	i.charter = file
	text, err := said()
	require.NoError(t, err)
	assert.Contains(t, text, "kubectl create secret tls pedigree-harbor-gateway-tls")
	assert.Contains(t, text, "kubectl apply -k "+dirs[0])
	kept, err := os.ReadFile(i.dir.path("kustomization.yaml"))
	require.NoError(t, err)
	assert.NotContains(t, string(kept), "ca/key.pem")
	i.parts = []string{"peer", "chaincode"}
	text, err = said()
	require.NoError(t, err)
	assert.NotContains(t, text, "kubectl create secret tls")
	require.NoError(t, os.Remove(i.dir.path("harbor", "peer", "tls", "key.pem")))
	_, err = said()
	require.ErrorContains(t, err, "isn't whole")
}

// A folder refers to mounted files, and loses nothing that is its own.
func TestAFolderThatRefersToMountedFiles(t *testing.T) {
	dirs, _ := founders(t, 1, 1)
	mounted, d := folder(dirs[0]), folder(filepath.Join(t.TempDir(), "harbor"))
	require.NoError(t, d.referTo(t.Context(), string(mounted)))
	key := filepath.Join("harbor", "peer", "tls", "key.pem")
	to, err := os.Readlink(d.path(key))
	require.NoError(t, err)
	assert.Equal(t, mounted.path(key), to)
	org, err := d.readOrganisation()
	require.NoError(t, err)
	org.Joined = []string{"orderer1"}
	require.NoError(t, org.write(d))

	// What the node has changed stays; a certificate that was renewed outside is taken.
	newer := filepath.Join("orderer", "orderer1", "msp", "signcerts", "cert.pem")
	content, err := os.ReadFile(mounted.path(newer))
	require.NoError(t, err)
	require.NoError(t, os.Remove(d.path(newer)))
	require.NoError(t, os.WriteFile(d.path(newer), content, 0o600))
	require.NoError(t, d.referTo(t.Context(), string(mounted)))
	org, err = d.readOrganisation()
	require.NoError(t, err)
	assert.Equal(t, []string{"orderer1"}, org.Joined)

	require.NoError(t, os.Remove(d.path(key)))
	require.NoError(t, os.WriteFile(d.path(key), []byte("another key"), 0o600))
	require.ErrorContains(t, d.referTo(t.Context(), string(mounted)), "has something else in it")
	kept, err := os.ReadFile(d.path(key))
	require.NoError(t, err)
	assert.Equal(t, "another key", string(kept))
	require.ErrorContains(t, d.referTo(t.Context(), dirs[1]), "has the files of MarketMSP")
	require.ErrorContains(t, d.referTo(t.Context(), string(d)), "leave out --from")
	require.ErrorContains(t, d.referTo(t.Context(), t.TempDir()), "isn't the folder of an organisation")
}
