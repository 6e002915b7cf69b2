// Package kubernetes writes the manifests by which Kubernetes runs the parts of an organisation. They are a base of
// Kustomize, which lies in the organisation's folder and refers to the keys there.
package kubernetes

import (
	_ "embed"
	"encoding/json"
	"net"
	"path"
	"strings"
	"text/template"
)

// An Installation says what the pod runs.
type Installation struct {
	Name    string // of the organisation
	Host    string // at which others reach it: a name, or an IP address
	Image   string // such as registry.example/pedigree:v1.2.3
	Storage string // the size of its volume, such as 50Gi
	Parts   []Part
	Ledger  []Port   // at which other organisations reach peer and orderers
	Gateway int      // the gateway's port. 0: there is none
	Files   []string // of the organisation's folder, with slashes, that the parts need
}

// A Part is a container.
type Part struct {
	Name   string // orderer, peer, chaincode or gateway
	Health int    // the port at which it says whether it works. 0: the gateway says so itself
}

// A Port of a node.
type Port struct {
	Name   string // such as orderer1
	Number int
}

// A File of the base, at a path with slashes below the organisation's folder.
type File struct {
	Path string
	Text []byte
}

var (
	//go:embed kustomization.yaml.tmpl
	kustomizationText string
	//go:embed statefulset.yaml.tmpl
	statefulSetText string
	//go:embed services.yaml.tmpl
	servicesText string
	//go:embed networkpolicy.yaml.tmpl
	networkPolicyText string
)

// The folders in the containers. Only the first one is kept.
const (
	data    = "/var/lib/pedigree"
	mounted = "/etc/pedigree"
)

// The least that the parts need of a machine on which little is recorded.
var requests = map[string]string{
	"orderer":   `{cpu: 200m, memory: 512Mi}`,
	"peer":      `{cpu: 500m, memory: 1Gi}`,
	"chaincode": `{cpu: 200m, memory: 256Mi}`,
	"gateway":   `{cpu: 300m, memory: 512Mi}`,
}

// Manifests returns the files of the base.
func (i Installation) Manifests() ([]File, error) {
	var files []File
	for _, one := range []struct{ path, text string }{
		{"kustomization.yaml", kustomizationText}, {"kubernetes/statefulset.yaml", statefulSetText},
		{"kubernetes/services.yaml", servicesText}, {"kubernetes/networkpolicy.yaml", networkPolicyText},
	} {
		t, err := template.New(one.path).Funcs(template.FuncMap{"quote": quote, "key": key,
			"requests": func(part string) string { return requests[part] }}).Parse(one.text)
		if err != nil {
			return nil, err
		}
		var text strings.Builder
		if err := t.Execute(&text, i); err != nil {
			return nil, err
		}
		files = append(files, File{one.path, []byte(text.String())})
	}
	return files, nil
}

// App is the name of what belongs to the organisation.
func (i Installation) App() string { return "pedigree-" + i.Name }

// Certificate is the name of the Secret with the gateway's certificate and key, which the operator makes.
func (i Installation) Certificate() string { return i.App() + "-gateway-tls" }

// Dir is the folder that the parts share, and From the one with the organisation's files.
func (i Installation) Dir() string  { return data + "/" + i.Name }
func (i Installation) From() string { return mounted + "/organisation" }

// Data and TLS are where volumes are mounted.
func (i Installation) Data() string { return data }
func (i Installation) TLS() string  { return mounted + "/gateway-tls" }

// Alias reports whether the pod must know the name at which others reach it.
func (i Installation) Alias() bool { return net.ParseIP(i.Host) == nil }

// Public and Secret are the files without and with keys.
func (i Installation) Public() []string { return i.files(false) }
func (i Installation) Secret() []string { return i.files(true) }

func (i Installation) files(secret bool) []string {
	var some []string
	for _, file := range i.Files {
		if IsSecret(file) == secret {
			some = append(some, file)
		}
	}
	return some
}

// IsSecret reports whether a file of an organisation's folder has a key or a token in it.
func IsSecret(file string) bool { return path.Base(file) == "key.pem" || path.Ext(file) == ".token" }

// key is the name of a file in a ConfigMap or Secret, which can't have folders. Names of organisations have no _.
func key(file string) string { return strings.ReplaceAll(file, "/", "_") }

// quote writes a string for YAML. A string in JSON is one.
func quote(s string) (string, error) {
	text, err := json.Marshal(s)
	return string(text), err
}
