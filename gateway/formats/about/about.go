// Package about defines [Description], which holds what a card says about an artifact version. Croissant metadata,
// model cards, dataset cards and bills of materials are all read into this one type.
//
// Everything in a Description is the claim of the card's author; nothing of it is checked. All of it is plain text:
// markup in it is not interpreted. The readers build a Description with [Description.Note], [Description.Say] and
// [Description.ReadDigest], which bound what is taken from one card.
package about

import (
	"cmp"
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

// Description is what a card says about an artifact version. Lists keep the order of the card.
type Description struct {
	Format        string `json:"format"`                  // one of the format constants
	FormatVersion string `json:"formatVersion,omitempty"` // as the card spells it

	Title       string    `json:"title,omitempty"`
	Description string    `json:"description,omitempty"`
	Version     string    `json:"version,omitempty"`
	Published   string    `json:"published,omitempty"` // dates as the card spells them
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
	Sizes        []string `json:"sizes,omitempty"` // number of examples, as the card puts it
	Library      string   `json:"library,omitempty"`
	Approach     string   `json:"approach,omitempty"` // such as supervised
	Architecture []string `json:"architecture,omitempty"`

	BaseModels []Reference `json:"baseModels,omitempty"`
	Datasets   []Reference `json:"datasets,omitempty"`
	Files      []File      `json:"files,omitempty"`
	Digests    []Digest    `json:"digests,omitempty"` // of the whole artifact, as the card claims
	Usage      []Term      `json:"usage,omitempty"`
	Passages   []Passage   `json:"passages,omitempty"`
	Metrics    []Metric    `json:"metrics,omitempty"`

	// Problems are oddities in the card. They never keep the card from being read.
	Problems []Problem `json:"problems,omitempty"`
}

// Licence is a licence as a card names it.
type Licence struct {
	SPDX string `json:"spdx,omitempty"` // SPDX identifier or expression, if the text is one or maps to one
	Text string `json:"text,omitempty"` // as the card spells it
	URL  string `json:"url,omitempty"`
}

// Agent is a person or an organisation.
type Agent struct {
	Name  string `json:"name"`
	Type  string `json:"type,omitempty"` // person or organisation, if the card says which
	URL   string `json:"url,omitempty"`
	Email string `json:"email,omitempty"`
}

// Roles of references.
const (
	RoleTraining   = "training"
	RoleEvaluation = "evaluation"
	RoleSource     = "source" // what a dataset was made from
)

// Reference names a dataset or a model that the card refers to.
type Reference struct {
	Name     string   `json:"name"`
	Version  string   `json:"version,omitempty"`
	URL      string   `json:"url,omitempty"`
	Role     string   `json:"role,omitempty"`     // of a dataset: training, evaluation or source
	Relation string   `json:"relation,omitempty"` // of a base model: finetune, adapter, quantized, merge, ancestor, …
	Digests  []Digest `json:"digests,omitempty"`
	Ref      string   `json:"ref,omitempty"` // artifact version or record id, if the name or the URL has that form
	Pointer  string   `json:"pointer,omitempty"`
	Line     int      `json:"line,omitempty"`
}

// Digest is a hash that a card declares. Its length fits its algorithm.
type Digest struct {
	Algorithm string `json:"algorithm"` // as in records (sha-256, sha-512, …), and also md5 and sha-1
	Value     string `json:"value"`     // lower-case hexadecimal
}

// File is a file that a card lists.
type File struct {
	Name      string   `json:"name"` // path in the folder if the card gives one, otherwise the card's name for the file
	URL       string   `json:"url,omitempty"`
	MediaType string   `json:"mediaType,omitempty"`
	Size      int64    `json:"size,omitempty"`
	Digests   []Digest `json:"digests,omitempty"`
	Path      bool     `json:"path,omitempty"` // whether Name is meant as a path
	Pointer   string   `json:"pointer,omitempty"`
	Line      int      `json:"line,omitempty"`
}

// Term is a condition of use: a code of a vocabulary, a rule of a policy, or a text.
type Term struct {
	Scheme      string   `json:"scheme,omitempty"` // DUO, ODRL, CAWG
	Kind        string   `json:"kind,omitempty"`   // such as permission; for CAWG allowed, notAllowed or constrained
	Code        string   `json:"code,omitempty"`   // such as DUO_0000007, or an action such as odrl:use
	Text        string   `json:"text,omitempty"`   // the condition in the card's words
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

// Passage is a text in the card about one topic.
type Passage struct {
	Topic string `json:"topic"`
	Title string `json:"title,omitempty"` // the card's own heading
	Text  string `json:"text"`
}

// Metric is a result that the card reports.
type Metric struct {
	Type    string `json:"type"`
	Value   string `json:"value,omitempty"` // as the card spells it
	Task    string `json:"task,omitempty"`
	Dataset string `json:"dataset,omitempty"`
	Slice   string `json:"slice,omitempty"` // split or subset
}

// Problem is an oddity in a card, and where it is.
type Problem struct {
	Code    string `json:"code"`
	Pointer string `json:"pointer,omitempty"`
	Line    int    `json:"line,omitempty"`
	Detail  string `json:"detail"`
}

// Limits on what is taken from one card. The stored card keeps everything.
const (
	maxProblems = 50
	MaxList     = 1000    // entries in each list
	MaxText     = 8 << 10 // bytes in each text
)

// Note adds a problem at a node of the card. Problems beyond the limit are dropped.
func (d *Description) Note(code string, at tree.Node, format string, args ...any) {
	if len(d.Problems) < maxProblems {
		d.Problems = append(d.Problems, Problem{code, at.Pointer, at.Line, fmt.Sprintf(format, args...)})
	}
}

// Say adds a passage, unless its text is empty. A long text is cut, and passages beyond the limit are dropped.
func (d *Description) Say(topic, title, text string) {
	if text = Cut(text, MaxText); text != "" && len(d.Passages) < MaxList {
		d.Passages = append(d.Passages, Passage{topic, title, text})
	}
}

// About returns the passages about a topic.
func (d *Description) About(topic string) []Passage {
	var all []Passage
	for _, p := range d.Passages {
		if p.Topic == topic {
			all = append(all, p)
		}
	}
	return all
}

// Licence returns the SPDX expression of the card's licence. It returns "" if the card names no licence with an SPDX
// expression, or if it names several: cards don't say whether all of them apply or any one.
func (d *Description) Licence() string {
	if len(d.Licences) != 1 {
		return ""
	}
	return d.Licences[0].SPDX
}

// Sources returns all base models and datasets that the card names.
func (d *Description) Sources() []Reference {
	return append(append([]Reference{}, d.BaseModels...), d.Datasets...)
}

// Find makes a reference from the name and the URL by which a card refers to a dataset or a model. at is the node of
// the card that holds them.
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

// OnLedger reports whether a text has the form of an artifact version or a record id. It doesn't ask a ledger.
func OnLedger(text string) bool {
	if _, err := record.ParseArtifactRef(text); err == nil {
		return true
	}
	_, err := record.ParseID(text)
	return err == nil
}

// weakDigests are the lengths of digests that cards have beside those of record.DigestAlgorithms.
var weakDigests = map[string]int{"md5": 32, "sha-1": 40}

var hexadecimal = regexp.MustCompile(`^[0-9a-f]+$`)

// ReadDigest reads a hash that the card declares. Real cards have URLs, or hashes of other lengths, where a SHA-256
// belongs. Such a value is noted as a problem, and ok is false.
func (d *Description) ReadDigest(algorithm string, at tree.Node) (Digest, bool) {
	value := strings.ToLower(at.Scalar())
	if value == "" {
		return Digest{}, false
	}
	value = strings.TrimPrefix(value, strings.ReplaceAll(algorithm, "-", "")+":")
	want := cmp.Or(record.DigestLength(algorithm), weakDigests[algorithm])
	switch {
	case want == 0:
		return Digest{}, false
	case !hexadecimal.MatchString(value):
		d.Note(
			"not_a_digest",
			at,
			"%q stands where a %s digest should; it is ignored",
			Brief(at.Scalar()),
			algorithm,
		)
	case len(value) != want:
		d.Note(
			"not_a_digest",
			at,
			"%q has %d hexadecimal digits, but a %s digest has %d; it is ignored",
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

// Mining reads a CAWG training and data mining assertion, if the node is one. It adds a term for each use of the data.
// A use that is constrained without saying how counts as not allowed.
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

// SHA256 returns the SHA-256 among the digests, or "" if there is none.
func SHA256(digests []Digest) string {
	for _, d := range digests {
		if d.Algorithm == "sha-256" {
			return d.Value
		}
	}
	return ""
}

// Cut trims a text and shortens it to at most the given number of bytes. It never cuts inside a character.
func Cut(s string, most int) string {
	s = strings.TrimSpace(s)
	if len(s) <= most {
		return s
	}
	return strings.TrimSpace(strings.ToValidUTF8(s[:most-len("…")], "")) + "…"
}

// Brief shortens a text from an untrusted source for use in a message.
func Brief(s string) string { return record.Brief(s) }

// Some returns at most MaxList of the texts, shortened and without duplicates or empty ones.
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
