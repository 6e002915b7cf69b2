package sample_test

import (
	"errors"
	"os"
	"testing"

	"github.com/pedigree-ledger/pedigree/test/mutation/testdata/sample"
)

func TestAdd(t *testing.T) {
	list, err := []int(nil), error(nil)
	for n := range 3 {
		if list, err = sample.Add(list, n); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sample.Add(list, 3); err == nil {
		t.Fatal("a fourth was added")
	}
	if n := sample.Sum(list); n != 3 {
		t.Fatal(n)
	}
}

func TestLargest(t *testing.T) {
	if n, _ := sample.Largest([]int{1, 3, 2}); n != 3 {
		t.Fatal(n)
	}
}

func TestFirst(t *testing.T) {
	if p := sample.First([][]int{{-1, 7}, {5, 7}, {7}}, 7); p.X != 1 || p.Y != 1 {
		t.Fatal(p)
	}
}

func TestLoad(t *testing.T) {
	if os.Getenv("SAMPLE_FAILS") != "" {
		t.Fatal("told to fail")
	}
	broken := errors.New("broken")
	if _, err := sample.Load(func() (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}
