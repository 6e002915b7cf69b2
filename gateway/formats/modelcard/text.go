package modelcard

import (
	"regexp"
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
)

// topics maps words in headings to topics. The first entry that fits counts. The words are those of the hub's templates
// and of the papers that introduced model cards and datasheets.
var topics = []struct{ words, topic string }{
	{"out-of-scope", about.TopicMisuses}, {"out of scope", about.TopicMisuses}, {"misuse", about.TopicMisuses},
	{
		"intended use",
		about.TopicUses,
	}, {"direct use", about.TopicUses}, {"downstream use", about.TopicUses}, {"how to use", ""},
	{"uses", about.TopicUses},
	{
		"personal and sensitive",
		about.TopicSensitive,
	}, {"sensitive", about.TopicSensitive}, {"privacy", about.TopicSensitive},
	{
		"limitation",
		about.TopicLimits,
	}, {"recommendations", about.TopicLimits}, {"risks", about.TopicLimits}, {"bias", about.TopicBias},
	{"ethic", about.TopicEthics}, {"social impact", about.TopicImpact}, {"environmental impact", about.TopicEnvironment},
	{"annotat", about.TopicAnnotation}, {"labelling", about.TopicAnnotation}, {"labeling", about.TopicAnnotation},
	{
		"preprocess",
		about.TopicPreparation,
	}, {"cleaning", about.TopicPreparation}, {"data collection", about.TopicCollection},
	{"source data", about.TopicCollection}, {"curation", about.TopicCollection},
	{"training", about.TopicTraining}, {"evaluation", about.TopicEvaluation}, {"testing", about.TopicEvaluation},
	{
		"maintenance",
		about.TopicMaintenance,
	}, {"citation", citation}, {"description", description}, {"summary", description},
}

// Topics that have members of their own in a description.
const (
	citation    = "citation"
	description = "description"
)

func topicOf(heading string) (topic string, ok bool) {
	lower := strings.ToLower(heading)
	for _, t := range topics {
		if strings.Contains(lower, t.words) {
			return t.topic, true
		}
	}
	return "", false
}

var (
	heading = regexp.MustCompile(`^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$`)
	fence   = regexp.MustCompile("^ {0,3}(```|~~~)")
	// placeholder matches what the templates contain until somebody fills them in.
	placeholder = regexp.MustCompile(`(?i)\[?more information needed\]?|\[needs more information\]`)
)

// section is the text between two headings.
type section struct {
	level int
	title string
	text  strings.Builder
	first string // first paragraph
}

// text takes passages from the Markdown, by their headings.
func (r *reader) text(body string) {
	var open [7]string // topics by heading level
	for _, s := range sections(withoutComments(body)) {
		text := strings.TrimSpace(placeholder.ReplaceAllString(s.text.String(), ""))
		if s.level == 1 && r.Title == "" {
			r.Title = about.Cut(s.title, 512)
		}
		topic, ok := topicOf(s.title)
		if !ok && s.level > 0 {
			for level := s.level - 1; level > 0 && topic == ""; level-- {
				topic = open[level]
			}
		}
		for level := s.level; level < len(open) && level > 0; level++ {
			open[level] = topic
		}
		switch {
		case text == "":
		case topic == citation:
			if r.Citation == "" {
				r.Citation = about.Cut(strings.Trim(unfenced(text), "\n"), about.MaxText)
			}
		case topic == description || topic == "" && s.level <= 1:
			if r.Description.Description == "" {
				r.Description.Description = about.Cut(placeholder.ReplaceAllString(s.first, ""), about.MaxText)
			}
		case topic != "":
			r.Say(topic, about.Cut(s.title, 256), text)
		}
	}
}

func sections(body string) []*section {
	s := &section{}
	all := []*section{s}
	fenced, over := "", false
	for line := range strings.Lines(body) {
		content := strings.TrimRight(line, "\r\n")
		if m := fence.FindStringSubmatch(content); m != nil && (fenced == "" || fenced == m[1]) {
			if fenced == "" {
				fenced = m[1]
			} else {
				fenced = ""
			}
		}
		if m := heading.FindStringSubmatch(content); m != nil && fenced == "" {
			s = &section{level: len(m[1]), title: m[2]}
			all, over = append(all, s), false
			continue
		}
		s.text.WriteString(content + "\n")
		switch words := strings.TrimSpace(content); {
		case over || fenced != "" || len(s.first) > about.MaxText:
		case words == "" || pictured(words):
			over = s.first != ""
		default:
			s.first = strings.TrimSpace(s.first + " " + words)
		}
	}
	return all
}

// pictured reports whether a line is a badge, an image, a table, markup or a rule rather than prose.
func pictured(line string) bool {
	for _, prefix := range []string{"![", "[![", "<", "|", "---", "***", "```", "~~~"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// unfenced removes the fences of code blocks from a text.
func unfenced(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !fence.MatchString(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// withoutComments removes <!-- … -->, in which templates say what to write.
func withoutComments(text string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "<!--")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		if _, text, ok = strings.Cut(rest, "-->"); !ok {
			return b.String()
		}
	}
}
