// Package modelcard reads the cards of models and datasets that are kept in README files, as on Hugging Face's hub:
// Markdown that begins with a block of YAML. [Read] reads one.
//
// Most of the information is in the YAML. The Markdown is only searched for headings and the text below them; it is
// never rendered.
package modelcard

import (
	"strings"

	"github.com/pedigree-ledger/pedigree/gateway/formats/about"
	"github.com/pedigree-ledger/pedigree/gateway/formats/licence"
	"github.com/pedigree-ledger/pedigree/gateway/formats/tree"
)

// Read returns what a card says. Errors are of type *tree.Error; they say why the text is not a card.
func Read(text string) (*about.Description, error) {
	front, first, body, err := split(text)
	if err != nil {
		return nil, err
	}
	matter, err := tree.YAML(front, first)
	if err != nil {
		return nil, err
	}
	d := &about.Description{Format: about.ModelCard}
	switch matter.Kind {
	case tree.Object:
	case tree.Null:
		d.Note(
			"no_metadata",
			tree.Node{Line: 1},
			"the card has no YAML block of metadata between two lines of ---; only its text is read",
		)
	default:
		return nil, &tree.Error{
			Line: matter.Line,
			Message: "the YAML block of a card must be an object with names and values, but this one is of the kind " +
				matter.Kind.String(),
		}
	}
	if describesData(matter) {
		d.Format = about.DatasetCard
	}
	r := &reader{d}
	r.general(matter)
	r.licence(matter)
	r.model(matter)
	r.data(matter)
	r.text(body)
	r.results(matter.Get("model-index"))
	return d, nil
}

// split separates the YAML block of a card from its Markdown. first is the number of the block's first line.
func split(text string) (front string, first int, body string, err error) {
	text = strings.TrimPrefix(text, "\ufeff")
	line, offset, begin := 0, 0, -1
	for l := range strings.Lines(text) {
		line++
		content := strings.TrimRight(l, " \t\r\n")
		switch {
		case begin < 0 && content == "":
		case begin < 0 && content != "---":
			return "", 1, text, nil
		case begin < 0:
			begin, first = offset+len(l), line+1
		case content == "---":
			return text[begin:offset], first, text[offset+len(l):], nil
		}
		offset += len(l)
	}
	if begin >= 0 {
		return "", 0, "", &tree.Error{
			Line:    first - 1,
			Message: "the YAML block that begins here doesn't end; add a line of --- at its end",
		}
	}
	return "", 1, text, nil
}

// describesData reports whether a card is about a dataset, judging by the names in its YAML.
func describesData(m tree.Node) bool {
	for _, name := range []string{"pipeline_tag", "library_name", "base_model", "model-index", "model_name"} {
		if m.Has(name) {
			return false
		}
	}
	for _, name := range []string{"task_categories", "task_ids", "size_categories", "annotations_creators",
		"language_creators", "source_datasets", "dataset_info", "configs", "pretty_name"} {
		if m.Has(name) {
			return true
		}
	}
	return false
}

type reader struct{ *about.Description }

func (r *reader) general(m tree.Node) {
	for _, name := range []string{"pretty_name", "model_name"} {
		if r.Title == "" {
			r.Title = about.Cut(m.Get(name).Scalar(), 512)
		}
	}
	r.Version = about.Cut(m.Get("version").Scalar(), 64)
	r.Languages = about.Some(append(m.Get("language").Texts(), m.Get("languages").Texts()...))
	r.Keywords = about.Some(m.Get("tags").Texts())
	r.Modalities = m.Get("modalities").Texts()
	for _, tag := range r.Keywords {
		if modality, ok := strings.CutPrefix(tag, "modality:"); ok {
			r.Modalities = append(r.Modalities, modality)
		}
	}
	r.Modalities = about.Some(r.Modalities)
	r.Tasks = about.Some(
		append(append(m.Get("pipeline_tag").Texts(), m.Get("task_categories").Texts()...),
			m.Get("task_ids").Texts()...),
	)
	for _, name := range []string{"repo", "paper", "demo", "homepage", "url"} {
		for _, text := range m.Get(name).Texts() {
			if strings.Contains(text, "://") {
				r.URLs = append(r.URLs, text)
			}
		}
	}
	r.URLs = about.Some(r.URLs)
	for _, name := range []string{"authors", "developers", "creators"} {
		for _, author := range m.Get(name).Each() {
			called := author.Scalar()
			if called == "" {
				called = author.Get("name").Scalar()
			}
			if called != "" && len(r.Creators) < about.MaxList {
				r.Creators = append(r.Creators, about.Agent{Name: about.Cut(called, 512)})
			}
		}
	}
	for _, name := range []string{"cawg.training-mining", "training-mining", "training_mining"} {
		r.Mining(m.Get(name))
	}
	if prompt := m.Get("extra_gated_prompt").Scalar(); prompt != "" {
		r.Usage = append(r.Usage, about.Term{Kind: "condition", Code: "gated", Text: about.Cut(prompt, about.MaxText)})
	}
}

// licence reads the member license. If it is "other", license_name and license_link say which licence it is.
func (r *reader) licence(m tree.Node) {
	name, link := m.Get("license_name").Scalar(), m.Get("license_link").Scalar()
	for _, text := range m.Get("license").Texts() {
		l := about.Licence{Text: about.Cut(text, 512), SPDX: licence.SPDX(text)}
		if l.SPDX == "" && name != "" {
			l.Text, l.SPDX = about.Cut(name, 512), licence.SPDX(name)
		}
		if l.SPDX == "" {
			l.URL = about.Cut(link, 2048)
		}
		if len(r.Licences) < about.MaxList {
			r.Licences = append(r.Licences, l)
		}
	}
	if !m.Has("license") && name+link != "" {
		r.Licences = append(
			r.Licences,
			about.Licence{Text: about.Cut(name, 512), URL: about.Cut(link, 2048), SPDX: licence.SPDX(name)},
		)
	}
}

func (r *reader) model(m tree.Node) {
	r.Library = about.Cut(m.Get("library_name").Scalar(), 128)
	relation := about.Cut(m.Get("base_model_relation").Scalar(), 64)
	r.references(&r.BaseModels, m.Get("base_model"), func(ref *about.Reference) { ref.Relation = relation })
	r.references(&r.Datasets, m.Get("datasets"), func(ref *about.Reference) { ref.Role = about.RoleTraining })
	if co2 := m.Get("co2_eq_emissions"); co2.Kind == tree.Object {
		r.Say(
			about.TopicEnvironment,
			"co2_eq_emissions",
			strings.Join([]string{co2.Get("emissions").Scalar(), co2.Get("source").Scalar()}, " "),
		)
	} else {
		r.Say(about.TopicEnvironment, "co2_eq_emissions", co2.Scalar())
	}
}

// references reads the names of datasets or models. Each is a text or an object with a name.
func (r *reader) references(into *[]about.Reference, list tree.Node, set func(*about.Reference)) {
	for _, item := range list.Each() {
		name, url := item.Scalar(), ""
		if item.Kind == tree.Object {
			name, url = item.Get("name").Scalar(), item.Get("url").Scalar()
		}
		if strings.Contains(name, "://") {
			url = name
		}
		if ref := about.Find(item, name, url); ref.Name == "" {
			r.Note("not_a_name", item, "a name should stand here, but this is of the kind %s", item.Kind)
		} else if len(*into) < about.MaxList {
			set(&ref)
			*into = append(*into, ref)
		}
	}
}

func (r *reader) data(m tree.Node) {
	r.Sizes = about.Some(m.Get("size_categories").Texts())
	r.references(
		&r.Datasets,
		withoutWords(m.Get("source_datasets")),
		func(ref *about.Reference) { ref.Role = about.RoleSource },
	)
	for _, p := range []struct{ name, topic string }{
		{"annotations_creators", about.TopicAnnotation}, {"language_creators", about.TopicCollection},
		{"source_datasets", about.TopicCollection}, {"personal_sensitive_information", about.TopicSensitive},
	} {
		r.Say(p.topic, p.name, strings.Join(about.Some(m.Get(p.name).Texts()), ", "))
	}
}

// withoutWords drops the values of source_datasets that aren't names, such as "original".
func withoutWords(list tree.Node) tree.Node {
	kept := tree.Node{Kind: tree.Array, Pointer: list.Pointer, Line: list.Line}
	for _, item := range list.Each() {
		switch text := item.Scalar(); {
		case text == "original", text == "extended":
		case strings.HasPrefix(text, "extended|"):
			item.Text = strings.TrimPrefix(text, "extended|")
			kept.Items = append(kept.Items, item)
		default:
			kept.Items = append(kept.Items, item)
		}
	}
	return kept
}

// results reads model-index, which lists the results and the data that they were measured on.
func (r *reader) results(index tree.Node) {
	seen := map[string]bool{}
	for _, model := range index.Each() {
		if r.Title == "" {
			r.Title = about.Cut(model.Get("name").Scalar(), 512)
		}
		for _, result := range model.Get("results").Each() {
			data := result.Get("dataset")
			name := data.Get("type").Scalar() // the dataset's id on the hub
			if name == "" {
				name = data.Get("name").Scalar()
			}
			if ref := about.Find(data, name, ""); ref.Name != "" && !seen[name] && len(r.Datasets) < about.MaxList {
				seen[name] = true
				ref.Role = about.RoleEvaluation
				r.Datasets = append(r.Datasets, ref)
			}
			for _, metric := range result.Get("metrics").Each() {
				if len(r.Metrics) == about.MaxList {
					r.Note("too_many", metric, "only the first %d results are shown", about.MaxList)
					return
				}
				m := about.Metric{
					Type: about.Cut(metric.Get("type").Scalar(), 128), Value: about.Cut(metric.Get("value").Scalar(),
						512),
					Task: about.Cut(
						result.Get("task").Get("type").Scalar(),
						128,
					), Dataset: about.Cut(name, 512), Slice: about.Cut(data.Get("split").Scalar(), 128),
				}
				if m.Type == "" {
					m.Type = about.Cut(metric.Get("name").Scalar(), 128)
				}
				if m.Type != "" {
					r.Metrics = append(r.Metrics, m)
				}
			}
		}
	}
}
