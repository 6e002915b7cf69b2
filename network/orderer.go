package network

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/network/proposal"
)

// ordererProcess describes how to run an orderer. It overrides every setting for which the default in Fabric's
// orderer.yaml is wrong here:
//
//   - An orderer that can't reach another one tries again after 0.1 seconds instead of 1, so that a network which has
//     just started doesn't lose its first messages.
//   - Peers may probe connections as often as they do.
//   - If an orderer's identity has expired at the start, orderers take what expired identities sign. They would
//     otherwise refuse each change of the configuration, which they sign themselves, and so their own renewal.
//   - The operations listener serves figures for Prometheus, on loopback. Anybody on this machine may read them, and may
//     change the level of the log.
func (d folder) ordererProcess(f fabric, o Orderer) process {
	dir := d.orderer(o.Name)
	tls := filepath.Join(dir, "tls")
	lenient := fmt.Sprint(d.orderersExpired())
	roots := "[" + d.path("orderer", "tlsca", "cert.pem") + "]"
	return process{
		name: o.Name, role: "orderer", endpoint: o.Address(), program: f.program("orderer"), log: d.log(o.Name),
		works: healthy(loopbackClient, "http://"+loopback(o.OperationsPort)),
		env: baseEnv(
			"FABRIC_CFG_PATH="+f.config(),
			"ORDERER_GENERAL_LISTENADDRESS="+listenHost(o.At),
			fmt.Sprintf("ORDERER_GENERAL_LISTENPORT=%d", o.Port),
			"ORDERER_GENERAL_LOCALMSPID="+o.mspID(),
			"ORDERER_GENERAL_LOCALMSPDIR="+filepath.Join(dir, "msp"),
			"ORDERER_GENERAL_AUTHENTICATION_NOEXPIRATIONCHECKS="+lenient,
			"ORDERER_GENERAL_TLS_ENABLED=true",
			"ORDERER_GENERAL_TLS_PRIVATEKEY="+filepath.Join(tls, "key.pem"),
			"ORDERER_GENERAL_TLS_CERTIFICATE="+filepath.Join(tls, "cert.pem"),
			"ORDERER_GENERAL_TLS_ROOTCAS="+roots,
			"ORDERER_GENERAL_CLUSTER_CLIENTCERTIFICATE="+filepath.Join(tls, "cert.pem"),
			"ORDERER_GENERAL_CLUSTER_CLIENTPRIVATEKEY="+filepath.Join(tls, "key.pem"),
			"ORDERER_GENERAL_CLUSTER_ROOTCAS="+roots,
			"ORDERER_GENERAL_BACKOFF_BASEDELAY=100ms",
			"ORDERER_GENERAL_BACKOFF_MAXDELAY=1s",
			"ORDERER_GENERAL_KEEPALIVE_SERVERMININTERVAL=5s",
			"ORDERER_GENERAL_BOOTSTRAPMETHOD=none",
			"ORDERER_CHANNELPARTICIPATION_ENABLED=true",
			"ORDERER_ADMIN_LISTENADDRESS="+loopback(o.AdminPort),
			"ORDERER_ADMIN_TLS_ENABLED=true",
			"ORDERER_ADMIN_TLS_PRIVATEKEY="+filepath.Join(tls, "key.pem"),
			"ORDERER_ADMIN_TLS_CERTIFICATE="+filepath.Join(tls, "cert.pem"),
			"ORDERER_ADMIN_TLS_CLIENTAUTHREQUIRED=true",
			"ORDERER_ADMIN_TLS_CLIENTROOTCAS="+roots,
			"ORDERER_ADMIN_TLS_ROOTCAS="+roots,
			"ORDERER_OPERATIONS_LISTENADDRESS="+loopback(o.OperationsPort),
			"ORDERER_METRICS_PROVIDER=prometheus",
			"ORDERER_FILELEDGER_LOCATION="+filepath.Join(dir, "ledger"),
			"ORDERER_CONSENSUS_WALDIR="+filepath.Join(dir, "wal"),
			"ORDERER_CONSENSUS_SNAPDIR="+filepath.Join(dir, "snapshots"),
		),
	}
}

// nameOrderers writes the file by which the verbs that change the channel find the orderers, if they act for the
// orderers' organisation.
func (d folder) nameOrderers(p *plan) error {
	file := proposal.Orderers{MSPID: OrdererMSP, Channel: p.Channel, TLSRoots: filepath.Join("tlsca", "cert.pem")}
	for _, o := range p.Orderers {
		file.Addresses = append(file.Addresses, o.Address())
	}
	return wrap(plainly(writeJSON(d.path("orderer", proposal.OrderersFile), file, 0o644)), "couldn't name the orderers")
}

// orderersExpired reports whether the identity of an orderer has expired.
func (d folder) orderersExpired() bool {
	entries, err := os.ReadDir(d.path(ordererOwner))
	return err == nil && slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		c, err := certificate.Read(d.path(ordererOwner, entry.Name(), "msp", "signcerts", "cert.pem"))
		return err == nil && time.Now().After(c.NotAfter)
	})
}

// An ordererAdmin talks to the orderers' channel participation API.
type ordererAdmin struct{ client *http.Client }

func (d folder) ordererAdmin() (*ordererAdmin, error) {
	pair, err := tls.LoadX509KeyPair(d.path("orderer", "admin", "cert.pem"), d.path("orderer", "admin", "key.pem"))
	if err != nil {
		return nil, fmt.Errorf("couldn't load the orderers' administration key: %w", err)
	}
	roots, err := certificate.Pool(d.path("orderer", "tlsca", "cert.pem"))
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots,
			MinVersion: tls.VersionTLS12},
	}
	return &ordererAdmin{&http.Client{Transport: transport, Timeout: 20 * time.Second}}, nil
}

// channelInfo is what the channel participation API says of an orderer in a channel.
type channelInfo struct {
	Height            uint64
	ConsensusRelation string // consenter, follower, or another word if it doesn't take part
	Status            string
}

// orders reports whether the orderer takes part in the ordering.
func (i channelInfo) orders() bool { return i.ConsensusRelation == "consenter" && i.Status == "active" }

// channel asks an orderer about a channel. The answer is empty if the orderer hasn't joined the channel.
func (a *ordererAdmin) channel(ctx context.Context, o Orderer, channel string) (info channelInfo, err error) {
	status, body, err := a.do(ctx, http.MethodGet, o.channels()+"/"+channel, "", nil)
	switch {
	case err == nil && status == http.StatusOK:
		err = json.Unmarshal([]byte(body), &info)
	case err == nil && status != http.StatusNotFound:
		err = fmt.Errorf("status %d: %s", status, body)
	}
	return info, wrap(err, "%s doesn't answer", o.Name)
}

// height returns how many blocks of the channel the orderer has. It is 0 if the orderer hasn't joined the channel, or
// has lost its data. It waits until the orderer answers.
func (a *ordererAdmin) height(ctx context.Context, o Orderer, channel string) (height uint64, err error) {
	err = eventually(ctx, func(ctx context.Context) error {
		info, err := a.channel(ctx, o, channel)
		height = info.Height
		return err
	})
	return height, err
}

// join joins the orderer to the channel of the genesis block.
func (a *ordererAdmin) join(ctx context.Context, o Orderer, channel string, genesis []byte) error {
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("config-block", "genesis.block")
	if err == nil {
		_, err = part.Write(genesis)
	}
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		return err
	}
	status, body, err := a.do(ctx, http.MethodPost, o.channels(), writer.FormDataContentType(), &form)
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("status %d: %s", status, body)
	}
	return wrap(err, "couldn't join %s to channel %s", o.Name, channel)
}

// channels is the URL of the orderer's channels in the channel participation API.
func (o Orderer) channels() string {
	return fmt.Sprintf("https://%s/participation/v1/channels", loopback(o.AdminPort))
}

func (a *ordererAdmin) do(ctx context.Context, method, url, contentType string, body io.Reader) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return 0, "", err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return response.StatusCode, strings.TrimSpace(string(text)), err
}

// listening waits until the orderer accepts connections. Its administration API answers a little earlier than that. If
// an orderer joins a channel while the others can't be reached yet, the messages that it sends them are lost.
func (o Orderer) listening(ctx context.Context) error {
	var dialer net.Dialer
	err := eventually(ctx, func(ctx context.Context) error {
		conn, err := dialer.DialContext(ctx, "tcp", o.Address())
		if err != nil {
			return err
		}
		return conn.Close()
	})
	return wrap(err, "%s doesn't listen", o.Name)
}

func (a *ordererAdmin) close() { a.client.CloseIdleConnections() }
