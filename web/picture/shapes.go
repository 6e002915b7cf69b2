package picture

// outlines are the outlines of cards, by the classes of looks. Each fills the card.
var outlines = map[string]string{
	"thing":     `<rect width="176" height="44" rx="6"/>`,
	"class":     `<rect width="176" height="44" rx="6"/><rect class="bare" x="3.5" y="3.5" width="169" height="37" rx="3.5"/>`,
	"event":     `<rect width="176" height="44" rx="22"/>`,
	"dataset":   `<path d="M7 0H169C178 0 178 44 169 44H7C-2 44 -2 0 7 0Z"/><path class="bare" d="M167 0.5C159 5 159 39 167 43.5"/>`,
	"model":     `<path d="M13 0H163L176 22L163 44H13L0 22Z"/>`,
	"code":      `<path d="M9 0H167L176 9V35L167 44H9L0 35V9Z"/>`,
	"document":  `<path d="M0 0H163L176 13V44H0Z"/><path class="bare" d="M163 0V13H176"/>`,
	"activity":  `<path d="M0 0H164L176 22L164 44H0L8 22Z"/>`,
	"statement": `<path d="M6 0H170A6 6 0 0 1 176 6V32A6 6 0 0 1 170 38H32L20 45V38H6A6 6 0 0 1 0 32V6A6 6 0 0 1 6 0Z"/>`,
	"unknown":   `<rect class="open" width="176" height="44" rx="6"/>`,
	"fold":      `<path class="bare" d="M10 45H166M5 41.5H171"/><rect width="176" height="38" rx="6"/>`,
}

// icons are the pictures in cards, by the symbols of looks, in a square of 20 by 20.
var icons = map[string]string{
	"item":           `<path d="M10 2L17 5.5V14L10 18L3 14V5.5ZM3 5.5L10 9L17 5.5M10 9V18"/>`,
	"lot":            `<path d="M6.5 3H13.5V9H6.5ZM3 9H10V16H3ZM10 9H17V16H10Z"/>`,
	"unit":           `<path d="M4 3H16V13H4ZM8 3V7H12V3M2 15H18M4 15V18M10 15V18M16 15V18"/>`,
	"place":          `<path d="M10 18C6 13 4.5 10.5 4.5 7.8A5.5 5.5 0 0 1 15.5 7.8C15.5 10.5 14 13 10 18Z"/><circle cx="10" cy="7.8" r="1.8"/>`,
	"asset":          `<path d="M3 5H17V15H3ZM3 9H17M7 15V18M13 15V18"/>`,
	"class":          `<path d="M3 4V16M6 4V16M8 4V16M11.5 4V16M14 4V16M17 4V16"/>`,
	"event":          `<circle cx="10" cy="10" r="7"/><circle class="full" cx="10" cy="10" r="2.2"/>`,
	"transformation": `<path d="M2 4H5L9 10H17M2 16H5L9 10M14 7L17 10L14 13"/>`,
	"aggregation":    `<path d="M2.5 2.5H17.5V17.5H2.5ZM6 9H10V14H6ZM11 6H14.5V14H11Z"/>`,
	"transaction":    `<path d="M3 7H16L13 4M17 13H4L7 16"/>`,
	"dataset":        `<path d="M3 3.5H17V16.5H3ZM3 8H17M3 12.2H17M8 3.5V16.5"/>`,
	"model":          `<path d="M4.5 5L10 10L15.5 5M4.5 15L10 10L15.5 15"/><circle class="full" cx="4" cy="4.6" r="1.9"/><circle class="full" cx="16" cy="4.6" r="1.9"/><circle class="full" cx="10" cy="10" r="2.3"/><circle class="full" cx="4" cy="15.4" r="1.9"/><circle class="full" cx="16" cy="15.4" r="1.9"/>`,
	"code":           `<path d="M7 5L2.5 10L7 15M13 5L17.5 10L13 15M11.3 3.5L8.7 16.5"/>`,
	"document":       `<path d="M5 2.5H12L15 5.5V17.5H5ZM7.5 8.5H12.5M7.5 11.5H12.5M7.5 14.5H11"/>`,
	"run":            `<circle cx="10" cy="10" r="7.3"/><path class="full" d="M8 6.5L14 10L8 13.5Z"/>`,
	"training":       `<path d="M3 17V3M3 17H17M5.5 14C8 13 8.5 8 16 5M12.5 4.5L16 5L14.5 8.2"/>`,
	"evaluation":     `<path d="M4 11L8.5 15.5L17 5"/>`,
	"decision":       `<path d="M10 2.5L17.5 10L10 17.5L2.5 10ZM7.8 8.2C7.8 5.8 12.2 5.8 12.2 8.2C12.2 9.8 10 9.8 10 11.6"/><circle class="full" cx="10" cy="13.9" r=".9"/>`,
	"statement":      `<path d="M4 4H16M4 8H16M4 12H11"/>`,
	"unknown":        `<path d="M6.5 7.5C6.5 3 13.5 3 13.5 7.3C13.5 10 10 9.8 10 12.6"/><circle class="full" cx="10" cy="16" r="1.1"/>`,
	"fold":           `<path d="M2 10H5M8 10H12M15 10H18"/><circle class="full" cx="3" cy="10" r="1.6"/><circle class="full" cx="10" cy="10" r="1.6"/><circle class="full" cx="17" cy="10" r="1.6"/>`,
}

// signs are the signs in badges, in a square of 10 by 10: a full triangle for nodes that are bad themselves, an open
// one for affected nodes, a tick, and a dot.
var signs = map[string]string{
	"bad":      `<path class="full" d="M5 .8L9.8 9.2H.2Z"/>`,
	"affected": `<path d="M5 1.6L9 8.6H1Z"/>`,
	"good":     `<path d="M1 5.4L4 8.4L9.2 2"/>`,
	"note":     `<circle class="full" cx="5" cy="5" r="2.6"/>`,
}
