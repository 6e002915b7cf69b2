package verify_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/pedigree-ledger/pedigree/gateway/verify"
	"github.com/pedigree-ledger/pedigree/gateway/verify/proof"
)

// read reads a file of the examples.
func read(name string) []byte {
	text, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	return text
}

func ExampleProof() {
	trust, err := verify.ReadTrust(read("../../test/vectors/consortium.json"))
	if err != nil {
		log.Fatal(err)
	}
	verdict, err := verify.Proof(read("../../test/vectors/block.proof"), trust, verify.Wanted{Level: proof.LevelBlock})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range verdict.Records {
		fmt.Println(r.Noun, "signed by", r.SignedBy)
		fmt.Println("recorded by", r.Recordings[0].MSPID, "in", r.Ordered.Version)
	}
	// Output:
	// artifact signed by [HarborMSP LabMSP MarketMSP]
	// recorded by HarborMSP in block 7, position 0
}

// A forgery is refused with a reason that programs can tell apart.
func ExampleProof_refused() {
	trust, err := verify.ReadTrust(read("../../test/vectors/fabricated-consortium.json"))
	if err != nil {
		log.Fatal(err)
	}
	_, err = verify.Proof(read("../../test/vectors/fabricated-pack-of-another-record.proof"), trust, verify.Wanted{})
	fmt.Println(proof.ReasonOf(err))
	// Output: not_in_transaction
}

func ExampleNewTrust() {
	trust, err := verify.NewTrust(read("testdata/genesis.block"), nil, "pedigree", 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("channel", trust.Channel, "where", trust.Agree, "must agree of")
	for _, o := range trust.Organisations {
		fmt.Println(o.MSPID)
	}
	// Output:
	// channel pedigree where 2 must agree of
	// HarborMSP
	// LabMSP
	// MarketMSP
}

func ExampleHashFolder() {
	m, err := verify.HashFolder(context.Background(), "testdata/catch")
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range m.Files {
		fmt.Println(f.Size, f.Name)
	}
	fmt.Println("sha-256:" + m.Digest())
	// Output:
	// 21 README
	// 36 landings.csv
	// sha-256:bbc9eb0b32ae739ce9f7bb48436d1997d1fa5396ee3109319cac025981335cb3
}

func ExampleRegistered() {
	trust, err := verify.ReadTrust(read("testdata/catch-consortium.json"))
	if err != nil {
		log.Fatal(err)
	}
	proved, err := verify.Proof(read("testdata/catch.proof"), trust, verify.Wanted{})
	if err != nil {
		log.Fatal(err)
	}
	differences, err := verify.Registered(context.Background(), "testdata/catch", proved, "dataset/harbor/catch@1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(differences), "differences")
	// Output: 0 differences
}
