package browser

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/verify/prepared"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
	"github.com/pedigree-ledger/pedigree/network"
)

// hasKey makes a key in the browser and has Lab's authority certify it under a name, as a person and the operator do.
func (b *tab) hasKey(name string) {
	b.t.Helper()
	b.open("/key")
	b.write("#key-name", "whoever")
	b.press(enter)
	b.sees("2. Have it certified")
	made, err := network.AddUser(b.t.Context(), network.User{Dir: filepath.Join(dir, "lab"), Name: name, Role: "submitter", Days: 1, Request: []byte(b.text("#key-csr"))})
	require.NoError(b.t, err)
	certificate, err := os.ReadFile(filepath.Join(made, "cert.pem"))
	require.NoError(b.t, err)
	b.do(evaluate(fmt.Sprintf(`document.getElementById("key-certificate").value = %q`, certificate)))
	b.follow("Load it")
	b.sees("This browser signs as " + name)
}

// dataset registers a dataset of Lab, and returns its name.
func dataset(t *testing.T) string {
	t.Helper()
	version := unique()
	register(t, "lab", "signed", version, "")
	return "dataset/lab/signed@" + version
}

// proved is who signed a record, as its proof says.
func (b *tab) proved(id string) string {
	b.t.Helper()
	var p *proof.Proof
	var err error
	require.Eventually(b.t, func() bool { // other organisations' peers may not have it yet
		p, err = proof.Parse(b.download("/v1/records/" + url.PathEscape(id) + "/proof?level=block"))
		return err == nil
	}, patience, patience/60)
	verdict, err := proof.Verify(p, trusted(b.t), proof.Wanted{ID: record.ID(id), Level: proof.LevelBlock})
	require.NoError(b.t, err)
	return record.SignerName(verdict.Records[0].Recordings[0].Subject)
}

// recordShown is the id of the record that the window shows.
func (b *tab) recordShown() string {
	b.t.Helper()
	b.arrives("/records/ni")
	id, err := url.PathUnescape(strings.TrimPrefix(b.path(), "/records/"))
	require.NoError(b.t, err)
	return id
}

func TestAPersonRecallsAndTakesBackWithAKeyThatTheBrowserKeeps(t *testing.T) {
	about := dataset(t)
	b := member(t, "lab", "submitter")
	b.open("/")
	b.follow("Your key")
	b.sees("1. Make a key")
	b.looks("key")
	b.hasKey("Grace Hopper")
	b.looks("key-own")
	assert.True(t, eval[bool](b, `pedigreeSign.load().then(own => crypto.subtle.exportKey("pkcs8", own.pair.privateKey)).then(() => false, () => true)`),
		"no script gets the key")

	b.open("/artifacts/" + about)
	b.follow("Recall it")
	b.arrives("/state?kind=recall")
	b.sees("Nothing on the ledger came of it.")
	b.sees("Grace Hopper, with the key in this browser")
	b.looks("state-recall")
	b.write("#state-reason", "logger 9 read \"too\" <warm> & dear")
	b.follow("Recall it")
	recall := b.recordShown()
	b.sees("Grace Hopper")
	b.looks("record-signed")
	assert.Equal(t, "Grace Hopper", b.proved(recall))
	b.open("/")
	b.sees("signed by Grace Hopper of")

	b.open("/records/" + url.PathEscape(recall))
	b.follow("Take it back")
	b.sees("Grace Hopper, with the key in this browser")
	b.write("#state-reason", "it was logger 8")
	b.press(kb.Tab + kb.Tab + enter) // past the choice of who signs
	retraction := b.recordShown()
	assert.NotEqual(t, recall, retraction)
	assert.Equal(t, "Grace Hopper", b.proved(retraction))
	b.open("/key")
	b.follow("Remove the key")
	b.follow("Remove it from this browser")
	b.sees("1. Make a key")
}

func TestTheGatewaySignsForThoseWithoutAKey(t *testing.T) {
	about := dataset(t)
	b := member(t, "lab", "submitter")
	b.withoutScripts()
	b.open("/state?kind=recall&about=" + url.QueryEscape(about))
	b.write("#state-reason", "without scripts")
	b.click("#state button")
	b.arrives("/records/ni")
	assert.Equal(t, "without scripts", b.text("h1 + p"))

	harbor := member(t, "harbor", "submitter")
	harbor.open("/state?kind=approval&about=" + url.QueryEscape(about))
	harbor.sees("Sign with a key of your own")
	harbor.looks("state-approval")
	harbor.write("#state-scope", "for the test")
	harbor.follow("Approve it")
	assert.Contains(t, harbor.proved(harbor.recordShown()), "submitter")
}

// lies are what a gateway may answer so that something else is signed: a route, and what is done to its answer.
var lies = map[string]struct{ path, lie string }{
	"it is recorded already, elsewhere": {"/v1/prepare", `said.recorded = {id: "ni:///sha-256;" + "0".repeat(64), tx: "00"}`},
	"the place of something else":       {"/v1/prepare", `said.witnesses = {"dataset/lab/other@1": {id: "ni:///sha-256;" + "0".repeat(64), tx: "0".repeat(64)}}`},
	"no place at all":                   {"/v1/prepare", `said.witnesses = {[about]: {id: "x", tx: "y"}}`},
	"the proposal for a transaction":    {"/v1/endorse", `said.payload = sent.proposal`},
	"another reason":                    {"/v1/endorse", `swap("meant", "taken")`},
	"another person":                    {"/v1/endorse", `swap("CN=Alan Turing", "CN=Elsa Turing")`},
	"another organisation":              {"/v1/endorse", `swap("LabMSP\",\"subject", "FabMSP\",\"subject")`},
	"another function":                  {"/v1/endorse", `swap("Statements:Submit", "Statements:Sublet")`},
	"another chaincode":                 {"/v1/endorse", `swap("\x12\x08pedigree", "\x12\x08pedigrue")`},
	"another kind":                      {"/v1/endorse", `swap("predicate/recall/v1", "predicate/rescue/v1")`},
	"a key that nobody asked for":       {"/v1/endorse", `swap("/000000/000000", "/000000/000001")`},
	"what is cut off":                   {"/v1/endorse", `said.payload = btoa(atob(said.payload).slice(0, -1))`},
	"something behind it":               {"/v1/endorse", `said.payload = btoa(atob(said.payload) + "\x1a\x01x")`},
	"nothing":                           {"/v1/endorse", `said.payload = ""`},
	"an older transaction":              {"/v1/endorse", `if (!older) { said.payload = "" } else { said.payload = older }`},
}

func TestABrowserSignsNothingButWhatThePersonMeans(t *testing.T) {
	about := dataset(t)
	b := member(t, "lab", "submitter")
	b.hasKey("Alan Turing")
	older := ""
	for name, one := range lies {
		b.open("/state?kind=recall&about=" + url.QueryEscape(about))
		b.sees("Alan Turing, with the key in this browser")
		b.do(evaluate(fmt.Sprintf(`(() => {
			const honest = fetch, about = %q, older = %q;
			window.sent = []; window.told = ""; window.changed = false;
			window.fetch = async (path, init) => {
				const answer = await honest(path, init), sent = JSON.parse(init.body), said = await answer.clone().json();
				window.sent.push(path);
				if (path === "/v1/endorse") window.told = said.payload ?? "";
				if (path !== %q) return answer;
				const before = JSON.stringify(said);
				const swap = (from, to) => { said.payload = btoa(atob(said.payload).replace(from, to)); };
				%s;
				window.changed = JSON.stringify(said) !== before;
				return new Response(JSON.stringify(said), {status: answer.status});
			};
		})()`, about, older, one.path, one.lie)))
		b.write("#state-reason", "meant "+unique())
		b.follow("Recall it")
		b.sees("Nothing was signed")
		assert.True(t, eval[bool](b, `window.changed`), "%s: no lie was told", name)
		assert.NotContains(t, eval[[]string](b, `window.sent`), "/v1/submit", name)
		older = eval[string](b, `window.told`)
	}
}

func TestTheScriptMakesTheBytesThatTheProgramMakes(t *testing.T) {
	b := member(t, "lab", "submitter")
	b.open("/key")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for _, subject := range []pkix.Name{
		{CommonName: "Ada"},
		{CommonName: `#1, "Ada" <ada@lab>; a+b\c `, OrganizationalUnit: []string{"client", "people"}, Organization: []string{"Läb"}},
		{CommonName: " Ada", OrganizationalUnit: []string{"u"}, Organization: []string{"o"}, Country: []string{"NO"}, Locality: []string{"Bodø"}, Province: []string{"N"}, StreetAddress: []string{"S"}, PostalCode: []string{"1"}, SerialNumber: "7"},
	} {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(4e9, 0)}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
		require.NoError(t, err)
		certificate, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		var read struct {
			PEM, Subject string
			From, Until  int64
		}
		answer := eval[string](b, fmt.Sprintf(`JSON.stringify(pedigreeSign.readCertificate(%q))`, text))
		require.NoError(t, json.Unmarshal([]byte(answer), &read))
		assert.Equal(t, text, read.PEM)
		assert.Equal(t, certificate.Subject.String(), read.Subject)
		assert.Equal(t, []int64{0, 4e12}, []int64{read.From, read.Until})
	}

	claim := string(record.Sum([]byte("{}")))
	for _, one := range []struct{ kind, about, digest, predicate string }{
		{"recall", "https://id.gs1.org/01/09521321000018/10/A", "", `{"instructions":"höld \"it\"","reason":"line\n\u2028 <&> 🐟"}`},
		{"recall", "dataset/lab/readings@1", strings.Repeat("ab", 32), `{"reason":"x"}`},
		{"retraction", claim, "", `{"reason":"x"}`},
		{"approval", claim, "", `{}`},
	} {
		nonce := make([]byte, prepared.NonceBytes)
		_, err := rand.Read(nonce)
		require.NoError(t, err)
		at := time.Now().UTC().Truncate(time.Second)
		witnesses, err := json.Marshal(map[string]record.Place{one.about: {ID: record.ID(claim), Tx: strings.Repeat("0", 64)}})
		require.NoError(t, err)
		made := eval[string](b, fmt.Sprintf(`(async () => {
			const own = {mspId: "LabMSP", channel: "pedigree", chaincode: "ped", certificate: "-cert-"}, intent = {kind: %q, about: %q, predicate: %s};
			const body = await pedigreeSign.statement(own, intent, %q);
			const p = await pedigreeSign.propose({own, nonce: pedigreeSign.unbase64(%q), seconds: %d, body, witnesses: pedigreeSign.places(%s, intent.about)});
			return pedigreeSign.base64(p.bytes);
		})()`, one.kind, one.about, one.predicate, one.digest, base64.StdEncoding.EncodeToString(nonce), at.Unix(), witnesses))
		text, err := base64.StdEncoding.DecodeString(made)
		require.NoError(t, err)
		p, err := prepared.ReadProposal(text)
		require.NoError(t, err, "it is in the one form that the program makes")
		creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: "LabMSP", IdBytes: []byte("-cert-")})
		require.NoError(t, err)
		pack := p.Pack
		p.Request.Pack = nil
		assert.Equal(t, prepared.Request{Channel: "pedigree", Chaincode: "ped", Function: "Statements:Submit", Args: [][]byte{witnesses},
			Creator: creator, Nonce: nonce, Time: at}, p.Request)
		bodies, err := record.Unpack(pack, record.PackLimits{})
		require.NoError(t, err)
		short, err := canonical.Parse([]byte(fmt.Sprintf(`{"kind":%q,"subject":[%q],"predicate":%s}`, one.kind, one.about, one.predicate)), canonical.Limits{})
		require.NoError(t, err)
		want, problems := record.NewStatement(short, "LabMSP", func(string) string { return one.digest })
		require.Empty(t, problems)
		require.Len(t, bodies, 1)
		assert.Equal(t, string(want.Body), string(bodies[0]))
	}
}
