package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// The states of a network.
const (
	StateAbsent   = "absent"   // there is no network in the folder
	StateStopped  = "stopped"  // the network exists, but isn't running
	StateStarting = "starting" // being started
	StateReady    = "ready"    // everything is running and answers
	StateDegraded = "degraded" // running, but something is down or doesn't answer
	StateStopping = "stopping" // being stopped
	StateLeftover = "leftover" // its supervisor was killed and left processes; `up` resumes, `down` ends them
)

// ProcessStatus describes a process of the network.
type ProcessStatus struct {
	Name string `json:"name"`
	// Role is orderer, peer, chaincode or gateway. Org is empty for orderers.
	Role     string `json:"role"`
	Org      string `json:"org,omitempty"`
	Endpoint string `json:"endpoint"`
	processID
	Since    time.Time `json:"since,omitzero"` // when it was last started
	Restarts int       `json:"restarts"`       // number of restarts
	LastExit string    `json:"lastExit,omitempty"`
	Log      string    `json:"log"`
	Running  bool      `json:"running"`
}

// runState is the content of the state file, which says what a supervisor is running. It is written at every change, so
// that a command or the next supervisor knows which processes exist.
type runState struct {
	State      string          `json:"state"`
	Supervisor processID       `json:"supervisor"`
	Since      time.Time       `json:"since"`
	Detached   bool            `json:"detached"`
	Processes  []ProcessStatus `json:"processes"`
}

// A stateFile keeps the state file current.
type stateFile struct {
	mu   sync.Mutex
	path string
	runState
}

func newStateFile(path string, detached bool) (*stateFile, error) {
	self, err := identify(os.Getpid())
	if err != nil {
		return nil, fmt.Errorf("couldn't find out when this process started: %w", err)
	}
	s := &stateFile{path: path, runState: runState{
		State: StateStarting, Supervisor: self, Since: time.Now().UTC(), Detached: detached,
	}}
	return s, s.set(StateStarting)
}

func (s *stateFile) set(state string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.State = state
	return s.write()
}

func (s *stateFile) setProcesses(processes []ProcessStatus) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Processes = processes
	return s.write()
}

// write replaces the file in one step. It doesn't wait for the disk, because after a power cut the content would be
// wrong anyway.
func (s *stateFile) write() error {
	text, err := json.MarshalIndent(s.runState, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path+".new", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(s.path+".new", s.path)
}

// readState returns what the process that holds the folder's lock runs.
func readState(d folder) (runState, error) { return readStateFile(d.stateFile()) }

// readStates returns what each process runs that has left a state file in the folder, by the file.
func readStates(d folder) (map[string]runState, error) {
	files, err := filepath.Glob(d.path("run", "state*.json"))
	if err != nil {
		return nil, err
	}
	states := map[string]runState{}
	for _, file := range files {
		if states[file], err = readStateFile(file); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// readStateFile returns the content of a state file, with each process marked as running or not. If there is no file,
// or if a full disk cut it short, no process is known to run.
func readStateFile(path string) (runState, error) {
	var s runState
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("couldn't read what is running: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return runState{}, nil
	}
	for i := range s.Processes {
		s.Processes[i].Running = s.Processes[i].running()
	}
	return s, nil
}

// endLeftovers ends the processes that a killed supervisor has left, and returns their names. If it is given parts, it
// leaves the processes of others. The caller holds the locks of those that it names, so no supervisor of them is alive.
func (d folder) endLeftovers(parts ...string) ([]string, error) {
	states, err := readStates(d)
	if err != nil {
		return nil, err
	}
	var names []string
	var leftovers []func() error
	var done []string // state files of which nothing is left
	for file, s := range states {
		others := len(parts) > 0 && s.Supervisor.running()
		for _, p := range s.Processes {
			switch {
			case !p.Running:
			case len(parts) == 0 || slices.Contains(parts, p.Role):
				names = append(names, p.Name)
				leftovers = append(leftovers, func() error { return p.end(stopPatience) })
			default:
				others = true
			}
		}
		if !others {
			done = append(done, file)
		}
	}
	slices.Sort(names)
	if err := together(leftovers...); err != nil {
		return names, err
	}
	for _, file := range done {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return names, fmt.Errorf("couldn't clear the record of what was running: %w", plainly(err))
		}
	}
	return names, nil
}
