// Package about has the words in which Pedigree tells what a card says: one description for Croissant metadata, model
// cards, dataset cards and bills of materials alike. All of it is the word of the card's author. None of it is checked,
// and all of it is plain text: markup in it is text as well.
package about

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/pedigree-ledger/pedigree/chaincode/record"
	"github.com/pedigree-ledger/pedigree/gateway/formats/tree"
)

// Formats of cards.
const (
	Croissant   = "croissant"
	ModelCard   = "model-card"
	DatasetCard = "dataset-card"
	CycloneDX   = "cyclonedx"
)

// Description is what a card says of an artifact version. Lists are in the order of the card.
type Description struct {
	Format        string `json:"format"`                  // one of the constants
	FormatVersion string `json:"formatVersion,omitempty"` // as the card has it

	Title       string    `json:"title,omitempty"`
	Description string    `json:"description,omitempty"`
	Version     string    `json:"version,omitempty"`
	Published   string    `json:"published,omitempty"` // dates as they are spelled
	Modified    string    `json:"modified,omitempty"`
	Licences    []Licence `json:"licences,omitempty"`
	Creators    []Agent   `json:"creators,omitempty"`
	Publisher   *Agent    `json:"publisher,omitempty"`
	Citation    string    `json:"citation,omitempty"`
	URLs        []string  `json:"urls,omitempty"`
	Keywords    []string  `json:"keywords,omitempty"`
	Languages   []string  `json:"languages,omitempty"`

	Tasks        []string `json:"tasks,omitempty"`
	Modalities   []string `json:"modalities,omitempty"`
	Sizes        []string `json:"sizes,omitempty"` // how many examples, as the card puts it
	Library      string   `json:"library,omitempty"`
	Approach     string   `json:"approach,omitempty"` // supervised, …
	Architecture []string `json:"architecture,omitempty"`

	BaseModels []Reference `json:"baseModels,omitempty"`
	Datasets   []Reference `json:"datasets,omitempty"`
	Files      []File      `json:"files,omitempty"`
	Digests    []Digest    `json:"digests,omitempty"` // of the whole, by the card's word
	Usage      []Term      `json:"usage,omitempty"`
	Passages   []Passage   `json:"passages,omitempty"`
	Metrics    []Metric    `json:"metrics,omitempty"`

	// Problems are what is odd about the card. They never keep it from being read.
	Problems []Problem `json:"problems,omitempty"`
}

// Licence is a licence as a card names it.
type Licence struct {
	SPDX string `json:"spdx,omitempty"` // identifier or expression, if what the card says is one or maps to one
	Text string `json:"text,omitempty"` // as the card has it
	URL  string `json:"url,omitempty"`
}

// Agent is a person or an organisation.
type Agent struct {
	Name  string `json:"name"`
	Type  string `json:"type,omitempty"` // person or organisation, if the card says so
	URL   string `json:"url,omitempty"`
	Email string `json:"email,omitempty"`
}

// Roles of references.
const (
	RoleTraining   = "training"
	RoleEvaluation = "evaluation"
	RoleSource     = "source" // of a dataset
)

// Reference names a dataset or a model.
type Reference struct {
	Name     string   `json:"name"`
	Version  string   `json:"version,omitempty"`
	URL      string   `json:"url,omitempty"`
	Role     string   `json:"role,omitempty"`     // of a dataset: training, evaluation or source
	Relation string   `json:"relation,omitempty"` // of a base model: finetune, adapter, quantized, merge, ancestor, …
	Digests  []Digest `json:"digests,omitempty"`
	Ref      string   `json:"ref,omitempty"` // the artifact version or record id of a ledger, if the name or the URL is one
	Pointer  string   `json:"pointer,omitempty"`
	Line     int      `json:"line,omitempty"`
}

// Digest is a hash that a card declares, of the right length for its algorithm.
type Digest struct {
	Algorithm string `json:"algorithm"` // as in records: sha-256, sha-512, …; md5 and sha-1 as well
	Value     string `json:"value"`     // lower-case hexadecimal
}

// File is a file that a card lists.
type File struct {
	Name      string   `json:"name"` // path in the folder if the card tells one, else what the card calls it
	URL       string   `json:"url,omitempty"`
	MediaType string   `json:"mediaType,omitempty"`
	Size      int64    `json:"size,omitempty"`
	Digests   []Digest `json:"digests,omitempty"`
	Path      bool     `json:"path,omitempty"` // whether the name is meant as a path
	Pointer   string   `json:"pointer,omitempty"`
	Line      int      `json:"line,omitempty"`
}

// Term is a condition of use: a code of a vocabulary, a rule of a policy, or a text.
type Term struct {
	Scheme      string   `json:"scheme,omitempty"` // DUO, ODRL, CAWG
	Kind        string   `json:"kind,omitempty"`   // condition, permission, prohibition, obligation; of CAWG allowed, notAllowed, constrained
	Code        string   `json:"code,omitempty"`   // such as DUO_0000007, or an action such as odrl:use
	Text        string   `json:"text,omitempty"`   // what the card says in words
	Constraints []string `json:"constraints,omitempty"`
}

// Topics of passages.
const (
	TopicCollection  = "collection"
	TopicPreparation = "preparation" // cleaning, selection, preprocessing
	TopicAnnotation  = "annotation"
	TopicSensitive   = "sensitive" // personal and sensitive information
	TopicTraining    = "training"
	TopicEvaluation  = "evaluation"
	TopicUses        = "uses"
	TopicMisuses     = "misuses"
	TopicLimits      = "limits"
	TopicBias        = "bias"
	TopicImpact      = "impact"
	TopicMaintenance = "maintenance"
	TopicUsers       = "users"
	TopicEthics      = "ethics"
	TopicEnvironment = "environment"
)

// Passage is a text of the card about one topic.
type Passage struct {
	Topic string `json:"topic"`
	Title string `json:"title,omitempty"` // as the card calls it
	Text  string `json:"text"`
}

// Metric is a result that the card reports.
type Metric struct {
	Type    string `json:"type"`
	Value   string `json:"value,omitempty"` // as it is spelled
	Task    string `json:"task,omitempty"`
	Dataset string `json:"dataset,omitempty"`
	Slice   string `json:"slice,omitempty"` // split or subset
}

// Problem is something odd about a card, and where.
type Problem struct {
	Code    string `json:"code"`
	Pointer string `json:"pointer,omitempty"`
	Line    int    `json:"line,omitempty"`
	Detail  string `json:"detail"`
}

// Limits of what is taken from one card; the card itself has everything.
const (
	maxProblems = 50
	MaxList     = 1000    // entries of each list
	MaxText     = 8 << 10 // bytes of each text
)

// Note adds a problem at a node of the card.
func (d *Description) Note(code string, at tree.Node, format string, args ...any) {
	if len(d.Problems) < maxProblems {
		d.Problems = append(d.Problems, Problem{code, at.Pointer, at.Line, fmt.Sprintf(format, args...)})
	}
}

// Say adds a passage, unless it has no text.
func (d *Description) Say(topic, title, text string) {
	if text = Cut(text, MaxText); text != "" && len(d.Passages) < MaxList {
		d.Passages = append(d.Passages, Passage{topic, title, text})
	}
}

// About are the passages about a topic.
func (d *Description) About(topic string) []Passage {
	var all []Passage
	for _, p := range d.Passages {
		if p.Topic == topic {
			all = append(all, p)
		}
	}
	return all
}

// Licence is the SPDX expression of the card's licence, if it names one licence that maps to one. What several licences
// mean together, one of them or all, cards don't say.
func (d *Description) Licence() string {
	if len(d.Licences) != 1 {
		return ""
	}
	return d.Licences[0].SPDX
}

// Sources are all datasets and base models that the card names.
func (d *Description) Sources() []Reference {
	return append(append([]Reference{}, d.BaseModels...), d.Datasets...)
}

// Find makes a reference of the way a card names a dataset or a model, at a node of the card.
func Find(at tree.Node, name, url string) Reference {
	r := Reference{Name: Cut(name, 512), URL: Cut(url, 2048), Pointer: at.Pointer, Line: at.Line}
	if r.Name == "" {
		r.Name = r.URL
	}
	for _, text := range []string{name, url} {
		if r.Ref == "" && OnLedger(text) {
			r.Ref = text
		}
	}
	return r
}

// OnLedger tells whether a text is of the form of an artifact version or a record id.
func OnLedger(text string) bool {
	if _, err := record.ParseArtifactRef(text); err == nil {
		return true
	}
	_, err := record.ParseID(text)
	return err == nil
}

var digestLengths = map[string]int{
	"md5":         32,
	"sha-1":       40,
	"sha-256":     64,
	"sha-384":     96,
	"sha-512":     128,
	"blake2b-512": 128,
	"blake3":      64,
}

var hexadecimal = regexp.MustCompile(`^[0-9a-f]+$`)

// ReadDigest reads a declared hash. One that is none is noted, never taken: real cards have addresses, and hashes of
// other lengths, where a SHA-256 should stand.
func (d *Description) ReadDigest(algorithm string, at tree.Node) (Digest, bool) {
	value := strings.ToLower(at.Scalar())
	if value == "" {
		return Digest{}, false
	}
	value = strings.TrimPrefix(value, strings.ReplaceAll(algorithm, "-", "")+":")
	want := digestLengths[algorithm]
	switch {
	case want == 0:
		return Digest{}, false
	case !hexadecimal.MatchString(value):
		d.Note(
			"not_a_digest",
			at,
			"%q stands where a %s digest should; it is not taken for one",
			Brief(at.Scalar()),
			algorithm,
		)
	case len(value) != want:
		d.Note(
			"not_a_digest",
			at,
			"%q has %d hexadecimal digits, and a %s digest has %d; it is not taken for one",
			Brief(value),
			len(value),
			algorithm,
			want,
		)
	default:
		return Digest{algorithm, value}, true
	}
	return Digest{}, false
}

// Mining reads an assertion of CAWG's about training and data mining, if a node is one: for each way of using the data
// whether it is allowed. Constrained without saying how means not allowed.
func (d *Description) Mining(n tree.Node) {
	for _, entry := range n.Get("entries").Members {
		use, how := entry.Value.Get("use").Scalar(), Cut(entry.Value.Get("constraint_info").Scalar(), MaxText)
		if use == "constrained" && how == "" {
			use = "notAllowed"
		}
		if use != "" && len(d.Usage) < MaxList {
			d.Usage = append(d.Usage, Term{Scheme: "CAWG", Kind: Cut(use, 64), Code: Cut(entry.Name, 128), Text: how})
		}
	}
}

// SHA256 finds the SHA-256 among digests, or "".
func SHA256(digests []Digest) string {
	for _, d := range digests {
		if d.Algorithm == "sha-256" {
			return d.Value
		}
	}
	return ""
}

// Cut shortens a text to so many bytes, at a character, and trims it.
func Cut(s string, most int) string {
	s = strings.TrimSpace(s)
	if len(s) <= most {
		return s
	}
	return strings.TrimSpace(strings.ToValidUTF8(s[:most-len("…")], "")) + "…"
}

// Brief shortens hostile text for a message.
func Brief(s string) string { return record.Brief(s) }

// Some is a list of at most MaxList texts of at most a bounded length each, without repetitions.
func Some(texts []string) []string {
	var all []string
	seen := map[string]bool{}
	for _, t := range texts {
		if t = Cut(t, 512); t != "" && !seen[t] && len(all) < MaxList {
			seen[t] = true
			all = append(all, t)
		}
	}
	return all
}
