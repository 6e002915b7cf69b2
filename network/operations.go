package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/network/monitoring"
)

// targetsFile is the list of what Prometheus may ask. It is written at every start, and read by Prometheus again when it
// changes.
func (d folder) targetsFile() string { return d.path("run", "targets.json") }

// placeOperations gives a loopback port to the figures of each peer and orderer that has none. Those of a role that is
// about to start get another one if a program has taken theirs. Nothing but the list of targets depends on the port. It
// reports whether it changed any.
func placeOperations(orgs []Org, orderers []Orderer, starts func(role string) bool) (changed bool, err error) {
	ports := newPortPicker()
	ports.avoid(orgs, orderers)
	type place struct {
		role string
		port *int
	}
	var all []place
	for i := range orgs {
		all = append(all, place{peerPart, &orgs[i].OperationsPort})
	}
	for i := range orderers {
		all = append(all, place{ordererPart, &orderers[i].OperationsPort})
	}
	for _, p := range all {
		if *p.port != 0 && !ports.taken[*p.port] && (!starts(p.role) || probe(*p.port) == nil) {
			ports.reserve(*p.port, 1)
			continue
		}
		if *p.port, err = ports.one(); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// listTargets writes the list of targets: the gateways, peers and orderers that run here.
func (d folder) listTargets(orgs []Org, orderers []Orderer) error {
	var all []monitoring.Target
	for _, o := range orgs {
		g := d.gate(o)
		all = append(all,
			monitoring.Target{Address: g.address(), Role: gatewayPart, Node: o.gatewayProcess(), Organisation: o.MSPID,
				TLS: g.certificate != ""},
			monitoring.Target{Address: loopback(o.OperationsPort), Role: peerPart, Node: o.peerProcess(), Organisation: o.MSPID})
	}
	for _, o := range orderers {
		all = append(all, monitoring.Target{Address: loopback(o.OperationsPort), Role: ordererPart, Node: o.Name,
			Organisation: o.mspID()})
	}
	text, err := monitoring.Targets(all)
	if err == nil {
		err = writeFile(d.targetsFile(), text, 0o644)
	}
	return wrap(plainly(err), "couldn't list what Prometheus may ask")
}

// Monitoring returns the command that writes files for Prometheus and Grafana.
func Monitoring() *cobra.Command {
	var dir, out, token string
	cmd := &cobra.Command{
		Use:   "monitoring --out FOLDER",
		Short: "Write a configuration for Prometheus, rules for alerts and a Grafana dashboard",
		Long: `Write files for Prometheus and Grafana into a folder: prometheus.yml, alerts.yml and dashboard.json.

--dir is the folder of a network of "pedigree up", the folder of an organisation, or a gateway's configuration file.
The gateways, peers and orderers of a folder serve their figures on this machine only, so Prometheus runs on the same
one. Where they do is in the file run/targets.json of the folder, which is written at every start, and which Prometheus
reads again by itself. For a gateway's configuration, the list is written beside the other files.

Gateways show their figures to auditors and operators. Prometheus reads the auditors' tokens in the folder, so it needs
the rights to. For a gateway's configuration, name the file of such a token with --token-file.`,
		Example: `  pedigree monitoring --out monitoring
  prometheus --config.file monitoring/prometheus.yml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			d, err := openFolder(dir)
			if err != nil {
				return err
			}
			return d.writeMonitoring(out, token)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", DefaultDir, "folder of a network or an organisation, or a gateway's configuration")
	cmd.Flags().StringVar(&out, "out", "", "folder to write into")
	cmd.Flags().StringVar(&token, "token-file", "", "file with a token for the gateway of --dir, if that is a "+
		"configuration")
	_ = cmd.MarkFlagRequired("out") // fails only for a flag that doesn't exist
	return cmd
}

// writeMonitoring writes the files for Prometheus and Grafana.
func (d folder) writeMonitoring(out, token string) error {
	p, err := readPlan(d)
	if errors.Is(err, fs.ErrNotExist) && d.isOrganisation() {
		p, err = d.ownPlan()
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return monitorGateway(string(d), out, token)
	}
	if err != nil {
		return err
	}
	tokens := map[string]string{}
	for _, org := range p.Orgs {
		tokens[org.gatewayProcess()] = d.token(org.Name, Auditor)
	}
	return monitoring.Write(out, d.targetsFile(), tokens)
}

// monitorGateway writes the files for a gateway on a Fabric network of the operator's own, and the list of targets with
// them.
func monitorGateway(file, out, token string) error {
	if info, err := os.Stat(file); err != nil || info.IsDir() {
		return exit.Usagef("there is no network, organisation or gateway's configuration in %s: name another with --dir",
			file)
	}
	if token == "" {
		return exit.Usagef("name a file with the token of an auditor of the gateway with --token-file")
	}
	c, err := config.Read(file)
	if err != nil {
		return err
	}
	node := Org{Name: c.Name}.gatewayProcess()
	list, err := monitoring.Targets([]monitoring.Target{{Address: c.Listen, Role: gatewayPart, Node: node,
		Organisation: c.MSPID, TLS: c.TLS.Certificate != ""}})
	if err != nil {
		return err
	}
	targets, err := filepath.Abs(filepath.Join(out, "targets.json"))
	if err == nil {
		token, err = filepath.Abs(token)
	}
	if err == nil {
		err = os.MkdirAll(out, 0o755)
	}
	if err == nil {
		err = writeFile(targets, list, 0o644)
	}
	if err != nil {
		return fmt.Errorf("couldn't list the gateway for Prometheus: %w", plainly(err))
	}
	return monitoring.Write(out, targets, map[string]string{node: token})
}
