package network

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/attrmgr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/certificate"
	"github.com/pedigree-ledger/pedigree/gateway/filelock"
)

func TestARenewedCertificateDiffersOnlyInItsNumberAndTime(t *testing.T) {
	d, _ := keysOnly(t, 90*day)
	file := d.path("harbor", "peer", "tls", "cert.pem")
	a, err := loadAuthority(d.path("harbor", "tlsca"), 10*day)
	require.NoError(t, err)
	text, err := a.reissue(file)
	require.NoError(t, err)
	was, err := certificate.Read(file)
	require.NoError(t, err)
	require.NoError(t, writeFile(file, text, 0o644))
	is, err := certificate.Read(file)
	require.NoError(t, err)
	require.NotEqual(t, was.SerialNumber, is.SerialNumber)
	require.WithinDuration(t, time.Now().Add(10*day), is.NotAfter, time.Minute)
	require.NoError(t, is.CheckSignatureFrom(a.certificate))
	for _, same := range [][2]any{
		{was.RawSubject, is.RawSubject}, {was.RawSubjectPublicKeyInfo, is.RawSubjectPublicKeyInfo},
		{was.DNSNames, is.DNSNames}, {was.IPAddresses, is.IPAddresses}, {was.KeyUsage, is.KeyUsage},
		{was.ExtKeyUsage, is.ExtKeyUsage}, {was.SubjectKeyId, is.SubjectKeyId}, {was.AuthorityKeyId, is.AuthorityKeyId},
	} {
		require.Equal(t, same[0], same[1])
	}
	_, err = a.reissue(d.path("market", "peer", "tls", "cert.pem"))
	require.ErrorIs(t, err, errForeign)

	ca, err := loadAuthority(d.path("harbor", "ca"), 10*day)
	require.NoError(t, err)
	for _, role := range roles {
		text, err := ca.reissue(d.path("harbor", "users", role, "cert.pem"))
		require.NoError(t, err)
		block, _ := pem.Decode(text)
		is, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		attributes, err := attrmgr.New().GetAttributesFromCert(is)
		require.NoError(t, err)
		require.Equal(t, map[string]string{chaincode.RoleAttribute: role}, attributes.Attrs)
	}
}

// age gives all certificates other than those of authorities a lifetime from now on, which may be negative.
func (d folder) age(t *testing.T, lifetime time.Duration) {
	t.Helper()
	all, err := d.certificates()
	require.NoError(t, err)
	r := &renewal{dir: d, lifetime: lifetime}
	for _, c := range all {
		if strings.HasPrefix(c.Use, "authority") {
			continue
		}
		text, err := r.reissue(t.Context(), c.Owner, c.File)
		require.NoError(t, err)
		require.NoError(t, writeFile(c.File, text, 0o644))
	}
}

func TestAStoppedNetworkKeepsTheIdentitiesOfItsOrderers(t *testing.T) {
	d, _ := keysOnly(t, 90*day)
	d.age(t, -time.Minute)
	keys := d.keys(t)
	_, stderr, err := pedigree(t, "renew", "--dir", string(d))
	require.NoError(t, err, stderr)
	require.Contains(t, stderr, "run `pedigree renew orderer --dir "+string(d)+"`")
	all, err := d.certificates()
	require.NoError(t, err)
	for _, c := range all {
		expired := c.Owner == ordererOwner && filepath.Base(filepath.Dir(c.File)) == "signcerts"
		require.Equal(t, expired, c.At(time.Now()) == certificate.Expired, c.File)
	}
	require.Equal(t, keys, d.keys(t))
}

// keys reads all private keys of the folder, with the modes of their files.
func (d folder) keys(t *testing.T) map[string]string {
	t.Helper()
	keys := map[string]string{}
	require.NoError(t, filepath.WalkDir(string(d), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.Name() != "key.pem" {
			return err
		}
		info, err := e.Info()
		require.NoError(t, err)
		require.EqualValues(t, 0o600, info.Mode(), path)
		text, err := os.ReadFile(path)
		keys[path] = string(text)
		return err
	}))
	require.NotEmpty(t, keys)
	return keys
}

func TestWhatCantBeRenewedIsSaid(t *testing.T) {
	d, _ := keysOnly(t, 90*day)
	run := func(names ...string) (string, int) {
		_, stderr, err := pedigree(t, append([]string{"renew", "--dir", string(d)}, names...)...)
		if err == nil {
			return stderr, 0
		}
		return stderr, 1
	}
	stderr, code := run("harbour")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, `the network has no organisation "harbour": it has harbor, market, lab, orderer`)
	_, stderr, err := pedigree(t, "renew", "--dir", d.path("harbor"))
	require.Error(t, err)
	require.Contains(t, stderr, "renew its certificates with `pedigree renew harbor --dir "+string(d)+"`")
	_, stderr, err = pedigree(t, "renew", "--dir", t.TempDir())
	require.Error(t, err)
	require.Contains(t, stderr, "name another folder with --dir")
	only, err := filelock.Take(d.path("run", "renew.lock"))
	require.NoError(t, err)
	stderr, code = run()
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "another `pedigree renew` is at work")
	require.NoError(t, only.Close())

	whole, err := d.take()
	require.NoError(t, err)
	stderr, code = run()
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "another command starts, stops or restores the network")
	require.NoError(t, whole.Close())

	// A certificate of another authority stays, and the others are renewed.
	foreign := d.path("harbor", "users", Auditor, "cert.pem")
	text, err := os.ReadFile(d.path("market", "users", Auditor, "cert.pem"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(foreign, text, 0o600))
	stderr, code = run("harbor")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stderr, "left "+foreign+": it is from another authority than CN=ca.harbor.")
	require.Contains(t, stderr, "renewed 6 certificates of harbor, until ")
	kept, err := os.ReadFile(foreign)
	require.NoError(t, err)
	require.Equal(t, text, kept)

	// If one can't be made, none is written.
	before, err := d.certificates()
	require.NoError(t, err)
	require.NoError(t, os.Rename(d.path("lab", "tlsca", "key.pem"), d.path("lab", "tlsca", "key.away")))
	stderr, code = run("lab")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "put it there for the time of the renewal")
	after, err := d.certificates()
	require.NoError(t, err)
	require.Equal(t, before, after)

	expiredAuthority(t, d.path("market", "ca"))
	stderr, code = run("market")
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "the authority in "+d.path("market", "ca")+" expired at ")
}

// expiredAuthority dates an authority back, with its key.
func expiredAuthority(t *testing.T, dir string) {
	t.Helper()
	a, err := loadAuthority(dir, day)
	require.NoError(t, err)
	was := *a.certificate
	was.NotBefore, was.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, &was, &was, a.certificate.PublicKey, a.key)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	require.NoError(t, writeFile(filepath.Join(dir, "cert.pem"), text, 0o644))
}

func TestAStoppedOrganisationKeepsTheIdentitiesOfItsOrderers(t *testing.T) {
	d := folder(filepath.Join(t.TempDir(), "harbor"))
	require.NoError(t, InitOrganisation(t.Context(), string(d), harborAlone))
	orderer := Orderer{Name: "orderer1"}
	r := &renewal{dir: d}
	identity, err := os.ReadFile(r.identity(orderer))
	require.NoError(t, err)
	keys := d.keys(t)
	before, err := d.certificates()
	require.NoError(t, err)
	_, stderr, err := pedigree(t, "renew", "--dir", string(d), "--certificate-lifetime", "60h")
	require.NoError(t, err, stderr)
	require.Contains(t, stderr, "then run `pedigree renew --dir "+string(d)+"` again")
	after, err := d.certificates()
	require.NoError(t, err)
	require.Len(t, after, len(before))
	for i, c := range after {
		require.Equal(t, ours(c) && c.Use != "orderer1, identity", c.NotAfter.After(before[i].NotAfter), c.File)
	}
	is, err := os.ReadFile(r.identity(orderer))
	require.NoError(t, err)
	require.Equal(t, identity, is)
	require.Equal(t, keys, d.keys(t))

	_, stderr, err = pedigree(t, "renew", "market", "--dir", string(d))
	require.Error(t, err)
	require.Contains(t, stderr, "has only the organisation harbor")
	_, stderr, err = pedigree(t, "renew", "--dir", d.path("harbor"))
	require.Error(t, err)
	require.Contains(t, stderr, "renew its certificates with `pedigree renew --dir "+string(d)+"`")
	whole, err := d.lock()
	require.NoError(t, err)
	defer whole.Close()
	_, stderr, err = pedigree(t, "renew", "--dir", string(d))
	require.Error(t, err)
	require.Contains(t, stderr, "already up")
}

// The card has the identity that waits for the channel, so that others can propose it. One that expired while it waited
// is thrown away.
func TestAnIdentityThatWaitsIsOnTheCard(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "harbor")
	require.NoError(t, InitOrganisation(t.Context(), dir, harborAlone))
	r, err := folder(dir).newOwnRenewal(nil, day)
	require.NoError(t, err)
	before, err := CardOf(dir)
	require.NoError(t, err)
	waits, err := r.waits(time.Now())
	require.NoError(t, err)
	require.False(t, waits)
	staged, err := r.stage(t.Context(), r.plan.Orderers[0])
	require.NoError(t, err)
	is, err := CardOf(dir)
	require.NoError(t, err)
	require.Equal(t, string(staged.Identity), is.Orderers[0].Identity)
	require.True(t, sameKey(staged.Identity, []byte(before.Orderers[0].Identity)))
	require.False(t, sameKey(staged.Identity, staged.TLS))
	waits, err = r.waits(time.Now())
	require.NoError(t, err)
	require.True(t, waits)
	waits, err = r.waits(time.Now().Add(2 * day))
	require.NoError(t, err)
	require.False(t, waits)
	require.NoDirExists(t, r.staged(r.plan.Orderers[0]))
}

func TestARunningNetworkIsStoppedOnlyIfOrderersNeedIt(t *testing.T) {
	d, p := keysOnly(t, 90*day)
	now := time.Now()
	hourAgo := now.Add(-time.Hour)
	for name, test := range map[string]struct {
		owner, use string
		since      time.Time // when the network was started
		names      []string
		refused    string
	}{
		"an orderer's TLS":           {"orderer", "orderer2, TLS", now, nil, "Run `pedigree down --dir "},
		"an orderer's identity":      {"orderer", "orderer2, identity", hourAgo.Add(-time.Hour), nil, "Run `pedigree down"},
		"the same before the start":  {"orderer", "orderer2, identity", now, nil, ""},
		"their administrator's":      {"orderer", "operator, identity", now, nil, ""},
		"a peer's":                   {"market", "peer, TLS", now, nil, ""},
		"a peer's of somebody else":  {"market", "peer, TLS", now, []string{"lab"}, "renew market too"},
		"a gateway's own":            {"market", "gateway, TLS", now, []string{"lab"}, ""},
		"an authority, said later":   {"market", "authority of TLS", now, []string{"lab"}, ""},
		"an orderer's for a peer":    {"orderer", "orderer1, TLS", now, []string{"lab"}, "the orderers take no change"},
		"one that is valid for long": {"market", "", now, []string{"lab"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &renewal{dir: d, plan: p, names: test.names, running: true, since: test.since}
			if r.names == nil {
				r.names = p.owners()
			}
			all := []certificate.Certificate{{Owner: test.owner, Use: test.use, NotAfter: hourAgo}}
			if test.use == "" {
				all[0].NotAfter = now.Add(day)
			}
			err := r.checkRunning(all, now)
			if test.refused == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.refused)
			}
			r.running = false
			require.NoError(t, r.checkRunning(all, now))
		})
	}
}

func TestOrganisationsThatExpiredAreRenewedTogetherFirst(t *testing.T) {
	d, p := keysOnly(t, 90*day)
	r := &renewal{dir: d, plan: p, names: p.owners()}
	now := time.Now()
	all := []certificate.Certificate{
		{Owner: "market", Use: "peer, TLS", NotAfter: now.Add(-day)},
		{Owner: "harbor", Use: "peer, TLS", NotAfter: now.Add(day)},
		{Owner: "lab", Use: "auditor, identity", NotAfter: now.Add(-day)},
	}
	require.Equal(t, [][]Org{{p.Orgs[1], p.Orgs[2]}, {p.Orgs[0]}}, r.steps(all, now))
	r.names = []string{"lab", "harbor"}
	require.Equal(t, [][]Org{{p.Orgs[2]}, {p.Orgs[0]}}, r.steps(all, now))
}

// renewal returns a renewal of the network that the tests share.
func (n *Network) renewal(t *testing.T, names ...string) *renewal {
	t.Helper()
	r, err := newRenewal(n.Dir(), names, 90*day)
	require.NoError(t, err)
	require.NoError(t, r.lock())
	t.Cleanup(r.unlock)
	return r
}

// All certificates of an organisation expire while the network runs, and its nodes are restarted before somebody renews
// them. The peer's connection to its chaincode is renewed too.
func TestAnOrganisationWhoseCertificatesExpiredIsRenewed(t *testing.T) {
	n := sharedNetwork(t)
	ctx := within(t, 4*time.Minute)
	lab := n.Orgs()[2]
	r := n.renewal(t, "lab")
	all, err := r.dir.certificates()
	require.NoError(t, err)
	back := *r
	back.lifetime = -time.Minute
	for _, c := range all {
		if c.Owner == "lab" && ours(c) {
			text, err := back.reissue(t.Context(), "lab", c.File)
			require.NoError(t, err)
			require.NoError(t, writeFile(c.File, text, 0o644))
		}
	}
	require.NoError(t, r.dir.renewConnections(lab))
	require.NoError(t, n.Kill("lab-peer"))
	require.NoError(t, n.Kill(chaincode.Newest().Label("lab-chaincode")))
	short, cancel := context.WithTimeout(ctx, 2*time.Second)
	require.Error(t, r.healthy(short))
	cancel()
	require.NoError(t, r.run(ctx))
	require.NoError(t, n.write(ctx, 2, "after lab's renewal", "written"))
}

// An organisation that decides alone renews all of its own, the identity of its orderer too, although certificates
// expired while its node ran and its peer no longer starts.
func TestAnOrganisationThatDecidesAloneRenewsAll(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real network, which -short leaves out")
	}
	dirs, file := founders(t, 1)
	d := folder(dirs[0])
	node, err := StartNode(within(t, 2*time.Minute), NodeOptions{Dir: string(d), Charter: file, Out: os.Stderr})
	require.NoError(t, err)
	defer func() { assert.NoError(t, node.Stop()) }()
	r, err := d.newOwnRenewal(nil, -time.Minute)
	require.NoError(t, err)
	all, err := d.certificates()
	require.NoError(t, err)
	for _, c := range all {
		if c.Owner == "harbor" && ours(c) {
			text, err := r.reissue(t.Context(), "harbor", c.File)
			require.NoError(t, err)
			require.NoError(t, writeFile(c.File, text, 0o644))
		}
	}
	own := node.own()
	require.NoError(t, d.renewConnections(own))
	require.NoError(t, node.network.sup.kill(own.peerProcess()))

	orderer := r.plan.Orderers[0]
	before, err := os.ReadFile(r.identity(orderer))
	require.NoError(t, err)
	_, stderr, err := pedigree(t, "renew", "--dir", string(d), "--certificate-lifetime", "60h")
	require.NoError(t, err, stderr)
	require.Contains(t, stderr, "renewed orderer1, with block")
	after, err := os.ReadFile(r.identity(orderer))
	require.NoError(t, err)
	require.NotEqual(t, string(before), string(after))
	all, err = d.certificates()
	require.NoError(t, err)
	for _, c := range all {
		require.NotEqual(t, certificate.Expired, c.At(time.Now()), c.File)
	}
	require.NoError(t, node.network.clients[0].prove(within(t, time.Minute), ChaincodeName, []string{own.MSPID}))
}

// A renewal ends between the change of the channel's configuration and the new certificate of the orderer, and the
// orderer is restarted: it no longer takes part. The next renewal goes on with the certificates that the channel has.
func TestAnInterruptedRenewalOfAnOrdererGoesOn(t *testing.T) {
	n := sharedNetwork(t)
	ctx := within(t, 4*time.Minute)
	r := n.renewal(t, ordererOwner)
	o := n.Orderers()[2]
	admin, err := r.dir.ordererAdmin()
	require.NoError(t, err)
	defer admin.close()
	own, err := r.open()
	require.NoError(t, err)
	now, err := own.Configuration(ctx)
	require.NoError(t, err)
	renewed, err := r.stage(t.Context(), o)
	require.NoError(t, err)
	_, err = configure(ctx, own, now, *renewed)
	require.NoError(t, err)
	require.NoError(t, r.restart(ctx, o.Name))
	require.NoError(t, eventually(ctx, func(ctx context.Context) error {
		info, err := admin.channel(ctx, o, n.plan.Channel)
		if err == nil && info.orders() {
			err = errors.New("it takes part with its old certificate")
		}
		return err
	}))
	short, cancel := context.WithTimeout(ctx, time.Second)
	require.ErrorContains(t, r.await(short, admin, 0, "orderer1"), "orderer3 doesn't take part in the ordering")
	cancel()
	require.Equal(t, o, r.order(ctx, admin)[0])

	require.NoError(t, r.orderer(ctx, admin, o))
	is, err := os.ReadFile(r.identity(o))
	require.NoError(t, err)
	require.Equal(t, renewed.Identity, is)
	require.NoDirExists(t, r.staged(o))
	require.NoError(t, n.write(ctx, 0, "after the orderer's renewal", "written"))
}
