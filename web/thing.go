package web

import (
	"html/template"
	"time"

	"github.com/pedigree-ledger/pedigree/web/chart"
)

// Thing is the page about a thing: a lot, an item, a product, a pallet.
type Thing struct {
	Frame
	URI        string
	Path       string // path of this page, without a query
	Kind       Kind
	Parts      []Part
	OfManyLots bool // the code is that of a product; its lots and items have codes and recalls of their own
	Cosigners  Cosigners
	States     []Statable // statements that the reader may make of it
	CheckDigit string     // if the code's last digit is wrong: the right one
	Recalls    []Recall
	// Recorded tells that a record names the thing, or what it belongs to.
	Recorded bool
	// Behind are the kinds of the warnings about what the thing comes from. Which these are is for members.
	Behind []string
	// Unsure tells that not all that the thing comes from could be looked at, so there may be more warnings.
	Unsure bool
	// AnyLot tells that it comes from a product, nobody recorded which lot, and lots of that product bear warnings.
	AnyLot bool
	// Of a product: the lots and items that are recalled themselves, and whether there may be more.
	Below       int
	BelowUnsure bool

	Address string        // address of this page, as the visitor sees it
	QR      template.HTML // QR code of the address
	Linkset string

	ProofName     string // name of the file with the proof
	ProofCommands string // commands that check it

	SignedIn  bool        // if false, the fields below are not set: they are for members and their auditors only
	Story     *Story      // nil if no record names the thing
	Known     []Reference // other things of the same product, if there is no story or the thing is a product
	MoreKnown bool
}

// Part is one element of the thing's code.
type Part struct{ Title, Value string }

// Calm reports whether it is good news that no recall is known: the thing is recorded, its code can be right, and all
// that it comes from was looked at.
func (t *Thing) Calm() bool {
	return t.Recorded && t.CheckDigit == "" && t.Stale == "" && !t.Unsure && !t.AnyLot && !t.OfManyLots &&
		len(t.Recalls)+len(t.Behind) == 0
}

// ToldBehind reports whether the story says what is behind the thing.
func (t *Thing) ToldBehind() bool { return t.Story != nil && len(t.Story.Affected) > 0 }

// Recall is a recall, or a withdrawal of consent, that hasn't been retracted.
type Recall struct {
	Kind                     string // of the statement
	Node                     string // the recalled node: the thing, or what it belongs to
	Own                      bool   // Node is the thing itself
	By, Reason, Instructions string
	At                       time.Time
	Record                   string
}

// Story is what the ledger knows about a thing.
type Story struct {
	Block         uint64
	Steps         int
	Organisations []string // MSP ids of those that recorded steps
	From, To      time.Time
	Now           *Step // the newest step

	Affected   []Affected
	Days       []Day
	All        bool // steps are not grouped
	Pager      Pager
	Picture    template.HTML
	Shown      int // nodes in the picture
	Nodes      int // nodes that the picture is about
	Made       Family
	Became     Family
	Carriers   []Relative // things that held it
	Held       []Relative // things that it held
	MoreHeld   int
	Charts     []Chart
	Unread     int // steps whose readings weren't read
	Decisions  []Decision
	Claims     []Claim
	MoreClaims int
	Errors     []Mistake
	Seal       *Seal // nil until the visitor asks for it
	Node       string
}

// Affected is a recall of something that the thing comes from.
type Affected struct {
	Nodes                          []Named
	More                           int
	Kind, By, Reason, Instructions string
	At                             time.Time
	Record                         string
}

// Named is a node with a name for people.
type Named struct{ Node, Text string }

// Day is the steps of one day.
type Day struct {
	Date   time.Time // in the zone of its first event
	Stages []Stage
}

// Stage is a step, or a run of steps of the same kind.
type Stage struct {
	First, Last Step
	Count       int
	Steps       []Step // the first few, if there are several
	More        int
	Summary     string // summary of the readings: "−0.9 °C to 6.1 °C"
	Recalled    int
}

// Span writes the beginning and the end in the zone of the last event. It includes the days if they differ.
func (s Stage) Span() string {
	from, to := s.First.Time.In(s.Last.Time.Location()), s.Last.Time
	if from.Format(time.DateOnly) == to.Format(time.DateOnly) {
		return from.Format("15:04") + " to " + to.Format("15:04 -07:00")
	}
	return from.Format("2 Jan 15:04") + " to " + to.Format("2 Jan 15:04 -07:00")
}

// Step is one event.
type Step struct {
	Word, Type, Action, Disposition string
	Role                            string    // made, used or seen
	Time                            time.Time // in the event's zone
	Place                           Place
	Carrier                         string
	Quantity                        string
	Measured                        []string // "2.1 °C by LOGGER-8"
	By                              string   // MSP id
	Also                            []string // MSP ids of others that recorded it
	Block                           uint64
	Record                          string
	Flags                           []string
}

// Place is where something happened.
type Place struct{ Text, Node string }

// Pager leads to the other pages of a list.
type Pager struct {
	From, To, Of   int
	Previous, Next string // addresses; may be empty
}

// Family is what a thing was made of, or what was made of it.
type Family struct {
	Things, Artifacts         []Relative
	ThingCount, ArtifactCount int
	Organisations             []string
	Cut                       bool
}

// Empty reports whether there are neither things nor artifacts.
func (f Family) Empty() bool { return f.ThingCount+f.ArtifactCount == 0 }

// MoreThings counts the things that are not listed.
func (f Family) MoreThings() int { return f.ThingCount - len(f.Things) }

// MoreArtifacts counts the artifacts that are not listed.
func (f Family) MoreArtifacts() int { return f.ArtifactCount - len(f.Artifacts) }

// Relative is one node of a family.
type Relative struct {
	Node, By string
	Flags    []string
}

// Chart shows the readings of one kind of measurement.
type Chart struct {
	*chart.Drawing
	ID, Title, Unit string
	Converted       int
	Sources         []Source // who stated the limits
	Listed          []Listed // the readings, if there are few
}

// Source says who stated a limit.
type Source struct{ Text, By, Record string }

// Listed is one reading.
type Listed struct {
	Time            time.Time
	Device, Value   string
	Record          string
	Recalled, Alarm bool
}

// Decision is what a run decided about the thing.
type Decision struct {
	Verdict string
	Type    string
	Outcome []Fact
	Models  []string
	Others  []string
	By      string
	Time    time.Time
	Record  string
	Tainted []Named
	More    int
}

// Fact is a name and its value.
type Fact struct{ Name, Text string }

// Claim is a statement about the thing.
type Claim struct {
	Kind, By, Record string
	At               time.Time
	Facts            []Fact
	Retracted        bool
	Expired          bool
}

// Mistake is a step that was declared an error, or disputed.
type Mistake struct {
	Record, Word, By, Reason string
	Time                     time.Time
	Declaration              string
	Corrective               []string
	Dispute                  bool // by an organisation that hasn't recorded the step
}

// Seal says what is proved. The gateway has made a proof and verified it, as anybody can.
type Seal struct {
	Problem       string // why there is no proof; the other fields are empty then
	Later         bool   // trying again later may help
	Level         string
	Records       int
	Bytes         int64
	Agree         int
	Organisations []string // MSP ids of those that signed all of it
	OfAll         int      // number of organisations of the network
	FirstBlock    uint64   // of the blocks that contain the records
	LastBlock     uint64
	Asked         time.Time
	Cut           bool
	Steps         []Check
	File          string
}

// Check is one thing that was checked.
type Check struct{ What, Found string }
