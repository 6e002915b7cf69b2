package network

import (
	"fmt"
	"io"
	"path"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/network/kubernetes"
)

// kustomize writes a base of Kustomize for the organisation into its folder.
func (i installation) kustomize(node *Node, out io.Writer) error {
	k, err := i.pod(node)
	if err != nil {
		return err
	}
	files, err := k.Manifests()
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := i.write(out, i.dir.path(file.Path), file.Text); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\nNext, in the namespace of the organisation:\n")
	if k.Gateway != 0 {
		fmt.Fprintf(out, "  kubectl create secret tls %s --cert=FILE --key=FILE    # the gateway's certificate\n", k.Certificate())
	}
	fmt.Fprintf(out, "  kubectl apply -k %s\n  kubectl logs -f --all-containers statefulset/%s\n", shellWord(string(i.dir)), k.App())
	fmt.Fprintf(out, "and have %s lead to the service %s-ledger.\n", k.Host, k.App())
	return nil
}

// pod describes the organisation for Kubernetes.
func (i installation) pod(node *Node) (kubernetes.Installation, error) {
	own := node.org.Org
	k := kubernetes.Installation{Name: own.Name, Host: own.At, Image: i.image, Storage: i.storage}
	if i.image == "" {
		return k, exit.Usagef("name the image in your registry, as in --image registry.example/pedigree:v1.0.0")
	}
	if !fileExists(i.dir.charterFile()) {
		return k, exit.Usagef("there is no charter in %s yet: name the one that all founders have signed with --charter",
			i.dir)
	}
	// An organisation has ten ports before those of its orderers, and uses the first three.
	health := map[string]int{ordererPart: own.PeerPort + 3, peerPart: own.PeerPort + 4, chaincodePart: own.PeerPort + 5}
	for _, part := range node.parts {
		if health[part] > lastPort {
			return k, exit.Usagef("the ports of the organisation leave no room for the one at which the %s says whether it works",
				part)
		}
		k.Parts = append(k.Parts, kubernetes.Part{Name: part, Health: health[part]})
	}
	if node.runs(gatewayPart) {
		k.Gateway = own.GatewayPort
	}
	if node.runs(peerPart) {
		k.Ledger = append(k.Ledger, kubernetes.Port{Name: peerPart, Number: own.PeerPort})
	}
	if node.runs(ordererPart) {
		for _, o := range node.org.Orderers {
			k.Ledger = append(k.Ledger, kubernetes.Port{Name: o.Name, Number: o.Port})
		}
	}
	k.Files = node.org.files()
	for _, file := range k.Files {
		if !fileExists(i.dir.path(file)) {
			return k, fmt.Errorf("the organisation's folder isn't whole: %s isn't there", i.dir.path(file))
		}
	}
	return k, nil
}

// files are the files of the organisation's folder that a node reads, at paths with slashes. The keys of the authorities
// aren't among them.
func (o *organisation) files() []string {
	all := []string{"organisation.json", "charter.json"}
	add := func(dir string, names ...string) {
		for _, name := range names {
			all = append(all, path.Join(dir, name))
		}
	}
	pair := []string{"cert.pem", "key.pem"}
	authorities := []string{"msp/config.yaml", "msp/cacerts/ca.pem", "msp/tlscacerts/tlsca.pem"}
	node := append([]string{"msp/signcerts/cert.pem", "msp/keystore/key.pem", "tls/cert.pem", "tls/key.pem"}, authorities...)
	name := o.Org.Name
	add(name, append([]string{"ca/cert.pem", "tlsca/cert.pem"}, authorities...)...)
	add(path.Join(name, "peer"), node...)
	add(path.Join(name, "chaincode", "server"), pair...)
	add(path.Join(name, "chaincode", "client"), pair...)
	for _, role := range roles {
		add(path.Join(name, "users", role), pair...)
		add(name, role+".token")
	}
	add(path.Join(ordererOwner, "tlsca"), "cert.pem")
	add(path.Join(ordererOwner, "admin"), pair...)
	for _, orderer := range o.Orderers {
		add(path.Join(ordererOwner, orderer.Name), node...)
	}
	return all
}
