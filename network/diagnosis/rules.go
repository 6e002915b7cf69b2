package diagnosis

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/cli/terminal"
)

// The bounds from which something is told.
const (
	littleSpace = 4 << 30   // bytes: a busy network fills them in hours
	noSpace     = 512 << 20 // bytes: the nodes soon can't write
	littleFiles = 10_000

	manyRestarts = 3

	// Fabric refuses a message if the clocks of its sender and its receiver differ by more than 15 minutes.
	clocksDiffer = time.Minute
	clocksBreak  = 10 * time.Minute

	// A node that is fewer blocks behind than this may just be busy.
	blocksBehind = 20
)

func (s *Seen) judgeFiles(f *findings) {
	for _, one := range s.Faults {
		f.add(Now, one.Do, "%s", one.What)
	}
}

func (s *Seen) judgeProcesses(f *findings) {
	switch {
	case s.Kind == Gateway:
		return // whether it runs is what its Gate says
	case len(s.Leftover) > 0 && !s.Running:
		f.add(Now, "run `"+s.Start+"`: it ends them and starts everything again",
			"the command that ran the processes was killed, and nothing restarts what dies. Still running: %s",
			list(s.Leftover))
		return
	case !s.Running:
		f.add(Now, "run `"+s.Start+"`", "nothing is running here")
		return
	}
	for _, p := range s.Processes {
		switch {
		case !p.Running:
			f.add(Now, "look at "+p.Log, "%s isn't running (%s)%s", p.Name, p.LastExit, said(p.Words))
		case p.Restarts >= manyRestarts:
			f.add(Soon, "look at "+p.Log, "%s has been restarted %d times; its last run ended with %s", p.Name, p.Restarts,
				p.LastExit)
		}
	}
}

func said(words string) string {
	if words == "" {
		return ""
	}
	return ". The end of its log says: " + words
}

func (s *Seen) judgeClocks(f *findings) {
	var ahead, behind, known int
	type off struct {
		node Node
		by   time.Duration
	}
	var all []off
	for _, n := range s.Nodes {
		if !n.ClockKnown {
			continue
		}
		known++
		if n.Ahead.Abs() < clocksDiffer {
			continue
		}
		all = append(all, off{n, n.Ahead})
		if n.Ahead > 0 {
			ahead++
		} else {
			behind++
		}
	}
	if len(all) == 0 {
		return
	}
	most := slices.MaxFunc(all, func(a, b off) int { return int(a.by.Abs() - b.by.Abs()) }).by
	urgency := func(by time.Duration) Urgency {
		if by.Abs() >= clocksBreak {
			return Now
		}
		return Soon
	}
	const consequence = "nodes refuse what is sent with a clock that is off by 15 minutes"
	if known > 1 && (ahead == known || behind == known) {
		f.add(urgency(most), "set this machine's clock, and keep it right with NTP",
			"this machine's clock is %s %s those of all %s; %s",
			brief(most), map[bool]string{true: "behind", false: "ahead of"}[most > 0], terminal.Count(known, "node"), consequence)
		return
	}
	for _, one := range all {
		f.add(urgency(one.by), s.tell(one.node.MSPID, "set the clock of its machine, and keep it right with NTP"),
			"the clock of %s is %s %s this machine's; %s", one.node, brief(one.by),
			map[bool]string{true: "ahead of", false: "behind"}[one.by > 0], consequence)
	}
}

// tell addresses an advice to the organisation that can follow it.
func (s *Seen) tell(mspID, do string) string {
	if s.Self == "" || mspID == s.Self {
		return do
	}
	return "ask " + mspID + ": " + do
}

func (s *Seen) judgeDisks(f *findings) {
	for _, d := range s.Disks {
		do := "free space there, or move the folder to a larger disk; ledgers never shrink"
		switch {
		case d.Free < noSpace:
			f.add(Now, do, "the disk of %s is full: %s are free", d.Path, bytes(d.Free))
		case d.Free < littleSpace:
			f.add(Soon, do, "the disk of %s is almost full: %s are free", d.Path, bytes(d.Free))
		}
		if d.FilesKnown && d.Files < littleFiles {
			f.add(Soon, "delete files there, or move the folder to another file system",
				"the file system of %s has room for only %d more files", d.Path, d.Files)
		}
	}
}

func bytes(n uint64) string {
	if n < 1<<30 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

func (s *Seen) judgeCertificates(f *findings) {
	type group struct {
		state     certificate.State
		own       bool
		authority bool
	}
	names := map[group][]string{}
	for _, c := range s.Certificates {
		if c.Revoked {
			f.add(Now, s.tell(c.Owner, "use another key and certificate; nothing brings a revoked one back"),
				"the certificate %s is revoked: the nodes refuse it", named(c))
		}
		if state := c.At(s.At); state != certificate.Valid {
			key := group{state, c.Own, c.Authority}
			names[key] = append(names[key], fmt.Sprintf("%s (%s)", named(c), c.NotAfter.UTC().Format(time.DateOnly)))
		}
	}
	for _, state := range []certificate.State{certificate.Expired, certificate.Expiring} {
		urgency, verb := Now, "expired"
		if state == certificate.Expiring {
			urgency, verb = Soon, "will expire within 30 days"
		}
		for _, key := range []group{{state, true, false}, {state, true, true}, {state, false, false}, {state, false, true}} {
			all := names[key]
			if len(all) == 0 {
				continue
			}
			do := "run `" + s.Renew + "`"
			switch {
			case !key.own:
				do = "ask their owners to renew them"
			case key.authority:
				do = "have the channel take another authority: no command renews one, and certificates can't outlive it"
			case s.Renew == "":
				do = "have their authority issue others for the same keys"
			}
			f.add(urgency, do, "%s %s: %s", terminal.Count(len(all), "certificate"), verb, list(all))
		}
	}
	for _, l := range s.Lists {
		if s.At.After(l.Until) {
			f.add(Note, s.tell(l.MSPID, "publish a new list, and put it into force with `pedigree propose revoke`"),
				"the revocation list of %s was to be replaced by %s; what it revokes stays revoked", l.MSPID,
				l.Until.UTC().Format(time.DateOnly))
		}
	}
}

func named(c Certificate) string { return strings.TrimSpace(c.Owner + ": " + c.Use) }

func (s *Seen) judgeChannel(f *findings) {
	urgency := Soon
	if s.Kind != Gateway && !s.Running {
		urgency = Note // that nothing runs here is told
	}
	switch {
	case s.Channel == nil && s.Unasked != "":
		f.add(urgency, "start a node of yours, or check the addresses in the folder; then run this command again",
			"nothing is known about the other members, the orderers and the quorum: %s", s.Unasked)
	case s.Channel != nil && s.Channel.Stale && s.Running:
		f.add(Soon, "run this command again when a peer or an orderer answers",
			"no node says how the channel is configured now. What follows is judged by its first configuration")
	}
}
