// Package chaincode decides what the ledger accepts.
//
// It is a Hyperledger Fabric chaincode with one contract for each noun of
// package record: Events, Artifacts, Activities, Statements and Members. Each
// contract has a transaction Submit and functions that read. Every organisation
// that endorses a transaction runs the same checks itself.
//
// A submit takes a pack of records. If the records refer to others, it also
// takes witnesses: the places of the others on the ledger. Either the ledger
// accepts all records of a pack, or none. It never changes or deletes a record.
//
// [New] makes the chaincode, and [Command] runs it as a service. The rules are
// in one file for each noun; submit.go applies them to a pack.
package chaincode

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// New makes the chaincode with its five contracts, which keep to a version of the rules.
func New(rules Rules) (*contractapi.ContractChaincode, error) {
	if err := rules.Known(); err != nil {
		return nil, err
	}
	contract := func(name, description string) reader { return contract(rules, name, description) }
	cc, err := contractapi.NewChaincode(
		&Events{contract("Events", "supply-chain steps: GS1 EPCIS 2.0 events")},
		&Artifacts{contract("Artifacts", "versions of datasets, models, code and documents")},
		&Activities{contract("Activities", "runs: what they used, generated and decided")},
		&Statements{contract("Statements", "claims about any record, artifact or thing")},
		&Members{contract("Members", "the organisations and their namespaces")},
	)
	if err != nil {
		return nil, fmt.Errorf("couldn't assemble the contracts: %w", err)
	}
	return cc, nil
}

func contract(rules Rules, name, description string) reader {
	r := reader{rules: rules}
	r.Name = name
	r.Info.Title = name
	r.Info.Description = description
	return r
}

// Events is the contract that records and reads EPCIS events.
type Events struct{ reader }

// Submit records a pack of events.
func (c *Events) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return submit(ctx.GetStub(), c.rules, record.NounEvent)
}

// Artifacts is the contract that records and reads artifact versions.
type Artifacts struct{ reader }

// Submit records a pack of artifact versions.
func (c *Artifacts) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return submit(ctx.GetStub(), c.rules, record.NounArtifact)
}

// Activities is the contract that records and reads runs.
type Activities struct{ reader }

// Submit records a pack of runs. The pack may also contain the artifact versions
// that the runs use or generate.
func (c *Activities) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return submit(ctx.GetStub(), c.rules, record.NounActivity, record.NounArtifact)
}

// Statements is the contract that records and reads claims.
type Statements struct{ reader }

// Submit records a pack of claims.
func (c *Statements) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return submit(ctx.GetStub(), c.rules, record.NounStatement)
}

// Members is the contract that records and reads organisations.
type Members struct{ reader }

// Submit records an organisation's description of itself. Only an administrator
// of that organisation may call it.
func (c *Members) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return submit(ctx.GetStub(), c.rules, record.NounMember)
}

// Command is the command that runs the chaincode as a service. Its settings are
// the environment variables of every Fabric chaincode that uses
// contract-api-go.
func Command() *cobra.Command {
	return &cobra.Command{
		Use:   "chaincode",
		Short: "Run the chaincode as a service, as any Fabric peer expects it",
		Long: `Run the chaincode as an external service ("chaincode as a service").

Settings come from the environment, as for any chaincode:

  CHAINCODE_SERVER_ADDRESS     where to listen, such as 127.0.0.1:9999
  CORE_CHAINCODE_ID_NAME       the package id that the peer printed at install
  CORE_PEER_TLS_ENABLED        true to speak TLS, with
  CORE_TLS_CLIENT_CERT_FILE    the service's certificate,
  CORE_TLS_CLIENT_KEY_FILE     its key, and
  CORE_PEER_TLS_ROOTCERT_FILE  the roots of the peers that may connect

The rules that it keeps to are those that the package's label names: "pedigree-rules-2" names version 2, and a label
that names none is for version 1. A newer program keeps to the old rules until the organisations commit a definition
with the version "rules-2" and each approves a package with such a label for it.

Run one for each organisation: an organisation that lets another run its
chaincode endorses what the other decides.

It prints nothing but its log, and runs until a signal ends it.`,
		Example: `  CHAINCODE_SERVER_ADDRESS=127.0.0.1:9999 CORE_CHAINCODE_ID_NAME=pedigree:5c1a… pedigree chaincode`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cc, err := New(RulesOfPackage(os.Getenv("CORE_CHAINCODE_ID_NAME")))
			if err != nil {
				return err
			}
			ended := make(chan error, 1)
			go func() { ended <- cc.Start() }()
			stop := make(chan os.Signal, 1)
			signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
			select {
			case err := <-ended:
				if err != nil {
					return fmt.Errorf("couldn't run the chaincode: %w", err)
				}
			case <-stop: // it has no state, so it can stop at once
			}
			return nil
		},
	}
}
