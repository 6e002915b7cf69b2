package record

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// The version of a shape is the number in the member "record". Records of
// version 2 name the organisation that says what they say, in the member "by".
// (The member record names it in "mspId".) The ledger accepts such a record from
// that organisation alone. Version 1 belonged to whoever recorded it first.
//
// An event names nobody: every organisation may report it, and each answers for
// its own report.

// maxMSPID bounds an MSP id, in bytes.
const maxMSPID = 128

// newest is the newest version of a noun's shape.
func newest(noun Noun) int {
	if noun == NounEvent {
		return 1
	}
	return 2
}

func kindOf(noun Noun, version int) string { return string(noun) + "/" + strconv.Itoa(version) }

// shapeOf returns an empty record of a kind, such as "artifact/2", or nil if there is no such kind.
func shapeOf(kind string) *Record {
	name, _, _ := strings.Cut(kind, "/")
	noun := Noun(name)
	if !slices.Contains(nouns, noun) {
		return nil
	}
	for version := 1; version <= newest(noun); version++ {
		if kind == kindOf(noun, version) {
			return &Record{Noun: noun, Version: version}
		}
	}
	return nil
}

var nouns = []Noun{NounEvent, NounArtifact, NounActivity, NounStatement, NounMember}

// Shapes returns the name of every shape that this program reads, such as "artifact/2".
func Shapes() []string {
	var kinds []string
	for _, noun := range nouns {
		for version := 1; version <= newest(noun); version++ {
			kinds = append(kinds, kindOf(noun, version))
		}
	}
	return kinds
}

// namesIssuer reports whether the shape has the member "by".
func (r *Record) namesIssuer() bool {
	return r.Version >= 2 && r.Noun != NounMember
}

// Outdated reports whether the record has a version that a ledger refuses once
// it holds a record of a newer one.
func (r *Record) Outdated() bool { return r.Version < newest(r.Noun) }

// Earlier returns what the record would be in version 1, which says the same
// but not who says it. It returns nil if the record can't be of version 1.
func (r *Record) Earlier() *Record {
	v, err := canonical.Parse(r.Body, canonical.Limits{Bytes: MaxBytes, Depth: MaxDepth})
	if err != nil || r.Version < 2 {
		return nil
	}
	made, problems := build(r.Noun, "", v.Without("by").With("record", canonical.Str(kindOf(r.Noun, 1))))
	if len(problems) > 0 {
		return nil
	}
	return made
}
