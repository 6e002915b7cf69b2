package network

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"
	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/spf13/cobra"

	"github.com/pedigree-ledger/pedigree/gateway/config"
)

// The tests run a real network whose program is the test binary itself. Depending on how the network starts it, it is a
// builder, a small chaincode, or a gateway that only says whether it is ready.
func TestMain(m *testing.M) {
	if handled, code := Builder(os.Args); handled {
		os.Exit(code)
	}
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "chaincode":
			exitWith(runTestChaincode())
		case "serve":
			exitWith(runTestGateway(os.Args[3]))
		case "up", "down", "status", "certs", "renew", "reset", "node", "org":
			root := &cobra.Command{SilenceUsage: true}
			root.AddCommand(Up(), Down(), Status(), Certs(), Renew(), Reset(), NodeCommand(), OrgCommand())
			exitWith(root.Execute())
		}
	}
	code := m.Run()
	if shared.network != nil {
		if err := shared.network.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

func exitWith(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A notebook is the chaincode for these tests.
type notebook struct{ contractapi.Contract }

func (*notebook) Write(ctx contractapi.TransactionContextInterface, key, text string) error {
	return ctx.GetStub().PutState(key, []byte(text))
}

func (*notebook) Read(ctx contractapi.TransactionContextInterface, key string) (string, error) {
	text, err := ctx.GetStub().GetState(key)
	return string(text), err
}

func runTestChaincode() error {
	chaincode, err := contractapi.NewChaincode(&notebook{})
	if err != nil {
		return err
	}
	return chaincode.Start()
}

func runTestGateway(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var c config.Config
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	members := http.NewServeMux()
	members.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	members.HandleFunc("POST /v1/members", func(w http.ResponseWriter, r *http.Request) {
		var member struct {
			Name       string   `json:"name"`
			Namespaces []string `json:"namespaces"`
		}
		if json.NewDecoder(r.Body).Decode(&member) != nil || member.Name == "" || len(member.Namespaces) != 1 ||
			r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusCreated)
	})
	return http.ListenAndServe(c.Listen, members)
}

// shared is the network that most tests use. Tests that break it repair it.
var shared struct {
	dir     string
	network *Network
	err     error
}

func sharedNetwork(t *testing.T) *Network {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a real network, which -short leaves out")
	}
	if shared.dir == "" {
		shared.dir, shared.err = os.MkdirTemp("", "pedigree network ") // with spaces, as in many people's folders
		if shared.err == nil {
			shared.network, shared.err = Start(context.Background(), Options{Dir: filepath.Join(shared.dir, "net"),
				Out: os.Stderr})
		}
	}
	if shared.err != nil {
		t.Fatalf("couldn't start the network that the tests share: %v", shared.err)
	}
	return shared.network
}

// write records a note through an organisation's peer and waits for its commit.
func (n *Network) write(ctx context.Context, org int, key, text string) error {
	return eventually(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		_, err := n.clients[org].network.GetContract(n.plan.Chaincode).SubmitWithContext(ctx, "Write",
			client.WithArguments(key, text))
		return explain(err)
	})
}

// read returns a note from an organisation's peer.
func (n *Network) read(ctx context.Context, org int, key string) (string, error) {
	text, err := n.clients[org].network.GetContract(n.plan.Chaincode).EvaluateWithContext(ctx, "Read",
		client.WithArguments(key), client.WithEndorsingOrganizations(n.plan.Orgs[org].MSPID))
	return string(text), explain(err)
}

func awaitNote(ctx context.Context, n *Network, org int, key, want string) error {
	return eventually(ctx, func(ctx context.Context) error {
		got, err := n.read(ctx, org, key)
		if err == nil && got != want {
			err = fmt.Errorf("%s reads %q under %q", n.plan.Orgs[org].Title, got, key)
		}
		return err
	})
}
