// Package hostile is a member of the consortium that means harm: it has keys of its own, and a client of its own that
// speaks to peers and orderers directly. Its tests try what such a member tried before, against a real network, and
// fail when it succeeds.
package hostile
