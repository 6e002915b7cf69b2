package chaincode

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-contract-api-go/v2/contractapi"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
)

// reader has the functions that all contracts share: those that read by id. It
// writes the JSON of the answers itself. The contract API would change the
// canonical bytes of the records in them.
type reader struct {
	contractapi.Contract
	rules Rules
}

// Reading is the answer of Read.
type Reading struct {
	ID         record.ID       `json:"id"`
	Record     json.RawMessage `json:"record"`
	Recordings []Recording     `json:"recordings"`
	More       bool            `json:"more,omitempty"` // there are more recordings than one page has
	// Named are the transactions that the reader named, as it named them.
	Named []string `json:"named,omitempty"`
}

// Recording says that an organisation recorded the record in a transaction. In
// an answer, recordings are sorted by the keys of their transactions, which is not
// the order of time. Who recorded first is decided by the order of the transactions on the
// ledger.
type Recording struct {
	Tx string `json:"tx"`
	record.Header
}

// maxPage is the most keys that one scan reads. Peers of this version can crash
// if the execution of a long scan times out.
const maxPage = 100

// Limits of one page of a list in bytes. A page ends early rather than to exceed them, and has one record at least. A
// record may be much longer than what it takes up in a block, and its pack longer still, for packs are compressed.
const (
	maxPageBytes  = 1 << 20 // of the records in the page
	maxPageOpened = 8 << 20 // of the packs that they are read from
)

// Read answers with the record that has an id. It lists the recordings with the lowest transaction ids, up to
// maxRecordings. An organisation that repeats the recording of another often enough fills that list. So a reader may
// name transactions, as a second argument with commas between them: their recordings are listed before these. Those
// that don't hold the record are not.
func (c *reader) Read(ctx contractapi.TransactionContextInterface, id string) (string, error) {
	parsed, err := record.ParseID(id)
	if err != nil {
		return "", refuse("bad_id", err.Error())
	}
	w := newWorld(ctx.GetStub())
	answer := Reading{ID: parsed}
	// The contract API has no optional arguments, and ignores those that a function doesn't take.
	if args := ctx.GetStub().GetArgs(); len(args) > 2 {
		if answer.Named, err = namedTransactions(string(args[2])); err != nil {
			return "", err
		}
	}
	places, err := w.named(parsed, answer.Named)
	if err != nil {
		return "", err
	}
	lowest, more, err := w.recordings(parsed)
	if err != nil {
		return "", err
	}
	answer.More = more
	for _, place := range lowest {
		if !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	if len(places) == 0 {
		return "", refuse("not_found", fmt.Sprintf("%s is not on the ledger", id))
	}
	slices.SortFunc(places, func(a, b record.Place) int {
		return strings.Compare(record.PackKey(a.Tx), record.PackKey(b.Tx))
	})
	if answer.Record, _, err = w.body(places[0]); err != nil {
		return "", err
	}
	for _, place := range places { // all have the same body
		header, err := w.header(place.Tx)
		if err != nil {
			return "", err
		}
		answer.Recordings = append(answer.Recordings, Recording{place.Tx, header})
	}
	return encode(answer)
}

// namedTransactions reads the names of transactions. Each is 64 lower-case hexadecimal digits.
func namedTransactions(text string) ([]string, error) {
	named := strings.Split(text, ",")
	if len(named) > maxRecordings {
		return nil, refuse("too_many", fmt.Sprintf("at most %d transactions can be named", maxRecordings))
	}
	for i, tx := range named {
		raw, err := hex.DecodeString(tx)
		if err != nil || len(raw) != 32 || hex.EncodeToString(raw) != tx || slices.Contains(named[:i], tx) {
			return nil, refuse("bad_id", fmt.Sprintf("%q is no id of a transaction, or stands twice", record.Brief(tx)))
		}
	}
	return named, nil
}

// named lists the places of a record in those of some transactions that hold it.
func (w *world) named(id record.ID, txs []string) ([]record.Place, error) {
	var places []record.Place
	for _, tx := range txs {
		key := record.PointerKey(id, tx)
		if value, err := w.get(key); err != nil || value == nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		alike, err := w.follow(id, key)
		if err != nil {
			return nil, err
		}
		if place := (record.Place{ID: id, Tx: tx}); slices.Contains(alike, place) {
			places = append(places, place)
		}
	}
	return places, nil
}

// Exists answers whether a record is on the ledger: true or false.
func (c *reader) Exists(ctx contractapi.TransactionContextInterface, id string) (string, error) {
	parsed, err := record.ParseID(id)
	if err != nil {
		return "", refuse("bad_id", err.Error())
	}
	places, _, err := newWorld(ctx.GetStub()).recordings(parsed)
	if err != nil {
		return "", err
	}
	return encode(len(places) > 0)
}

// GetEvaluateTransactions tells the contract API which functions only read.
func (c *reader) GetEvaluateTransactions() []string {
	return []string{"Read", "Exists", "Resolve", "Versions", "About", "List", "Namespace"}
}

// maxRecordings is the largest number of pointers that Read follows for one record.
const maxRecordings = 16

// recordings follows the pointers of a record to the transactions that contain
// it. It also reports whether there are more pointers than it follows.
func (w *world) recordings(id record.ID) (places []record.Place, more bool, err error) {
	var keys []string
	next, err := scan(w.stub, record.PointerPrefix(id), maxRecordings, "", func(key string, _ []byte) error {
		keys = append(keys, key)
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	for _, key := range keys {
		alike, err := w.follow(id, key)
		if err != nil {
			return nil, false, err
		}
		places = append(places, alike...)
	}
	return places, next != "", nil
}

// follow follows a pointer of a record to the transactions that contain it: one, unless several have ids that begin
// alike.
func (w *world) follow(id record.ID, pointer string) ([]record.Place, error) {
	prefix, ok := record.PackPrefixOf(pointer)
	if !ok {
		return nil, fmt.Errorf("the key %s is no pointer", pointer)
	}
	var alike []record.Place
	_, err := scan(w.stub, prefix, maxAlike, "", func(key string, _ []byte) error {
		tx, ok := record.ParsePackKey(key)
		if !ok {
			return fmt.Errorf("the key %s is no pack's", key)
		}
		alike = append(alike, record.Place{ID: id, Tx: tx})
		return nil
	})
	if err != nil || len(alike) < 2 {
		return alike, err
	}
	var places []record.Place // the pointer doesn't say which of them contains it
	for _, place := range alike {
		switch _, _, err := w.body(place); {
		case errors.Is(err, errNotRecorded):
		case err != nil:
			return nil, err
		default:
			places = append(places, place)
		}
	}
	return places, nil
}

// maxAlike is the largest number of transactions read for one pointer. Several
// have ids that begin alike only if somebody made them so, at great cost.
const maxAlike = 4

// scan calls each for one page of the keys with a prefix. It returns the
// bookmark of the next page, or "" after the last.
func scan(
	stub shim.ChaincodeStubInterface,
	prefix string,
	size int,
	bookmark string,
	each func(key string, value []byte) error,
) (string, error) {
	end := after(prefix)
	// The shim panics if it has to send text that isn't UTF-8 to the peer.
	if bookmark != "" && (!strings.HasPrefix(bookmark, prefix) || !utf8.ValidString(bookmark)) {
		return "", refuse("bad_bookmark", "the bookmark is none of this list")
	}
	rows, meta, err := stub.GetStateByRangeWithPagination(prefix, end, int32(size), bookmark)
	if err != nil {
		return "", fmt.Errorf("couldn't read a page of keys: %w", err)
	}
	defer rows.Close()
	n := 0
	for rows.HasNext() {
		row, err := rows.Next()
		if err != nil {
			return "", fmt.Errorf("couldn't read a page of keys: %w", err)
		}
		n++
		if err := each(row.Key, row.Value); err != nil {
			return "", err
		}
	}
	if n < size {
		return "", nil
	}
	return meta.GetBookmark(), nil
}

// Page is one page of a list.
type Page struct {
	Items    []Reading `json:"items"`
	Bookmark string    `json:"bookmark,omitempty"` // of the next page
}

// list answers with one page of the records whose places are under a prefix.
func list(
	stub shim.ChaincodeStubInterface,
	prefix string,
	size int,
	bookmark string,
	place func(key string, value []byte) (record.Place, error),
) (string, error) {
	if size < 1 || size > maxPage {
		return "", refuse("bad_page", fmt.Sprintf("a page has 1 to %d items", maxPage))
	}
	page := Page{Items: []Reading{}}
	w := newWorld(stub)
	var places []record.Place
	var keys []string
	next, err := scan(stub, prefix, size, bookmark, func(key string, value []byte) error {
		p, err := place(key, value)
		places, keys = append(places, p), append(keys, key)
		return err
	})
	if err != nil {
		return "", err
	}
	answered := 0
	for i, p := range places {
		if i > 0 && w.opened > maxPageOpened { // the packs of the records so far are large: end the page here
			next = keys[i]
			break
		}
		reading, err := readAt(w, p)
		if err != nil {
			return "", err
		}
		if answered += len(reading.Record); i > 0 && answered > maxPageBytes {
			next = keys[i]
			break
		}
		page.Items = append(page.Items, reading)
	}
	page.Bookmark = next
	return encode(page)
}

// readAt reads the record at a place that a key of the ledger gives.
func readAt(w *world, p record.Place) (Reading, error) {
	body, header, err := w.body(p)
	if errors.Is(err, errNotRecorded) {
		return Reading{}, fmt.Errorf("the record %s is not where its key says", p.ID)
	}
	if err != nil {
		return Reading{}, err
	}
	return Reading{ID: p.ID, Record: body, Recordings: []Recording{{p.Tx, header}}}, nil
}

// encode writes JSON without escapes for HTML. They would change the bytes of
// the records inside.
func encode(answer any) (string, error) {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		return "", fmt.Errorf("couldn't encode an answer: %w", err)
	}
	return strings.TrimSuffix(text.String(), "\n"), nil
}

func placeIn(_ string, value []byte) (record.Place, error) {
	var p record.Place
	if err := json.Unmarshal(value, &p); err != nil {
		return p, fmt.Errorf("couldn't read a place: %w", err)
	}
	return p, nil
}

// Resolve answers with the record of an artifact version.
func (c *Artifacts) Resolve(ctx contractapi.TransactionContextInterface, ref string) (string, error) {
	if _, err := record.ParseArtifactRef(ref); err != nil {
		return "", refuse("bad_id", err.Error())
	}
	w := newWorld(ctx.GetStub())
	var place record.ArtifactPlace
	found, err := w.getJSON(record.ArtifactKey(ref), &place)
	if err != nil {
		return "", err
	}
	if !found {
		return "", refuse("not_found", fmt.Sprintf("%s is not registered", ref))
	}
	reading, err := readAt(w, place.Place)
	if err != nil {
		return "", err
	}
	return encode(reading)
}

// Versions answers with a page of the versions of kind/namespace/name, in the
// order of the bytes of their versions.
func (c *Artifacts) Versions(
	ctx contractapi.TransactionContextInterface,
	series string,
	size int,
	bookmark string,
) (string, error) {
	if _, err := record.ParseArtifactRef(series + "@0"); err != nil {
		return "", refuse("bad_id", err.Error())
	}
	return list(ctx.GetStub(), record.ArtifactKey(series+"@"), size, bookmark, placeIn)
}

// About answers with a page of the statements about a node.
func (c *Statements) About(
	ctx contractapi.TransactionContextInterface,
	node string,
	size int,
	bookmark string,
) (string, error) {
	spelled, _, err := record.ParseNode(node)
	if err != nil {
		return "", refuse("bad_id", err.Error())
	}
	return list(
		ctx.GetStub(),
		record.AboutPrefix(spelled),
		size,
		bookmark,
		func(key string, value []byte) (record.Place, error) {
			parts := strings.Split(key, "/")
			if len(parts) != 5 {
				return record.Place{}, fmt.Errorf("the key %s is none of a statement", key)
			}
			tx, ok := record.ParsePackKey(record.PackPrefix + parts[2])
			if !ok {
				return record.Place{}, fmt.Errorf("the key %s has no transaction", key)
			}
			return record.Place{ID: record.ID(value), Tx: tx}, nil
		},
	)
}

// List answers with a page of the members, in the order of their MSP ids.
func (c *Members) List(ctx contractapi.TransactionContextInterface, size int, bookmark string) (string, error) {
	return list(ctx.GetStub(), record.MemberKey(""), size, bookmark, placeIn)
}

// Namespace answers with the MSP id of the organisation that owns a namespace,
// or "" if nobody does.
func (c *Members) Namespace(ctx contractapi.TransactionContextInterface, namespace string) (string, error) {
	if _, err := record.ParseArtifactRef("dataset/" + namespace + "/any@0"); err != nil {
		return "", refuse("bad_id", err.Error())
	}
	value, err := ctx.GetStub().GetState(record.NamespaceKey(namespace))
	if err != nil {
		return "", fmt.Errorf("couldn't read a namespace: %w", err)
	}
	return encode(string(value))
}
