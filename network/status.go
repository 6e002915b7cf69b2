package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

// NetworkStatus is the output of `status --json`.
type NetworkStatus struct {
	Dir string `json:"dir"`
	// State is one of the State constants. Reason says why the network is degraded.
	State      string    `json:"state"`
	Reason     string    `json:"reason,omitempty"`
	Since      time.Time `json:"since,omitzero"` // when the supervisor started
	Supervisor int       `json:"supervisor,omitempty"`
	Detached   bool      `json:"detached"`
	Fabric     string    `json:"fabric,omitempty"`
	Channel    string    `json:"channel,omitempty"`
	Chaincode  string    `json:"chaincode,omitempty"`
	BasePort   int       `json:"basePort,omitempty"`
	// Certificates says which certificates have expired or soon will, if any.
	Certificates string          `json:"certificates,omitempty"`
	Orgs         []OrgStatus     `json:"orgs"`
	Processes    []ProcessStatus `json:"processes"`

	parts bool // processes run some parts each
}

// OrgStatus is the part of a [NetworkStatus] about one organisation.
type OrgStatus struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	MSPID string `json:"mspId"`
	URL   string `json:"url"`
	// Ready says whether the gateway answers and has caught up with the ledger.
	Ready bool `json:"ready"`
	// Notice is what the gateway tells its operator while it is ready: that its queue was damaged, for one.
	Notice string `json:"notice,omitempty"`
	// Tokens maps each role to the file that holds its bearer token.
	Tokens map[string]string `json:"tokens"`
}

// Status returns the command that prints the state of a network.
func Status() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Print the state of the consortium and of its processes",
		Long: `Print the state of the network in a folder, the address of each gateway and the state of each process. The network is
absent, stopped, starting, ready, degraded, stopping or leftover. "leftover" means that "pedigree up" was killed but
processes of the network are still running: "pedigree up" resumes the network, "pedigree down" ends them. In the folder
of an organisation, the command tells the same of what "pedigree node start" runs.`,
		Example: `  pedigree status
  pedigree status --json | jq .state`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if ctx == nil {
				ctx = context.Background()
			}
			status, err := ReadStatus(ctx, dir)
			if err != nil {
				return err
			}
			if asJSON {
				return terminal.Value(cmd.OutOrStdout(), status)
			}
			return status.print(cmd.OutOrStdout())
		},
	}
	addDir(cmd, &dir)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// ReadStatus determines the state of a folder's network. It looks at the folder, the processes and the gateways.
func ReadStatus(ctx context.Context, dir string) (NetworkStatus, error) {
	d, err := openFolder(dir)
	if err != nil {
		return NetworkStatus{}, err
	}
	status := NetworkStatus{Dir: string(d), State: StateAbsent, Orgs: []OrgStatus{}, Processes: []ProcessStatus{}}
	held := d.locked()
	if held {
		status.State, status.Supervisor = StateStarting, d.holder().PID
	}
	p, err := readPlan(d)
	if errors.Is(err, fs.ErrNotExist) {
		if !d.isOrganisation() {
			return status, nil
		}
		p, err = d.ownPlan()
	}
	if err != nil {
		return status, err
	}
	status.Fabric, status.Channel, status.Chaincode, status.BasePort = p.Fabric, p.Channel, p.Chaincode, p.BasePort
	certificates, err := d.certificates()
	if err != nil {
		return status, err
	}
	status.Certificates = certificate.Warning(certificates, time.Now())
	run, err := readState(d)
	if err != nil {
		return status, err
	}
	if run.Processes != nil {
		status.Processes = run.Processes
	}
	if err := status.addParts(d); err != nil {
		return status, err
	}
	for _, org := range p.Orgs {
		one := OrgStatus{Name: org.Name, Title: org.Title, MSPID: org.MSPID, URL: d.gate(org).url,
			Tokens: map[string]string{}}
		for _, role := range roles {
			one.Tokens[role] = d.token(org.Name, role)
		}
		status.Orgs = append(status.Orgs, one)
	}
	if !held && status.Supervisor == 0 {
		status.State = StateStopped
		for _, process := range status.Processes {
			if process.Running {
				status.State = StateLeftover
			}
		}
		return status, nil
	}
	if held && run.Supervisor == d.holder() {
		status.State, status.Since, status.Detached = run.State, run.Since, run.Detached
	}
	status.look(ctx, p)
	return status, nil
}

// addParts adds what the processes run that run some parts of an organisation each. The state is the first of theirs
// that isn't ready.
func (s *NetworkStatus) addParts(d folder) error {
	states, err := readStates(d)
	if err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(states)) {
		run := states[file]
		if file == d.stateFile() {
			continue
		}
		s.Processes = append(s.Processes, run.Processes...)
		if !run.Supervisor.running() {
			continue
		}
		if !s.parts || s.State == StateReady {
			s.State, s.Supervisor = run.State, run.Supervisor.PID
		}
		if s.Since.IsZero() || run.Since.Before(s.Since) {
			s.Since = run.Since
		}
		s.parts = true
	}
	return nil
}

// look asks the gateways of a running network whether they are ready.
func (s *NetworkStatus) look(ctx context.Context, p *plan) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var checks []func() error
	for i, org := range p.Orgs {
		runs := func(process ProcessStatus) bool { return process.Name == org.gatewayProcess() }
		if s.parts && !slices.ContainsFunc(s.Processes, runs) {
			continue // its gateway isn't meant to run
		}
		checks = append(checks, func() error {
			notice, err := folder(s.Dir).gatewayReady(ctx, org)
			if s.Orgs[i].Ready = err == nil; err == nil {
				s.Orgs[i].Notice = notice
			}
			return err
		})
	}
	trouble := together(checks...)
	for _, process := range s.Processes {
		if !process.Running {
			trouble = fmt.Errorf("%s isn't running", process.Name)
		}
	}
	if s.State == StateReady && trouble != nil {
		s.State, s.Reason = StateDegraded, trouble.Error()
	}
}

// locked reports whether a process runs the folder's network.
func (d folder) locked() bool {
	if !d.holder().running() {
		return false
	}
	lock, err := filelock.Take(d.lockFile())
	if err == nil {
		lock.Close()
	}
	return errors.Is(err, filelock.ErrHeld)
}

func (s NetworkStatus) print(out io.Writer) error {
	fmt.Fprintf(out, "%s: %s", s.Dir, s.State)
	if s.Reason != "" {
		fmt.Fprintf(out, " (%s)", s.Reason)
	}
	if !s.Since.IsZero() {
		fmt.Fprintf(out, ", up for %s under process %d", time.Since(s.Since).Round(time.Second), s.Supervisor)
	}
	fmt.Fprintln(out)
	if s.State == StateAbsent {
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "\nORGANISATION\tGATEWAY\tREADY")
	for _, org := range s.Orgs {
		fmt.Fprintf(table, "%s\t%s\t%s\n", org.Title, org.URL, yes(org.Ready))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, org := range s.Orgs {
		if org.Notice != "" {
			fmt.Fprintf(out, "\n%s: %s\n", org.Title, org.Notice)
		}
	}
	if s.Certificates != "" {
		d := folder(s.Dir)
		fmt.Fprintf(out, "\nCertificates: %s with `pedigree renew%s`\n", s.Certificates, dirFlag(d))
	}
	if len(s.Processes) > 0 {
		fmt.Fprintln(table, "\nPROCESS\tRUNNING\tPID\tRESTARTS\tLISTENS ON\tLAST EXIT")
	}
	for _, p := range s.Processes {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\n", p.Name, yes(p.Running), p.PID, p.Restarts, p.Endpoint,
			p.LastExit)
	}
	return table.Flush()
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
