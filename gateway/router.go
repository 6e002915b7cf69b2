package gateway

import (
	"crypto/x509"
	"net/http"

	"github.com/pedigree-ledger/pedigree/gateway/api"
	"github.com/pedigree-ledger/pedigree/gateway/cosign"
	"github.com/pedigree-ledger/pedigree/gateway/openapi"
	"github.com/pedigree-ledger/pedigree/gateway/pages"
	"github.com/pedigree-ledger/pedigree/gateway/router"
	"github.com/pedigree-ledger/pedigree/gateway/session"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/gateway/version"
)

// router puts the API for programs and the pages for people under one router. A page that changes something makes a
// request of the API in the name of the person who is signed in, as that person's program would.
func (g *Gateway) router(maker *proof.Maker, signers *cosign.Cosigner, figures *metrics) (http.Handler, error) {
	cfg, sessions := g.cfg, session.New(g.callers, g.cfg.MSPID)
	description, err := openapi.Load()
	if err != nil {
		return nil, err
	}
	var shown func(*http.Request) ([]*x509.Certificate, error)
	if g.machines != nil {
		shown = g.machines.Chain // a proxy's own certificate isn't that of another gateway
	}
	programs, err := api.New(api.Config{
		Name: cfg.Name, MSPID: cfg.MSPID, Channel: cfg.Channel, Chaincode: cfg.Chaincode, Version: version.Read().String(),
		Description: description, Callers: g.callers, Sessions: sessions, Cosigner: signers, Index: g.index, Queue: g.queue,
		Actors: g.actors, Actor: cfg.Actor, Shown: shown,
		Runs: g.runs, Signed: signedBy{g.client, g.callers, g.follower},
		Witnesses: g.witnesses.Find, Prover: maker, Health: g.client.Health, Ready: g.ready, Tip: g.follower.tipHeight,
		Confirmed: g.follower.lastConfirmed, Rebuild: g.Rebuild, Metrics: figures.handler(), Logger: g.log,
	})
	if err != nil {
		return nil, err
	}
	forPeople := pages.Config{
		Name: cfg.Name, MSPID: cfg.MSPID, Channel: cfg.Channel, Chaincode: cfg.Chaincode, Version: version.Read().String(),
		Sessions: sessions, Queue: g.queue, Index: g.index, Trust: maker.Trust, Logger: g.log,
		Health: g.client.Health, Ready: g.ready, Tip: g.follower.tipHeight, Actors: g.actors, Actor: cfg.Actor,
		Description: description, Cosigners: signers.Organisations, Requests: router.Inside(programs, figures.observe, g.log),
	}
	forPeople.Certificates = g.machines != nil
	if g.issuer != nil {
		forPeople.Vouching = g.issuer.Name()
		if g.issuer.People() {
			forPeople.Issuer = g.issuer
		}
	}
	people, err := pages.New(forPeople)
	if err != nil {
		return nil, err
	}
	g.stopWatching = people.Stop
	return router.New(router.Config{
		API: programs, Pages: people, Description: description, Member: sessions.Member, Observe: figures.observe,
		Logger: g.log,
	}), nil
}
