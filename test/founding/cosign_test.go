package founding

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pedigree-ledger/pedigree/gateway/config"
	"github.com/pedigree-ledger/pedigree/gateway/verify/cosigned"
	build "github.com/pedigree-ledger/pedigree/test/program"
)

// Two organisations that share no key found a trial network. Nobody tells a gateway where the other one is.
func TestGatewaysFindEachOther(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a network")
	}
	require.NoError(t, build.Look("../.."))
	home := t.TempDir()
	program, err := build.Build("../..", home)
	require.NoError(t, err)
	f := &founding{t: t, program: program, home: home, base: map[string]int{}, nodes: map[string]*node{},
		urls: map[string]string{}, newer: map[string]string{}}
	names := []string{"harbor", "lab"}
	base := build.FreePorts()
	for i, name := range names {
		f.base[name] = freeAfter(base)
		base = f.base[name] + 12
		require.NoError(t, os.Mkdir(filepath.Join(home, name), 0o700))
		f.run(name, "pedigree org init "+name+" --name "+name+" --host ledger."+name+".example --orderers "+strconv.Itoa(1-i))
		f.run(name, "pedigree org card "+name+" > "+name+".json")
	}
	f.send("lab", "harbor", "lab.json")
	f.run("harbor", "pedigree charter new harbor.json lab.json --trial > charter.json")
	f.run("harbor", "pedigree charter sign charter.json --org harbor")
	f.send("harbor", "lab", "charter.json")
	f.run("lab", "pedigree charter sign charter.json --org lab")
	f.send("lab", "harbor", "charter.json")
	for _, name := range names {
		f.nodes[name] = f.launch(name, "pedigree node start harbor --charter charter.json --listen :"+strconv.Itoa(f.base[name]+3))
	}
	for _, name := range names {
		f.urls[name] = f.ready(f.nodes[name])
	}
	t.Setenv("PEDIGREE_CA", filepath.Join(home, "harbor", "harbor", "harbor", "tlsca", "cert.pem"))

	var answer string
	require.Eventually(t, func() bool {
		answer, err = f.try("harbor", "auditor", "ask", "--cosigned", "2", "/v1/statements?kind=recall")
		if err != nil {
			return false
		}
		signed, err := cosigned.Parse([]byte(answer))
		return err == nil && len(signed.Agree()) == 2
	}, time.Minute, 100*time.Millisecond, "%s %v", &answer, &err)
	text, err := os.ReadFile(filepath.Join(home, "harbor", "harbor", "harbor", "gateway.json"))
	require.NoError(t, err)
	var c config.Config
	require.NoError(t, json.Unmarshal(text, &c))
	assert.Empty(t, c.Cosigners, "nobody has told it")
	members := f.as("harbor", "auditor", "ask", "/v1/members")
	for _, name := range names {
		assert.Contains(t, strings.ReplaceAll(members, " ", ""), `"gateway":"https://127.0.0.1:`+strconv.Itoa(f.base[name]+3)+`"`)
	}

	require.NoError(t, f.nodes["lab"].stop(syscall.SIGTERM))
	f.nodes["lab"] = f.launch("lab", "pedigree node start harbor --listen :"+strconv.Itoa(f.base["lab"]+3))
	f.ready(f.nodes["lab"])
	assert.Equal(t, members, f.as("harbor", "auditor", "ask", "/v1/members"), "it says the same, so nothing is recorded")
	for _, n := range f.nodes {
		assert.NoError(t, n.stop(syscall.SIGTERM))
	}
}
