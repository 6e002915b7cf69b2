// Package verify checks what a Pedigree ledger says, without a gateway, a network or a clock.
package verify
