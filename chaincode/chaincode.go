// Package chaincode is what the ledger accepts. One contract for each noun
// takes records, checks everything that makes a record acceptable, and answers
// reads; every organisation that endorses runs the same checks by itself.
//
// A submit carries a pack of records (see package record) and, for records
// that refer to others, witnesses: where on the ledger the others lie. It is
// all or nothing. Nothing is ever updated or deleted.
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

// New makes the chaincode with its five contracts.
func New() (*contractapi.ContractChaincode, error) {
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

func contract(name, description string) reader {
	var r reader
	r.Name = name
	r.Info.Title = name
	r.Info.Description = description
	return r
}

// Events takes and reads EPCIS events.
type Events struct{ reader }

// Submit records a pack of events.
func (c *Events) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return submit(ctx.GetStub(), record.NounEvent)
}

// Artifacts takes and reads artifact versions.
type Artifacts struct{ reader }

// Submit records a pack of artifact versions.
func (c *Artifacts) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return submit(ctx.GetStub(), record.NounArtifact)
}

// Activities takes and reads runs.
type Activities struct{ reader }

// Submit records a pack of runs, together with the artifact versions that they
// generate or use, where these are new.
func (c *Activities) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return submit(ctx.GetStub(), record.NounActivity, record.NounArtifact)
}

// Statements takes and reads claims.
type Statements struct{ reader }

// Submit records a pack of claims.
func (c *Statements) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return submit(ctx.GetStub(), record.NounStatement)
}

// Members takes and reads who is who.
type Members struct{ reader }

// Submit records how organisations introduce themselves. Only an
// administrator of the organisation may call it.
func (c *Members) Submit(ctx contractapi.TransactionContextInterface) (string, error) {
	return submit(ctx.GetStub(), record.NounMember)
}

// Command runs the chaincode as a service. Its settings are the environment
// variables of every Fabric chaincode written with contract-api-go.
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

Run one for each organisation: an organisation that lets another run its
chaincode endorses what the other decides.

It prints nothing but its log, and runs until a signal ends it.`,
		Example: `  CHAINCODE_SERVER_ADDRESS=127.0.0.1:9999 CORE_CHAINCODE_ID_NAME=pedigree:5c1a… pedigree chaincode`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cc, err := New()
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
			case <-stop: // it keeps nothing, so there is nothing to finish
			}
			return nil
		},
	}
}
