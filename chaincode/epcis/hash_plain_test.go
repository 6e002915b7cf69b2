package epcis

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/pedigree-ledger/pedigree/chaincode/canonical"
)

// plainHash computes an event hash id for comparison. It follows the rules
// closely and doesn't care about speed. It shares only Thing and the words of the
// vocabularies with the package.
func plainHash(event, context canonical.Value, version Version) string {
	p := plainHasher{prefixes: map[string]string{
		"cbv": "https://ref.gs1.org/cbv/", "epcis": "https://ref.gs1.org/epcis/", "cbvmda": "urn:epcglobal:cbv:mda", "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
	}, version: version}
	p.declare(context)
	p.declare(event.Get("@context"))
	p.prefixes["gs1"] = "https://ref.gs1.org/voc/"
	sum := sha256.Sum256([]byte(p.prehash(event)))
	return "ni:///sha-256;" + hex.EncodeToString(sum[:]) + map[Version]string{CBV20: "?ver=CBV2.0", CBV21: "?ver=CBV2.1"}[version]
}

type plainHasher struct {
	prefixes map[string]string
	version  Version
}

func (p plainHasher) declare(context canonical.Value) {
	for _, part := range context.Items {
		p.declare(part)
	}
	for _, m := range context.Members {
		if m.Value.Kind == canonical.String {
			p.prefixes[m.Name] = m.Value.Text
		}
	}
}

// A field list entry is a name; "name<x" takes words under the web address x,
// "name@" is a time.
const cbv = "https://ref.gs1.org/cbv/"

var (
	plainMetadata = strings.Fields(`time@ startTime@ endTime@ deviceID deviceMetadata rawData dataProcessingMethod bizRules`)
	plainReport   = strings.Fields(`type<https://ref.gs1.org/voc/ exception<https://ref.gs1.org/voc/ deviceID deviceMetadata rawData
		dataProcessingMethod time@ microorganism chemicalSubstance value component<` + cbv + `Comp- stringValue booleanValue hexBinaryValue
		uriValue minValue maxValue meanValue sDev percRank percValue uom coordinateReferenceSystem`)
)

func (p plainHasher) prehash(e canonical.Value) string {
	out := "eventType=" + e.Get("type").Text + p.fields(e, []string{"eventTime@", "eventTimeZoneOffset!"})
	for _, name := range []string{"epcList", "parentID", "inputEPCList", "childEPCs", "quantityList", "childQuantityList", "inputQuantityList", "outputEPCList", "outputQuantityList"} {
		v := e.Get(name)
		switch {
		case name == "parentID":
			out += p.fields(e, []string{name})
		case strings.Contains(name, "uantity"):
			out += p.list(name, v, func(q canonical.Value) string {
				return "quantityElement" + p.fields(q, []string{"epcClass", "quantity", "uom"})
			})
		default:
			out += p.list(name, v, func(epc canonical.Value) string { return "epc=" + p.value(epc, "") })
		}
	}
	out += p.fields(e, []string{"action", "transformationID", "bizStep<" + cbv + "BizStep-", "disposition<" + cbv + "Disp-"})
	if d := e.Get("persistentDisposition"); d.Kind == canonical.Object {
		out += "persistentDisposition"
		for _, name := range []string{"set", "unset"} {
			out += p.list("", d.Get(name), func(w canonical.Value) string { return name + "=" + p.value(w, cbv+"Disp-") })
		}
	}
	for _, name := range []string{"readPoint", "bizLocation"} {
		if place := e.Get(name); place.Kind == canonical.Object {
			out += name + p.fields(place, []string{"id"}) + p.inPlace(place)
		}
	}
	for _, l := range [][3]string{{"bizTransactionList", "bizTransaction", "BTT-"}, {"sourceList", "source", "SDT-"}, {"destinationList", "destination", "SDT-"}} {
		out += p.list(l[0], e.Get(l[0]), func(t canonical.Value) string { return p.fields(t, []string{"type<" + cbv + l[2], l[1]}) })
	}
	title := ""
	if p.version == CBV21 {
		title = "sensorElementList"
	}
	out += p.list(title, e.Get("sensorElementList"), func(s canonical.Value) string {
		text := "sensorElement"
		if m, ok := s.Lookup("sensorMetadata"); ok {
			text += "sensorMetadata" + p.fields(m, plainMetadata) + p.inPlace(m)
		}
		return text + p.list("", s.Get("sensorReport"), func(r canonical.Value) string {
			return "sensorReport" + p.fields(r, plainReport) + p.inPlace(r)
		}) + p.inPlace(s)
	})
	if ilmd := p.extensions(e.Get("ilmd")); ilmd != "" {
		out += "ilmd" + ilmd
	}
	if p.version == CBV20 {
		out += under("readPoint", p.extensions(e.Get("readPoint"))) + under("bizLocation", p.extensions(e.Get("bizLocation")))
		out += p.list("", e.Get("sensorElementList"), func(s canonical.Value) string {
			return under("sensorElement", under("sensorMetadata", p.extensions(s.Get("sensorMetadata")))+
				p.list("", s.Get("sensorReport"), func(r canonical.Value) string { return under("sensorReport", p.extensions(r)) })+p.extensions(s))
		})
	}
	return out + p.extensions(e.Without("rdfs:comment"))
}

func under(name, text string) string {
	if text == "" {
		return ""
	}
	return name + text
}

func (p plainHasher) inPlace(v canonical.Value) string {
	if p.version == CBV20 {
		return ""
	}
	return p.extensions(v)
}

func (p plainHasher) list(name string, v canonical.Value, item func(canonical.Value) string) string {
	var texts []string
	for _, x := range v.Items {
		texts = append(texts, item(x))
	}
	slices.Sort(texts)
	return under(name, strings.Join(texts, ""))
}

func (p plainHasher) fields(v canonical.Value, names []string) (out string) {
	for _, name := range names {
		name, prefix, _ := strings.Cut(name, "<")
		name, isTime := strings.CutSuffix(name, "@")
		name, asIs := strings.CutSuffix(name, "!")
		x, ok := v.Lookup(name)
		if !ok {
			continue
		}
		switch {
		case isTime:
			t, err := time.Parse(time.RFC3339Nano, x.Text)
			if err != nil {
				panic(err)
			}
			out += name + "=" + t.UTC().Round(time.Millisecond).Format("2006-01-02T15:04:05.000Z")
		case asIs:
			out += name + "=" + x.Text
		default:
			out += name + "=" + p.value(x, prefix)
		}
	}
	return out
}

func (p plainHasher) extensions(v canonical.Value) string {
	var texts []string
	for _, m := range v.Members {
		if strings.Contains(m.Name, ":") {
			texts = append(texts, p.extension(m.Name, m.Value)...)
		}
	}
	slices.Sort(texts)
	return strings.Join(texts, "")
}

func (p plainHasher) extension(name string, v canonical.Value) (texts []string) {
	prefix, local, _ := strings.Cut(name, ":")
	switch v.Kind {
	case canonical.Array:
		for _, x := range v.Items {
			texts = append(texts, p.extension(name, x)...)
		}
		return texts
	case canonical.Object:
		var inner []string
		for _, m := range v.Members {
			inner = append(inner, p.extension(m.Name, m.Value)...)
		}
		slices.Sort(inner)
		return []string{"{" + p.prefixes[prefix] + "}" + local + strings.Join(inner, "")}
	}
	return []string{"{" + p.prefixes[prefix] + "}" + local + "=" + p.value(v, "")}
}

func (p plainHasher) value(v canonical.Value, prefix string) string {
	s := strings.TrimSpace(v.Text)
	if r, ok := new(big.Rat).SetString(s); ok && !strings.ContainsAny(s, "/_xXoObBpP") {
		s = r.FloatString(400)
		return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	if !strings.Contains(s, ":") {
		return prefix + s
	}
	name, local, _ := strings.Cut(s, ":")
	if namespace := p.prefixes[name]; strings.HasPrefix(namespace, "https://ref.gs1.org/") {
		return namespace + local
	}
	return Thing(s)
}
