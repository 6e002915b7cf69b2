package web

import (
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

// Artifacts is the page that lists datasets, models, code and documents.
type Artifacts struct {
	Frame
	Kind    string // list only this kind; empty: all
	Kinds   []Kind
	Rows    []ArtifactRow
	Earlier string // address of the list of earlier versions; empty if there are none
}

// ArtifactRow is one version in a list.
type ArtifactRow struct {
	Ref, Version, By, Digest string
	Kind                     Kind
	At                       time.Time
	Flags                    []string
	Current                  bool // the page is about this version
}

// Artifact is the page about a version of a dataset, model, code base or document.
type Artifact struct {
	Frame
	Ref, Series, Name, Version, Record string
	Kind                               Kind
	By                                 string
	At                                 time.Time
	Block                              uint64
	Flags                              []string
	Newer                              []Reference // the newest version, if this isn't it

	Recalled     []Reference // recalled or withdrawn nodes that it was made of; the first few
	MoreRecalled int
	Unsure       bool // not all that it was made of was looked at

	Description, Licence, MediaType string
	Size                            int64
	Algorithm, Digest, Coverage     string
	Aliases                         []Alias

	Versions    []ArtifactRow
	Made        []Run       // runs that generated it
	DerivedFrom []Reference // the sources that its record names
	MoreSources int
	Uses        []Run       // runs that used it
	Derived     []Reference // artifact versions whose records name it as a source
	MoreDerived int
	Claims      []Saying

	Files     []ArtifactFile
	MoreFiles int

	Cosigners Cosigners
	States    []Statable // statements that the reader may make of it

	Card    *about.Description // what the card says; nil if there is none
	Exports []Export
}

// Alias is another hash of the same content.
type Alias struct{ Algorithm, Value, Coverage, Scheme string }

// Run is an activity in which an artifact took part.
type Run struct {
	ID, Type, By, Role string
	At                 time.Time
	Description        string
	Used, Generated    []Reference // the first few
	MoreUsed           int
	MoreGenerated      int
	About              []Reference
}

// ArtifactFile is a file of a folder.
type ArtifactFile struct {
	Name, SHA256 string
	Size         int64
	Shards       int // number of shards; 0 if it has one hash
}
