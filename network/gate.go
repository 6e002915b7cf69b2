package network

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// A gate is a gateway on this machine, as its neighbours call it.
type gate struct {
	mspID, url  string
	client      *http.Client
	certificate string // the file with its certificate. Empty: without TLS
}

// gate returns the gateway of an organisation: on its own host where its configuration says, if it has one yet.
func (d folder) gate(org Org) gate {
	var c config.Config
	if text, err := os.ReadFile(d.path(org.Name, "gateway.json")); d.isOrganisation() && err == nil &&
		json.Unmarshal(text, &c) == nil && c.Listen != "" {
		return gateOf(c)
	}
	return gate{mspID: org.MSPID, url: org.URL(), client: loopbackClient}
}

// gateOf is the gateway of a configuration. It listens on this machine, so its certificate isn't checked as long as
// nothing secret is sent to it: see trusted.
func gateOf(c config.Config) gate {
	g := gate{mspID: c.MSPID, url: "http://" + c.Listen, client: loopbackClient, certificate: c.TLS.Certificate}
	host, port, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		g.url = "http://" + net.JoinHostPort("127.0.0.1", port)
	}
	if g.certificate != "" {
		g.url = "https" + strings.TrimPrefix(g.url, "http")
		g.client = secured(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	}
	return g
}

// address is the host:port of the gateway.
func (g gate) address() string {
	_, address, _ := strings.Cut(g.url, "://")
	return address
}

// trusted returns a client for secrets, such as tokens. With TLS, it talks to nobody but the owner of the certificate in
// the gateway's file.
func (g gate) trusted() *http.Client {
	if g.certificate == "" {
		return g.client
	}
	return secured(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12,
		VerifyConnection: func(s tls.ConnectionState) error {
			own, err := certificate.Read(g.certificate)
			if err == nil && !own.Equal(s.PeerCertificates[0]) {
				err = errors.New("what listens at " + g.address() + " has another certificate than " + g.certificate)
			}
			return err
		}})
}

func secured(c *tls.Config) *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{Proxy: nil, TLSClientConfig: c}}
}

// A door is where a gateway listens, and with which certificate. The zero value is its port on loopback, without TLS.
type door struct {
	listen string // host:port
	tls    config.TLS
}

// door returns where the gateway of the node listens. The variables of the process that runs the gateway say so. The
// processes of other parts leave it as it is. If others are to reach it and there is no certificate for it, it gets one
// of the organisation's own authority.
func (node *Node) door() (door, error) {
	if !node.runs(gatewayPart) {
		var before config.Config
		text, err := os.ReadFile(node.network.dir.path(node.org.Org.Name, "gateway.json"))
		if err != nil || json.Unmarshal(text, &before) != nil {
			return door{}, nil // the gateway's own process writes it
		}
		return door{before.Listen, before.TLS}, nil
	}
	variable := func(member string) string { return os.Getenv(config.Prefix + config.Variable(member)) }
	at := door{listen: cmp.Or(node.listen, variable("listen"), loopback(node.org.Org.GatewayPort))}
	for member, file := range map[string]*string{"tls.certificate": &at.tls.Certificate, "tls.key": &at.tls.Key} {
		if path := variable(member); path != "" {
			var err error
			if *file, err = filepath.Abs(path); err != nil {
				return door{}, err
			}
		}
	}
	if host, _, err := net.SplitHostPort(at.listen); err == nil && at.tls == (config.TLS{}) && node.org.Org.At != "" &&
		!onlyHere(host) {
		if at.tls, err = node.network.dir.issueGateway(node.org.Org); err != nil {
			return door{}, err
		}
	}
	if _, err := tls.LoadX509KeyPair(at.tls.Certificate, at.tls.Key); at.tls != (config.TLS{}) && err != nil {
		return door{}, fmt.Errorf("couldn't read the gateway's certificate and key: %w", plainly(err))
	}
	return at, nil
}

// onlyHere reports whether an address to listen at can be reached from this machine only.
func onlyHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// host and port of the door, as explainPort takes them.
func (at door) place(port int) (string, int) {
	host, text, err := net.SplitHostPort(at.listen)
	if err != nil {
		return "", port
	}
	if n, err := net.LookupPort("tcp", text); err == nil {
		port = n
	}
	return cmp.Or(host, "0.0.0.0"), port
}
