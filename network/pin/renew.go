//go:build ignore

// Renew copies network/fabric's go.mod and go.sum to where this package can embed them.
package main

import (
	"log"
	"os"
	"path/filepath"
)

func main() {
	for from, to := range map[string]string{"go.mod": "fabric.mod", "go.sum": "fabric.sum"} {
		text, err := os.ReadFile(filepath.Join("..", "fabric", from))
		if err != nil {
			log.Fatalf("couldn't read the nested module: %v", err)
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			log.Fatalf("couldn't renew the copy: %v", err)
		}
	}
}
