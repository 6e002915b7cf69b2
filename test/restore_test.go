package test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/chaincode"
	"github.com/pedigree-ledger/pedigree/gateway/cli/client"
	"github.com/pedigree-ledger/pedigree/network"
)

// TestABurntOrganisationIsRestored makes a backup of an organisation whose gateway can't reach a majority, burns the
// organisation's folder, and restores it. The organisation then has what the ledger has, and what its gateway had
// acknowledged before the backup. What was acknowledged later, and hadn't reached the ledger, is unknown.
func TestABurntOrganisationIsRestored(t *testing.T) {
	home := t.TempDir()
	options := network.Options{Dir: filepath.Join(home, "network"), Executable: program}
	n, err := network.Start(t.Context(), options)
	require.NoError(t, err)
	defer func() { assert.NoError(t, n.Stop()) }()
	tell := func(args ...string) string {
		out, err := exec.Command(program, args...).CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	lab := func() *client.Client { return in(t, n.Dir(), "lab", "submitter") }
	send := func(thing string) string {
		job, err := lab().Capture(t.Context(), []byte(`{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
			"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T00:00:00Z","epcisBody":{"eventList":[
			{"type":"ObjectEvent","eventID":"urn:uuid:00000000-0000-4000-8000-00000000000`+thing+`",
			"eventTime":"2026-03-01T06:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE",
			"epcList":["urn:epc:id:sscc:9520001.000000000`+thing+`"]}]}}`), false)
		require.NoError(t, err)
		return job.ID
	}
	finished := func(job string) {
		t.Helper()
		done, err := lab().Await(t.Context(), job, nil)
		require.NoError(t, err)
		require.True(t, done.Success, "%+v", done)
	}
	runs := func() string {
		var list json.RawMessage
		get(t, lab(), "/v1/runs", nil, &list)
		return string(list)
	}

	finished(send("1"))
	var report client.LineageReport
	require.NoError(t, lab().SendLineage(t.Context(), []json.RawMessage{rawJSON(`{"eventType":"START",
		"eventTime":"2026-03-01T06:00:00Z","producer":"https://example.com/p","schemaURL":
		"https://openlineage.io/spec/2-0-2/OpenLineage.json#/definitions/RunEvent",
		"run":{"runId":"0195a0c8-0000-7000-8000-000000000001"},"job":{"namespace":"lab","name":"train"}}`)}, &report))
	require.Contains(t, runs(), "0195a0c8-0000-7000-8000-000000000001")

	require.NoError(t, n.Hold(chaincode.Newest().Label("harbor-chaincode")))
	require.NoError(t, n.Hold(chaincode.Newest().Label("market-chaincode")))
	before := send("2")
	key, file := filepath.Join(home, "backup.key"), filepath.Join(home, "lab.backup")
	public, err := exec.Command(program, "backup", "key", key).Output()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(key+".pub", public, 0o600))
	tell("backup", "--dir", n.Dir(), "--organisation", "lab", "--recipients", key+".pub", file)
	after := send("3")

	require.NoError(t, n.Stop())
	require.NoError(t, os.RemoveAll(filepath.Join(n.Dir(), "lab")))
	said := tell("restore", "--dir", n.Dir(), "--identity", key, file)
	assert.Contains(t, said, "send it again")
	n, err = network.Start(t.Context(), options)
	require.NoError(t, err)

	finished(before)
	_, err = lab().Await(t.Context(), after, nil)
	assert.Equal(t, http.StatusNotFound, refused(t, err).Status)
	finished(send("3"))
	assert.Contains(t, runs(), "0195a0c8-0000-7000-8000-000000000001")
	times, err := recorded(t, lab())
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"urn:uuid:00000000-0000-4000-8000-000000000001": 1,
		"urn:uuid:00000000-0000-4000-8000-000000000002": 1, "urn:uuid:00000000-0000-4000-8000-000000000003": 1}, times)

	trust := filepath.Join(home, "consortium.json")
	exported, err := exec.Command(program, "trust", "export", "--dir", n.Dir()).Output()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(trust, exported, 0o600))
	for _, org := range n.Orgs() {
		assert.Contains(t, tell("audit", "--dir", n.Dir(), "--as", org.Name, "--trust", trust), "Nothing is wrong.")
	}
}
