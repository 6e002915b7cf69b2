package picture

import (
	"cmp"
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"
	"strings"
)

// Sizes of text, in pixels, as in the style sheet.
const (
	titleSize, subSize, badgeSize = 13, 11, 10.5
	textLeft                      = 37
	textRoom                      = cardWidth - textLeft - 12
	gutterWidth                   = 28
	spare                         = 4000
)

// writer writes the picture of a drawing.
type writer struct {
	strings.Builder
	*drawing
	options Options
	order   []int // of the items in the picture: by layer, from top to bottom
	degree  []int // number of links of each item
}

func (d *drawing) write(o Options) *Picture {
	w := &writer{drawing: d, options: o, degree: make([]int, len(d.items))}
	for _, l := range d.links {
		w.degree[l.from]++
		w.degree[l.to]++
	}
	for i := range d.items {
		w.order = append(w.order, i)
	}
	slices.SortStableFunc(w.order, func(a, b int) int {
		return cmp.Or(cmp.Compare(d.items[a].layer, d.items[b].layer), cmp.Compare(d.dots[a].y, d.dots[b].y))
	})
	p := &Picture{
		Width:  int(math.Ceil(d.width)),
		Height: int(math.Ceil(d.height)),
		Nodes:  len(d.g.nodes),
		Coarse: d.coarse,
		Full:   d.full,
	}
	for i := range d.items {
		if d.items[i].isFold() {
			p.Folds++
		} else {
			p.Drawn++
		}
	}
	w.picture(p)
	p.SVG = template.HTML(w.String()) //nolint:gosec // every text in it went through esc
	p.Gutter = d.gutter(p)
	p.Rows = w.rows()
	p.Legend = d.legend()
	return p
}

func (w *writer) f(format string, args ...any) { fmt.Fprintf(&w.Builder, format, args...) }

// esc makes a text safe between tags and in attributes.
func esc(s string) string { return html.EscapeString(printable(s)) }

func (w *writer) picture(p *Picture) {
	w.f(
		`<svg class="picture" width="%d" height="%d" viewBox="0 0 %d %d" preserveAspectRatio="xMinYMin" role="group" aria-label="Lineage: %d nodes, causes on the left, effects on the right">`,
		p.Width,
		p.Height,
		p.Width,
		p.Height,
		p.Nodes,
	)
	w.defs()
	if len(w.lanes) > 1 {
		for i, l := range w.lanes {
			class := "lane"
			if i%2 == 1 {
				class = "lane odd"
			}
			// Wider than the picture, because its frame may be wider.
			w.f(`<rect class="%s" y="%.0f" width="%d" height="%.0f"/>`, class, l.top, p.Width+spare, l.height)
			w.f(`<text class="lane-name" x="6" y="%.0f">%s</text>`, l.top+12, esc(l.name))
		}
	}
	for line, class := range lineClasses {
		w.lines(line, class)
	}
	for _, i := range w.order {
		w.card(i)
	}
	w.WriteString("</svg>")
}

// defs writes the shapes that cards refer to.
func (w *writer) defs() {
	w.WriteString(
		`<defs><marker id="p-arrow" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 .5L8 4L0 7.5Z"/></marker>` +
			`<marker id="p-diamond" viewBox="0 0 12 8" refX="0" refY="4" markerWidth="12" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 4L6 .5L12 4L6 7.5Z"/></marker>`,
	)
	done := map[string]bool{}
	once := func(id string, write func()) {
		if !done[id] {
			done[id] = true
			write()
		}
	}
	for i := range w.items {
		it := &w.items[i]
		outline := it.look.class
		if it.isFold() {
			outline = "fold"
		}
		once("o-"+outline, func() { w.f(`<g id="p-o-%s">%s</g>`, outline, outlines[outline]) })
		once("i-"+it.look.symbol, func() { w.f(`<g id="p-i-%s" class="icon">%s</g>`, it.look.symbol, icons[it.look.symbol]) })
		once(w.shape(it), func() {
			lift := 12
			if it.isFold() {
				lift = 9
			}
			w.f(
				`<g id="p-%s"><use href="#p-o-%s"/><use href="#p-i-%s" x="11" y="%d"/></g>`,
				w.shape(it),
				outline,
				it.look.symbol,
				lift,
			)
		})
		if it.mark != plain {
			once(fmt.Sprint("b-", it.mark), func() { w.badge(it.mark) })
		}
	}
	w.WriteString("</defs>")
}

// shape is the name of an item's whole shape.
func (w *writer) shape(it *item) string {
	if it.isFold() {
		return "f-" + it.look.symbol
	}
	return "s-" + it.look.symbol
}

// badge writes the sign of a mark with its word. Affected nodes have only the sign, because there are often many.
func (w *writer) badge(m mark) {
	class, word := markClasses[m], markWords[m]
	if m == affected {
		w.f(
			`<g id="p-b-%d" class="stamp stamp-%s"><circle cx="%d" cy="-2" r="9"/><g transform="translate(%d -7.8)">%s</g></g>`,
			m,
			class,
			cardWidth-14,
			cardWidth-19,
			signs[class],
		)
		return
	}
	length := math.Ceil(measure(word, badgeSize))
	left := cardWidth - 8 - length - 26
	w.f(
		`<g id="p-b-%d" class="stamp stamp-%s"><rect x="%.0f" y="-12" width="%.0f" height="17" rx="8.5"/><g transform="translate(%.0f -8.5)">%s</g><text x="%.0f" y=".5" textLength="%.0f" lengthAdjust="spacingAndGlyphs">%s</text></g>`,
		m,
		class,
		left,
		length+26,
		left+7,
		signs[class],
		left+20,
		length-1,
		word,
	)
}

// lines writes the links of one kind.
func (w *writer) lines(kind int, class string) {
	open := false
	for i := range w.links {
		l := &w.links[i]
		if int(l.line) != kind {
			continue
		}
		if !open {
			open = true
			end := map[string]string{"led": ` marker-end="url(#p-arrow)"`, "held": ` marker-start="url(#p-diamond)"`}[class]
			w.f(`<g class="%s"%s>`, class, end)
		}
		w.f(`<path data-e="%d-%d" d="%s"/>`, l.from, l.to, w.curve(l))
	}
	if open {
		w.WriteString("</g>")
	}
}

// curve returns the path of a link.
func (w *writer) curve(l *link) string {
	y := func(t int) int { return int(math.Round(w.dots[t].y)) }
	left := func(t int) int { return margin + w.dots[t].layer*pitch }
	if l.path == nil {
		x, above, below := w.beside(*l)
		if w.neighbours(above, below) {
			if l.from == above {
				return fmt.Sprintf("M%.0f %dV%d", x+cardWidth/2, y(above)+cardHeight/2, y(below)-cardHeight/2)
			}
			return fmt.Sprintf("M%.0f %dV%d", x+cardWidth/2, y(below)-cardHeight/2, y(above)+cardHeight/2)
		}
		return fmt.Sprintf(
			"M%.0f %dC%.0f %d %.0f %d %.0f %d",
			x+cardWidth,
			y(l.from),
			x+cardWidth+44,
			y(l.from),
			x+cardWidth+44,
			y(l.to),
			x+cardWidth,
			y(l.to),
		)
	}
	path := l.path
	near, far := func(t int) int { return left(t) + cardWidth }, left // where a line leaves and enters a column
	if l.turned {
		path = slices.Clone(path)
		slices.Reverse(path)
		near, far = far, near
	}
	var b strings.Builder
	fmt.Fprintf(&b, "M%d %d", near(path[0]), y(path[0]))
	for i, t := range path[1:] {
		from := path[i]
		if y(from) == y(t) {
			fmt.Fprintf(&b, "H%d", far(t))
		} else {
			mid := (near(from) + far(t)) / 2
			fmt.Fprintf(&b, "C%d %d %d %d %d %d", mid, y(from), mid, y(t), far(t), y(t))
		}
		if t != path[len(path)-1] {
			fmt.Fprintf(&b, "H%d", near(t))
		}
	}
	return b.String()
}

// card writes one item.
func (w *writer) card(i int) {
	it := &w.items[i]
	title, sub := w.caption(it)
	full := title
	if it.isFold() {
		title, sub = narrow(title, sub)
	}
	class := "n k-" + it.look.class
	if it.isFold() {
		class += " fold"
	}
	if mark := markClasses[it.mark]; mark != "" {
		class += " m-" + mark
	}
	if it.carrier {
		class += " carrier"
	}
	link, current := w.link(i), ""
	if i == 0 {
		class, current = class+" start", ` aria-current="true"`
	}
	tag := "g"
	if link != "" {
		tag = "a"
		link = ` href="` + html.EscapeString(link) + `"`
	}
	x, y := margin+it.layer*pitch, int(math.Round(w.dots[i].y))-cardHeight/2
	w.f(
		`<%s id="n%d" class="%s"%s%s transform="translate(%d %d)"><title>%s</title>`,
		tag,
		i,
		class,
		link,
		current,
		x,
		y,
		esc(w.hint(it, full)),
	)
	if i == 0 {
		w.f(`<rect class="ring" x="-5" y="-5" width="%d" height="%d" rx="11"/>`, cardWidth+10, cardHeight+10)
	}
	w.f(`<use href="#p-%s"/>`, w.shape(it))
	lift := 0
	if it.isFold() {
		lift = 3
	}
	if sub == "" {
		w.text("", title, titleSize, 26-lift)
	} else {
		w.text("", title, titleSize, 19-lift)
		w.text("sub", sub, subSize, 34-lift)
	}
	if it.mark != plain {
		w.f(`<use href="#p-b-%d"/>`, it.mark)
	}
	w.f("</%s>", tag)
}

// text writes a line that is shortened to fit the card. If the line is almost as long as the card, it gets its
// estimated length as a fixed length, so that another typeface can't make it longer.
func (w *writer) text(class, s string, size float64, y int) {
	s = fit(s, size, textRoom)
	if class != "" {
		class = ` class="` + class + `"`
	}
	length := ""
	if n := measure(s, size); n > textRoom*0.8 {
		length = fmt.Sprintf(` textLength="%.0f" lengthAdjust="spacingAndGlyphs"`, n)
	}
	w.f(`<text%s x="%d" y="%d"%s>%s</text>`, class, textLeft, y, length, esc(s))
}

// hint is the tooltip of a card, and its name for people who can't see it.
func (w *writer) hint(it *item, title string) string {
	n := &w.g.nodes[it.nodes[0]]
	words := []string{title}
	if it.isFold() {
		words = append(words, "folded; follow to show more")
		if it.mark != plain {
			words = append(words, markWords[it.mark])
		}
		return strings.Join(append(words, w.lanes[it.lane].name), " · ")
	}
	words = append(words, it.look.one, w.lanes[it.lane].name)
	if state := n.state(); state != "" {
		words = append(words, state)
	}
	return strings.Join(append(words, n.ID), " · ")
}

// link returns the address that an item leads to, if it is on this site.
func (w *writer) link(i int) string {
	it := &w.items[i]
	link := ""
	if it.isFold() {
		step := Step
		if !it.chain && w.degree[i] > 1 {
			step = BranchStep
		}
		link = w.options.Unfold(it.key, w.options.Unfolded[it.key]+step)
	} else {
		link = w.options.Link(w.g.nodes[it.nodes[0]].Node)
	}
	if strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "//") || strings.HasPrefix(link, "?") ||
		strings.HasPrefix(link, "#") {
		return link
	}
	return ""
}

// gutter draws the names of the lanes, written upwards.
func (d *drawing) gutter(p *Picture) template.HTML {
	if len(d.lanes) < 2 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(
		&b,
		`<svg class="gutter" width="%d" height="%d" viewBox="0 0 %d %d" aria-hidden="true">`,
		gutterWidth,
		p.Height,
		gutterWidth,
		p.Height,
	)
	for i, l := range d.lanes {
		class := "lane"
		if i%2 == 1 {
			class = "lane odd"
		}
		fmt.Fprintf(
			&b,
			`<rect class="%s" y="%.0f" width="%d" height="%.0f"/><text transform="translate(%d %.0f) rotate(-90)">%s</text>`,
			class,
			l.top,
			gutterWidth,
			l.height,
			gutterWidth/2+4,
			l.top+l.height/2,
			esc(fit(l.name, 12, l.height-12)),
		)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // every text in it went through esc
}

// legend lists the kinds, lines and marks that occur.
func (d *drawing) legend() []Entry {
	var entries []Entry
	add := func(symbol, label string) {
		entries = append(
			entries,
			Entry{template.HTML(symbol), strings.ToUpper(label[:1]) + label[1:]},
		) //nolint:gosec // made here, of our own words
	}
	seen := map[string]bool{}
	for i := range d.items {
		it := &d.items[i]
		if l := it.look; !seen[l.one] && l != folded {
			seen[l.one] = true
			add(
				fmt.Sprintf(
					`<svg class="sign k-%s" width="22" height="22" viewBox="-1 -1 22 22" aria-hidden="true"><use href="#p-i-%s"/></svg>`,
					l.class,
					l.symbol,
				),
				l.one,
			)
		}
	}
	for kind := len(lineClasses) - 1; kind >= 0; kind-- {
		if slices.ContainsFunc(d.links, func(l link) bool { return int(l.line) == kind }) {
			mark := []string{"", ` marker-start="url(#p-diamond)"`, ` marker-end="url(#p-arrow)"`}[kind]
			add(
				fmt.Sprintf(
					`<svg class="sign" width="40" height="12" viewBox="0 0 40 12" aria-hidden="true"><g class="%s"><path d="M1 6H39"%s/></g></svg>`,
					lineClasses[kind],
					mark,
				),
				[]string{"event names it", "holds", "cause and effect"}[kind],
			)
		}
	}
	for m := recalled; m > plain; m-- {
		if slices.ContainsFunc(d.items, func(it item) bool { return it.mark == m }) {
			add(
				fmt.Sprintf(
					`<svg class="sign stamp-%s" width="14" height="14" viewBox="-2 -2 14 14" aria-hidden="true"><g>%s</g></svg>`,
					markClasses[m],
					signs[markClasses[m]],
				),
				markLabels[m],
			)
		}
	}
	return entries
}

var markLabels = map[mark]string{
	recalled: "recalled", withdrawn: "withdrawn", warned: "warned of by somebody who doesn't answer for it",
	mistaken: "declared an error", affected: "affected: reached by something recalled, withdrawn or warned of",
	finding: "a finding is recorded", corrected: "corrected", approved: "approved", certified: "certified",
}

// rows returns the content of the picture as rows of a table.
func (w *writer) rows() []Row {
	rows := make([]Row, len(w.items))
	for i := range w.items {
		it := &w.items[i]
		n := &w.g.nodes[it.nodes[0]]
		r := Row{Mark: i, Link: w.link(i), Kind: it.look.one, Organisation: w.lanes[it.lane].name, Count: len(it.nodes)}
		r.Title, r.Sub = w.caption(it)
		if it.isFold() {
			r.State = markWords[it.mark]
		} else {
			r.ID, r.Time, r.State = n.ID, n.Time, n.state()
		}
		rows[i] = r
	}
	for _, l := range w.links {
		how := lineWords[l.line]
		rows[l.from].To = append(rows[l.from].To, Ref{l.to, rows[l.to].Title, how})
		rows[l.to].From = append(rows[l.to].From, Ref{l.from, rows[l.from].Title, how})
	}
	return rows
}
