package network

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The files of a network that was made earlier must not change when it comes up again.
func TestAGatewaysFilesStayByteForByte(t *testing.T) {
	for name, o := range map[string]Options{
		"plain": {},
		"full":  {Index: "postgres://pedigree:secret@db.example:5433/ledger", BatchRecords: 250},
	} {
		t.Run(name, func(t *testing.T) {
			d := folder(t.TempDir())
			p, err := newPlan(DefaultOrgs, 4, 20_000, "test")
			require.NoError(t, err)
			p.ID = "0123456789abcdef"
			for i := range p.Orgs {
				p.Orgs[i].PeerPort, p.Orgs[i].GatewayPort = 7_001+i, 8_001+i
			}
			org := p.Orgs[1]
			token := d.token(org.Name, Operator)
			require.NoError(t, os.MkdirAll(d.path(org.Name), 0o700))
			require.NoError(t, os.MkdirAll(token[:strings.LastIndex(token, "/")], 0o700))
			require.NoError(t, os.WriteFile(token, []byte("token\n"), 0o600))
			require.NoError(t, d.configureGateway(p, org, o))
			for _, file := range []string{"gateway.json", "tokens.json"} {
				text, err := os.ReadFile(d.path(org.Name, file))
				require.NoError(t, err)
				got := strings.ReplaceAll(string(text), string(d), "/network")
				golden := "testdata/" + name + "." + file
				if *update {
					require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				require.Equal(t, string(want), got, file)
			}
		})
	}
}
