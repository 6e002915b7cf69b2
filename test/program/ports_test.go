package program

import "testing"

func TestPortsAreGivenOnce(t *testing.T) {
	given := map[int]bool{}
	for range 20 {
		base := FreePorts()
		if given[base] {
			t.Fatalf("base port %d was given before, and nobody listens there yet", base)
		}
		given[base] = true
	}
}
