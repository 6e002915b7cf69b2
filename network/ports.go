package network

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// DefaultBasePort is the default base port of `up`. The first gateway listens on the port after it.
const DefaultBasePort = 8080

const (
	firstPort = 10240 // people give lower ports to their own services
	lastPort  = 65535
)

// A portPicker chooses free loopback ports. It chooses each port only once.
type portPicker struct {
	taken      map[int]bool
	claims     portClaims
	avoidFirst int // the kernel gives avoidFirst to avoidLast to outgoing connections
	avoidLast  int
}

// newPortPicker returns a picker that avoids the ports which the kernel gives to outgoing connections. A network keeps
// its ports, and must find them free at a later start.
func newPortPicker() *portPicker {
	p := &portPicker{taken: map[int]bool{}, claims: userClaims(), avoidFirst: 32768, avoidLast: 60999}
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		var first, last int
		if _, err := fmt.Sscan(string(text), &first, &last); err == nil && first <= last {
			p.avoidFirst, p.avoidLast = first, last
		}
	}
	if p.avoidFirst <= firstPort && p.avoidLast >= lastPort {
		p.avoidFirst, p.avoidLast = 0, 0 // all ports are for outgoing connections, so none can be avoided
	}
	return p
}

// run returns the first of n consecutive free ports and marks them all as taken. No other picker of this user chooses
// them soon.
func (p *portPicker) run(n int) (int, error) {
	for range 2000 {
		first := firstPort + rand.IntN(lastPort-firstPort-n+1)
		if p.usable(first, n) && p.claims.claim(first, n, time.Now()) {
			p.reserve(first, n)
			return first, nil
		}
	}
	return 0, fmt.Errorf("found no %d consecutive free ports on loopback", n)
}

// avoid reserves the ports of nodes, except those of their figures.
func (p *portPicker) avoid(orgs []Org, orderers []Orderer) {
	for _, org := range orgs {
		own := []int{org.PeerPort, org.ChaincodePort, org.GatewayPort}
		for _, port := range slices.AppendSeq(own, maps.Values(org.RulesPorts)) {
			p.reserve(port, 1)
		}
	}
	for _, o := range orderers {
		p.reserve(o.Port, 1)
		p.reserve(o.AdminPort, 1)
	}
}

func (p *portPicker) one() (int, error) { return p.run(1) }

func (p *portPicker) usable(first, n int) bool {
	if first <= p.avoidLast && first+n-1 >= p.avoidFirst {
		return false
	}
	for port := first; port < first+n; port++ {
		if p.taken[port] || probe(port) != nil {
			return false
		}
	}
	return true
}

func (p *portPicker) reserve(first, n int) {
	for port := first; port < first+n; port++ {
		p.taken[port] = true
	}
}

// probe returns nil if this process can listen on the loopback port now.
func probe(port int) error { return probeAt(loopback(port)) }

func probeAt(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return listener.Close()
}

// checkFree returns an error about the first port of the plan that another program is using.
func (p *plan) checkFree() error {
	for _, org := range p.Orgs {
		if err := explainPort("", org.GatewayPort, org.Title+"'s gateway",
			"choose other ports with --base-port"); err != nil {
			return err
		}
		if err := explainPort(org.At, org.PeerPort, org.Title+"'s peer", ""); err != nil {
			return err
		}
		for _, port := range append(slices.Collect(maps.Values(org.RulesPorts)), org.ChaincodePort) {
			if err := explainPort("", port, org.Title+"'s chaincode", ""); err != nil {
				return err
			}
		}
	}
	for _, orderer := range p.Orderers {
		if err := explainPort(orderer.At, orderer.Port, orderer.Name, ""); err != nil {
			return err
		}
		if err := explainPort("", orderer.AdminPort, orderer.Name, ""); err != nil {
			return err
		}
	}
	return nil
}

// portPatience is how long to wait for a port that should be free. A killed process keeps its ports until the last of
// its threads has ended, and another program may be probing the port, too.
const portPatience = 2 * time.Second

// explainPort returns an error about a port at which a node can't listen. at is the host at which others reach the
// node.
func explainPort(at string, port int, who, otherwise string) error {
	at = listenHost(at)
	where := address(at, port)
	err := probeAt(where)
	for end := time.Now().Add(portPatience); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(end); {
		time.Sleep(portPatience / 50)
		err = probeAt(where)
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		advice := []string{"stop that program"}
		if otherwise != "" {
			advice = append(advice, otherwise)
		}
		return fmt.Errorf("port %d of %s, where %s listens, is taken by another program: %s",
			port, at, who, strings.Join(advice, ", or "))
	}
	if errors.Is(err, syscall.EACCES) {
		return fmt.Errorf(
			"port %d of %s, where %s listens, needs rights that this user lacks: choose a base port above 1023",
			port, at, who,
		)
	}
	return fmt.Errorf("couldn't listen on port %d of %s for %s: %w", port, at, who, err)
}
