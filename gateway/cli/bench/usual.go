package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	fabric "github.com/hyperledger/fabric-gateway/pkg/client"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/epcis"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/network"
)

// usual is the program that this one is compared with: a REST program over Fabric as they usually are. Each request is
// one event. Fabric's own client submits it in a transaction of its own, and the request is answered once the
// transaction is committed. It has no queue and no index, but checks and writes the same as the gateway. It runs in
// this process.
type usual struct {
	ledger  *reader // with the connection and the identity of a submitter
	server  *http.Server
	client  *http.Client
	address string
}

func (r *run) openUsual() (*usual, error) {
	connection, err := connect(r.network, r.network.Orgs()[0], network.Submitter)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		connection.close()
		return nil, fmt.Errorf("couldn't listen for the usual way: %w", err)
	}
	u := &usual{ledger: connection, address: "http://" + listener.Addr().String()}
	u.server = &http.Server{Handler: http.HandlerFunc(u.serve), ReadHeaderTimeout: time.Minute}
	u.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: r.options.Clients}, Timeout: time.Minute}
	go func() { _ = u.server.Serve(listener) }() // ends with close
	return u, nil
}

func (u *usual) close() {
	u.client.CloseIdleConnections()
	_ = u.server.Close()
	u.ledger.close()
}

// record sends an event and waits for the answer.
func (u *usual) record(event []byte) error {
	response, err := u.client.Post(u.address, "application/json", bytes.NewReader(event))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusCreated {
		err = fmt.Errorf("status %d: %s", response.StatusCode, answer)
	}
	return err
}

func (u *usual) serve(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	pack, id, err := packEvent(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := u.submit(request.Context(), pack); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]string{"id": string(id)}) // the client may have gone
}

// packEvent checks an event and makes a pack that contains only this event.
func packEvent(body []byte) ([]byte, record.ID, error) {
	doc, err := canonical.Parse(body, canonical.Limits{})
	if err != nil {
		return nil, "", err
	}
	events, problems := epcis.Document(doc)
	if len(problems) > 0 || len(events) != 1 {
		return nil, "", fmt.Errorf("the request isn't one event (%d problems)", len(problems))
	}
	r, found := record.NewEvent(events[0].Event, events[0].Context)
	if len(found) > 0 {
		return nil, "", record.Reject(found)
	}
	pack, err := record.Pack([][]byte{r.Body})
	return pack, r.ID, err
}

func (u *usual) submit(ctx context.Context, pack []byte) error {
	proposal, err := u.ledger.channel.GetContract(network.ChaincodeName).NewProposal("Events:Submit",
		fabric.WithTransient(map[string][]byte{record.TransientPack: pack}))
	if err != nil {
		return err
	}
	transaction, err := proposal.EndorseWithContext(ctx)
	if err != nil {
		return err
	}
	commit, err := transaction.SubmitWithContext(ctx)
	if err != nil && strings.Contains(err.Error(), "request already processed") {
		// The leader had already processed this transaction, which it got from another orderer before it came from the
		// peer. That is not a refusal.
		commit, err = u.ledger.commitOf(transaction.TransactionID())
	}
	if err != nil {
		return err
	}
	status, err := commit.StatusWithContext(ctx)
	if err == nil && !status.Successful {
		err = errors.New("the transaction is invalid: " + status.Code.String())
	}
	return err
}
