// Package accept chooses the media type of an answer by the Accept header of a request.
package accept

import (
	"mime"
	"strconv"
	"strings"
)

// mostRanges is how many media ranges of an Accept header are read.
const mostRanges = 32

// Preferred returns the one of a route's media types that a caller prefers (RFC 9110, section 12.5.1), or "" if it
// accepts none of them. Of those that it likes equally it gets the first. What is malformed is passed over.
//
// It is ours, on top of the parser of the standard library, because no library does it: accept_test.go fails with each
// of these. github.com/munnerz/goautoneg (last changed in 2019) answers with types that q=0 refuses, and lets the order
// of the header decide where the more specific range should; github.com/elnormous/contenttype (2023) refuses a whole
// header for one malformed range.
func Preferred(header string, types []string) string {
	if strings.TrimSpace(header) == "" && len(types) > 0 {
		return types[0]
	}
	ranges := strings.Split(header, ",")
	ranges = ranges[:min(len(ranges), mostRanges)]
	best, quality := "", 0.0
	for _, t := range types {
		if q := qualityOf(t, ranges); q > quality {
			best, quality = t, q
		}
	}
	return best
}

// qualityOf is how much a caller likes a media type: what the most specific range says that fits it.
func qualityOf(mediaType string, ranges []string) float64 {
	specific, quality := noMatch, 0.0
	for _, text := range ranges {
		wanted, params, err := mime.ParseMediaType(text)
		if err != nil {
			continue
		}
		if s := fits(wanted, mediaType); s > specific {
			specific, quality = s, 1
			if q, ok := params["q"]; ok {
				if quality, err = strconv.ParseFloat(q, 64); err != nil || !(quality >= 0 && quality <= 1) {
					quality = 0
				}
			}
		}
	}
	return quality
}

// How closely a media range fits a type.
const (
	noMatch = iota
	anyType
	anySubtype
	exactly
)

func fits(wanted, have string) int {
	major, _, _ := strings.Cut(have, "/")
	switch wanted {
	case have:
		return exactly
	case major + "/*":
		return anySubtype
	case "*/*":
		return anyType
	}
	return noMatch
}
