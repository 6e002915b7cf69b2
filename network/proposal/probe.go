package proposal

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"
)

// fabricWindow is how far a message's time may be from a node's clock, unless the node was configured otherwise.
const fabricWindow = 15 * time.Minute

// clockGrain is the least difference of two clocks that a probe notices, and how exactly it measures a larger one.
const (
	clockGrain     = time.Minute
	clockPrecision = 5 * time.Second
)

// probePatience is how long all questions to one node may take.
const probePatience = 10 * time.Second

// A Place is where the channel's configuration says that a node is.
type Place struct {
	MSPID, Address string
	Roots          []byte // the authorities for TLS of the node's organisation, in PEM
	Peer           bool   // an orderer, if false
	// Identity and TLS are the certificates that the channel expects of an orderer.
	Identity, TLS *x509.Certificate
}

// Places lists the orderers and the anchor peers of the channel.
func (c *Configuration) Places() []Place {
	var all []Place
	roots := map[string][]byte{}
	for _, m := range c.Memberships() {
		roots[m.MSPID] = m.tls
	}
	for _, one := range consenters(c.Config.Group()) {
		place := Place{MSPID: one.GetMspId(), Address: hostPort(one), Roots: roots[one.GetMspId()]}
		place.Identity = certificateIn(one.GetIdentity())
		place.TLS = certificateIn(one.GetServerTlsCert())
		all = append(all, place)
	}
	for _, a := range c.Config.Anchors() {
		all = append(all, Place{MSPID: a.MSPID, Address: a.Address, Roots: a.TLSRoots, Peer: true})
	}
	return all
}

// An Answer is what a node said when it was probed.
type Answer struct {
	Blocks uint64 // 0: it hasn't joined the channel
	// Ahead is how far its clock is ahead of ours. It is 0 if they differ by less than a minute, or if ClockKnown is
	// false.
	Ahead      time.Duration
	ClockKnown bool
	// Certificate is the one that it has for TLS. It is also known if the node refused everything else.
	Certificate *x509.Certificate
}

// Probe asks a node how many blocks it has, and compares its clock with ours. Fabric has no question for a node's
// clock. But it refuses messages whose time is too far from it, and so tells on which side of a time its clock is.
func (o *Organisation) Probe(ctx context.Context, at Place) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	var a Answer
	conn, err := at.dial(&a.Certificate)
	if err != nil {
		return a, err
	}
	defer conn.Close()
	asked := func(sent time.Time) (*common.Block, common.Status, error) {
		newest := &orderer.SeekPosition{Type: &orderer.SeekPosition_Newest{Newest: &orderer.SeekNewest{}}}
		info, err := proto.Marshal(&orderer.SeekInfo{Start: newest, Stop: newest,
			Behavior: orderer.SeekInfo_FAIL_IF_NOT_READY, ContentType: orderer.SeekInfo_HEADER_WITH_SIG})
		if err != nil {
			return nil, 0, err
		}
		request, err := o.message(common.HeaderType_DELIVER_SEEK_INFO, sent, info)
		if err != nil {
			return nil, 0, err
		}
		return deliver(ctx, conn, at.Peer, request)
	}
	accepts := func(ahead time.Duration) (bool, error) {
		_, status, err := asked(time.Now().Add(ahead))
		return status != common.Status_BAD_REQUEST, err
	}
	block, status, err := asked(time.Now())
	switch {
	case err != nil:
		return a, err
	case block != nil:
		a.Blocks = block.GetHeader().GetNumber() + 1
	case status == common.Status_BAD_REQUEST:
		return a, errors.New("it refuses the request, probably because its clock and this machine's differ by more than 15 " +
			"minutes")
	case status != common.Status_NOT_FOUND:
		return a, fmt.Errorf("it doesn't show the channel to %s (%s)", o.MSPID, status)
	}
	a.Ahead, a.ClockKnown, err = compareClocks(accepts)
	return a, err
}

// compareClocks finds out how far a node's clock is ahead of ours. accepts says whether the node accepts a message that
// was sent so much later than now. It accepts one that was sent now.
func compareClocks(accepts func(ahead time.Duration) (bool, error)) (ahead time.Duration, known bool, err error) {
	late, err := accepts(fabricWindow - clockGrain)
	if err != nil {
		return 0, false, err
	}
	early, err := accepts(clockGrain - fabricWindow)
	switch {
	case err != nil || !late && !early: // its window is another one
		return 0, false, err
	case late && early:
		return 0, true, nil
	}
	sign := time.Duration(1) // the node's clock is ahead, if it takes what was sent later
	if early {
		sign = -1
	}
	// It accepts what is sent within low, measured against its own direction, and refuses what is sent beyond high.
	low, high := time.Duration(0), fabricWindow-clockGrain
	for high-low > clockPrecision {
		middle := (low + high) / 2
		ok, err := accepts(-sign * middle)
		if err != nil {
			return 0, false, err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	return sign * (fabricWindow - (low+high)/2), true, nil
}

// dial connects to the place. It checks that the node's certificate is of an authority of its organisation. It asks for
// no name in it: the channel's configuration doesn't say which. seen gets the certificate in any case.
func (p Place) dial(seen **x509.Certificate) (*grpc.ClientConn, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(p.Roots) {
		return nil, fmt.Errorf("the channel's configuration has no authority for TLS of %s", p.MSPID)
	}
	check := func(s tls.ConnectionState) error {
		*seen = s.PeerCertificates[0]
		between := x509.NewCertPool()
		for _, c := range s.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		return err
	}
	// VerifyConnection does what InsecureSkipVerify leaves out.
	config := &tls.Config{InsecureSkipVerify: true, VerifyConnection: check, MinVersion: tls.VersionTLS12}
	return grpc.NewClient(p.Address, grpc.WithNoProxy(), grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxBlock)))
}
