package network

import (
	"fmt"
	"os"
	"path/filepath"
)

// consortiumRoots returns the file with the TLS authorities of all organisations.
func (d folder) consortiumRoots() string { return d.path("channel", "tlsroots.pem") }

// gatherRoots writes the file consortiumRoots.
func (d folder) gatherRoots(p *plan) error {
	var all []byte
	for _, org := range p.Orgs {
		root, err := os.ReadFile(d.path(org.Name, "tlsca", "cert.pem"))
		if err != nil {
			return err
		}
		all = append(all, root...)
	}
	return writeFile(d.consortiumRoots(), all, 0o644)
}

// peerProcess describes how to run an organisation's peer. It departs from Fabric's defaults as follows:
//
//   - Docker is off. Chaincode runs as an external service, which is found by a builder. The builder is this program.
//   - The history database is off. Nothing on this ledger is ever overwritten, so the database would cost writes and
//     hold no information.
//   - Gossip is more frequent and gives up a dead peer sooner than it would between continents. An organisation that
//     starts or returns is known to the others within about a second.
//   - Peers trust the TLS certificates of all organisations from the start. By default they would do so only after
//     reading the channel's configuration, and a peer that gossip reaches before that waits for another round.
//   - A block waits one second instead of sixty for private data that nobody has. The only private collections here are
//     those of the chaincode lifecycle, and a transaction that is ordered twice looks as if it lacked private data.
//   - Connections may be probed every five seconds. The gateway service probes every ten seconds, and by default the
//     peer would close its connections for that.
//   - The gateway service gives up after 5 seconds instead of 2 minutes on a peer that can't be reached, and after 8
//     seconds instead of 30 on one that doesn't answer a call. An organisation that hangs must not hold up the others.
//   - The garbage collector lets the heap grow further, which leaves more processor time for commits. The memory limit
//     bounds the heap.
//   - Chaincode calls may take a minute. In this release of Fabric, a timeout in the middle of a range query can crash
//     the peer, so a slow machine must not cause one.
func (d folder) peerProcess(f fabric, org Org) process {
	dir := d.path(org.Name, "peer")
	tls := filepath.Join(dir, "tls")
	data := filepath.Join(dir, "ledger")
	return process{
		name: org.peerProcess(), role: "peer", org: org.Name, endpoint: org.PeerAddress(),
		program: f.program("peer"), args: []string{"node", "start"}, log: d.log(org.peerProcess()),
		works: healthy(loopbackClient, "http://"+loopback(org.OperationsPort)),
		env: baseEnv(
			"FABRIC_CFG_PATH="+f.config(),
			"GOGC=400",
			"GOMEMLIMIT=2GiB",
			"CORE_PEER_ID="+org.PeerName(),
			"CORE_PEER_NETWORKID="+domain,
			"CORE_PEER_LISTENADDRESS="+address(listenHost(org.At), org.PeerPort),
			"CORE_PEER_ADDRESS="+org.PeerAddress(),
			"CORE_PEER_CHAINCODELISTENADDRESS=127.0.0.1:0", // for chaincode that connects to its peer; ours is a server
			"CORE_PEER_LOCALMSPID="+org.MSPID,
			"CORE_PEER_MSPCONFIGPATH="+filepath.Join(dir, "msp"),
			"CORE_PEER_FILESYSTEMPATH="+data,
			"CORE_LEDGER_SNAPSHOTS_ROOTDIR="+filepath.Join(data, "snapshots"),
			"CORE_LEDGER_STATE_STATEDATABASE=goleveldb",
			"CORE_LEDGER_HISTORY_ENABLEHISTORYDATABASE=false",

			"CORE_PEER_TLS_ENABLED=true",
			"CORE_PEER_TLS_CERT_FILE="+filepath.Join(tls, "cert.pem"),
			"CORE_PEER_TLS_KEY_FILE="+filepath.Join(tls, "key.pem"),
			"CORE_PEER_TLS_ROOTCERT_FILE="+d.consortiumRoots(),
			"CORE_PEER_TLS_CLIENTAUTHREQUIRED=false",

			"CORE_PEER_GOSSIP_BOOTSTRAP="+org.PeerAddress(),
			"CORE_PEER_GOSSIP_ENDPOINT="+org.PeerAddress(),
			"CORE_PEER_GOSSIP_EXTERNALENDPOINT="+org.PeerAddress(),
			"CORE_PEER_GOSSIP_ALIVETIMEINTERVAL=1s",
			"CORE_PEER_GOSSIP_ALIVEEXPIRATIONTIMEOUT=30s",
			"CORE_PEER_GOSSIP_DIALTIMEOUT=400ms",
			"CORE_PEER_GOSSIP_RECONNECTINTERVAL=250ms",
			"CORE_PEER_GOSSIP_MAXCONNECTIONATTEMPTS=2400",
			"CORE_PEER_GOSSIP_PUBLISHSTATEINFOINTERVAL=500ms",
			"CORE_PEER_GOSSIP_REQUESTSTATEINFOINTERVAL=500ms",
			"CORE_PEER_GOSSIP_PULLINTERVAL=1s",
			"CORE_PEER_GOSSIP_DIGESTWAITTIME=200ms",
			"CORE_PEER_GOSSIP_REQUESTWAITTIME=400ms",
			"CORE_PEER_GOSSIP_RESPONSEWAITTIME=500ms",

			"CORE_PEER_GOSSIP_PVTDATA_PULLRETRYTHRESHOLD=1s",
			"CORE_PEER_KEEPALIVE_MININTERVAL=5s",
			"CORE_PEER_KEEPALIVE_CLIENT_INTERVAL=10s",
			"CORE_PEER_KEEPALIVE_CLIENT_TIMEOUT=5s",
			"CORE_PEER_KEEPALIVE_DELIVERYCLIENT_INTERVAL=6s",
			"CORE_PEER_KEEPALIVE_DELIVERYCLIENT_TIMEOUT=4s",
			"CORE_PEER_DELIVERYCLIENT_BLOCKCENSORSHIPTIMEOUTKEY=10s",

			"CORE_PEER_GATEWAY_ENABLED=true",
			"CORE_PEER_GATEWAY_DIALTIMEOUT=5s",
			"CORE_PEER_GATEWAY_ENDORSEMENTTIMEOUT=8s",
			"CORE_CHAINCODE_EXECUTETIMEOUT=60s",
			"CORE_CHAINCODE_EXTERNALBUILDERS="+fmt.Sprintf("[{name: pedigree, path: %q}]", d.builder()),
			"CORE_VM_ENDPOINT=",

			"CORE_OPERATIONS_LISTENADDRESS="+loopback(org.OperationsPort),
			"CORE_METRICS_PROVIDER=prometheus",
		),
	}
}
