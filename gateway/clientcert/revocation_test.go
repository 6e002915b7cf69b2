package clientcert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/access"
	"github.com/pedigree-ledger/pedigree/gateway/clientcert/clientcerttest"
)

func TestRevokedCertificatesAreRefused(t *testing.T) {
	f := newFixture(t)
	below := f.authority.Below("Below")
	good, stolen, lower := f.authority.Issue("logger"), f.authority.Issue("logger"), below.Issue("logger")
	other := clientcerttest.New(t, "Others")
	tomorrow := time.Now().Add(24 * time.Hour)
	list := func(text ...[]byte) {
		t.Helper()
		var all []byte
		for _, part := range text {
			all = append(all, part...)
		}
		f.cfg.CRL = clientcerttest.Write(t, f.folder, "crl.pem", all)
		f.certs.cfg = f.cfg
		require.NoError(t, f.certs.reload())
	}
	accepts := func(c tls.Certificate) {
		t.Helper()
		_, err := f.with(c)
		assert.NoError(t, err)
	}

	client := f.authority.Client(stolen)
	_, err := f.ask(client)
	require.NoError(t, err)
	list(f.authority.Revoke(tomorrow, stolen))
	_, err = f.again(client)
	f.refuses(err, "it was revoked at ")
	accepts(good)
	accepts(lower)

	list(f.authority.Revoke(tomorrow), below.Revoke(tomorrow, lower))
	accepts(good)
	accepts(stolen)
	_, err = f.with(lower)
	f.refuses(err, "it was revoked at ")

	list(f.authority.Revoke(tomorrow, tls.Certificate{Leaf: below.Certificate}))
	_, err = f.with(lower)
	f.refuses(err, `the certificate of its authority "CN=Below" was revoked at `)

	list(other.Revoke(tomorrow, good))
	accepts(good)
	list(f.authority.Revoke(tomorrow, stolen), f.authority.Revoke(tomorrow))
	_, err = f.with(stolen)
	f.refuses(err, "revoked") // by either

	list(f.authority.Below("Below").Revoke(tomorrow, lower)) // by another key of this name
	_, err = f.with(lower)
	assert.ErrorIs(t, err, access.ErrUnavailable, "whether it was can't be told")
	accepts(good)
	list(f.authority.Revoke(tomorrow))

	f.pass(48 * time.Hour)
	long := f.authority.Issue("logger", func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(0, 1, 0) })
	_, err = f.with(long)
	require.ErrorIs(t, err, access.ErrUnavailable)
	assert.ErrorContains(t, err, `no revocation list of "CN=Machines" that is valid now`)
	assert.NotErrorIs(t, err, access.ErrUnknownCertificate)
	assert.Contains(t, f.certs.current.Load().outdated(f.certs.now()), "CN=Machines")
	list(f.authority.Revoke(tomorrow), f.authority.Revoke(tomorrow.AddDate(0, 0, 7)))
	accepts(long)
	assert.Empty(t, f.certs.current.Load().outdated(f.certs.now()))
}

func TestAListThatCannotBeUsedLeavesTheOldOneInForce(t *testing.T) {
	tomorrow := time.Now().Add(24 * time.Hour)
	f := newFixture(t)
	stolen := f.authority.Issue("logger")
	good := f.authority.Revoke(tomorrow, stolen)
	f.cfg.CRL = clientcerttest.Write(t, f.folder, "crl.pem", good)
	f.certs.cfg = f.cfg
	require.NoError(t, f.certs.reload())
	part := pkix.Extension{Id: []int{2, 5, 29, 28}, Critical: true, Value: []byte{0x30, 0}} // issuing distribution point
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: tomorrow, ExtraExtensions: []pkix.Extension{part}}
	entries := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: tomorrow, RevokedCertificateEntries: []x509.RevocationListEntry{
		{SerialNumber: big.NewInt(1), RevocationTime: time.Now(), ExtraExtensions: []pkix.Extension{{Id: []int{2, 5, 29, 29}, Critical: true, Value: []byte{0x30, 0}}}},
	}}
	for name, c := range map[string]struct{ text, want string }{
		"a part of a list":     {string(f.authority.Sign(list)), "critical extension 2.5.29.28: only complete lists"},
		"of several issuers":   {string(f.authority.Sign(entries)), "critical extension 2.5.29.29"},
		"nothing":              {"", "revocation list 1"},
		"cut off":              {string(good[:len(good)/2]), "revocation list 1"},
		"a certificate":        {string(clientcerttest.PEM(f.authority)), "revocation list 1"},
		"of a false authority": {string(clientcerttest.New(t, "Machines").Revoke(tomorrow)), "CN=Machines hasn't signed it"},
		"too many":             {strings.Repeat(string(good), maxLists+1), "more than 100 lists"},
	} {
		clientcerttest.Write(t, f.folder, "crl.pem", []byte(c.text))
		err := f.certs.reload()
		require.ErrorContains(t, err, c.want, name)
		assert.ErrorContains(t, err, "clientCertificates.crl", name)
		_, err = f.with(stolen)
		f.refuses(err, "revoked")
		_, err = Open(f.cfg, signer, slog.Default())
		assert.Error(t, err, name)
	}
	require.NoError(t, os.Remove(f.cfg.CRL))
	assert.Error(t, f.certs.reload())
	clientcerttest.Write(t, f.folder, "roots.pem", []byte("nothing"))
	_, err := Open(f.cfg, signer, slog.Default())
	assert.ErrorContains(t, err, "clientCertificates")
	open := f.cfg
	open.Roots = clientcerttest.Write(t, f.folder, "open.pem", clientcerttest.PEM(f.authority))
	open.CRL = ""
	require.NoError(t, os.Chmod(open.Roots, 0o666))
	_, err = Open(open, signer, slog.Default())
	assert.ErrorContains(t, err, "can be changed by others than its owner (mode 0666)")
}

func TestChangesOfTheFilesAreInForceWithoutARestart(t *testing.T) {
	f := newFixture(t)
	next := clientcerttest.New(t, "Next")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.certs.Watch(ctx, time.Millisecond)
	}()
	machine := next.Issue("logger")
	_, err := f.with(machine)
	f.refuses(err, "has issued it")
	clientcerttest.Write(t, f.folder, "roots.pem", clientcerttest.PEM(f.authority, next))
	require.Eventually(t, func() bool { _, err := f.with(machine); return err == nil }, time.Minute, 5*time.Millisecond)
	assert.Len(t, f.certs.Authorities(), 2)
	clientcerttest.Write(t, f.folder, "roots.pem", []byte("half-written"))
	require.Eventually(t, func() bool { return strings.Contains(f.log.String(), "those from before stay trusted") },
		time.Minute, 5*time.Millisecond)
	_, err = f.with(machine)
	assert.NoError(t, err)
	clientcerttest.Write(t, f.folder, "roots.pem", clientcerttest.PEM(f.authority))
	require.Eventually(t, func() bool { _, err := f.with(machine); return errors.Is(err, access.ErrUnknownCertificate) },
		time.Minute, 5*time.Millisecond)
	stop()
	<-done
	assert.Equal(t, 1, strings.Count(f.log.String(), "those from before stay trusted"), f.log.String())
}
