package web

import "time"

// Capture is the page on which people send documents.
type Capture struct {
	Frame
	MaxBytes  int64
	MaxEvents int
	Columns   []Column // columns that a table can have
	Jobs      []Job    // the newest jobs
}

// Column is a column that a table may have.
type Column struct {
	Name, Help, Example string
	Required            bool
}

// Draft is the page about a document that is about to be sent.
type Draft struct {
	Frame
	Path, Name, Kind                string
	Events, Faulty, Problems, Fatal int
	Warnings                        int
	Known                           int // events that were recorded before
	Sendable                        bool
	Table                           bool // it was a table: rows with problems are left out
	Whole                           bool // it can be sent all or nothing
	Large                           bool // it has too many events to be sent all or nothing
	Found                           []Found
	ProblemPager                    Pager
	Odd                             []Found // warnings
	WarningPager                    Pager
	Preview                         []Preview
	EventPager                      Pager
}

// Good is the number of events without problems.
func (d *Draft) Good() int { return d.Events - d.Faulty }

// Found is a problem of a document.
type Found struct {
	Line, Column                 int
	Field, Pointer, Code, Detail string
}

// Preview is a summary of one event.
type Preview struct {
	Number, Line             int
	What, Type, Action, When string
	Things                   []PreviewThing
	More                     int
	Where                    string
	Measured                 []string
	Wrong, Odd               int  // problems and warnings
	Known                    bool // it was recorded before
}

// PreviewThing is a thing that an event is about, and how much of it.
type PreviewThing struct{ URI, Amount string }

// Job is a capture job.
type Job struct {
	ID                                            string
	At, Finished                                  time.Time
	Running, AllOrNothing                         bool
	Waiting                                       string
	Total, Recorded, Duplicate, Rejected, Pending int
	Warnings                                      int
}

// Done is the number of its events that are not pending.
func (j Job) Done() int { return j.Total - j.Pending }

// JobPage is the page about a job.
type JobPage struct {
	Frame
	Job
	Path        string
	OnlyRefused bool
	First       bool    // this is the first page of the results
	AboutAll    []Found // warnings about the document as a whole
	WarningsCut bool    // there are more warnings than the job keeps
	Results     []Result
	Next        string
}

// Result is the outcome for one event.
type Result struct {
	Number                 int
	State, Record, EventID string
	Committed              bool // Record is on the ledger, in Block
	Block                  uint64
	Problems, Odd          []Found
}
