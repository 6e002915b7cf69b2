// Package epcis checks and reads events of the EPCIS 2.0 standard of GS1.
//
// It checks events at least as strictly as GS1's own JSON schema. It reads from
// them what lineage needs, gives every thing its canonical name, and computes
// the event hash id that the Core Business Vocabulary (CBV) defines.
//
// [Document] splits an EPCISDocument, an EPCISQueryDocument or a single event
// into events. [Decode] checks and reads one event. [HashID] computes its hash
// id. [Thing] gives an EPC URN or a GS1 Digital Link its canonical spelling. The
// package never changes an event: it stays the [canonical.Value] that it was
// read from, with all its extensions.
//
// The package is part of the chaincode, so every organisation runs it on every
// event. It is deterministic, uses no clock and no network, and takes a few
// microseconds for an event. That is why the checks are tables with plain code
// (shapes.go, words.go) and not the schema itself. The tests compare them with
// the official schema.
//
// # Stricter than the schema
//
// The package refuses everything that the schema refuses. It also refuses some
// things that the schema accepts:
//
//	other event types           lineage can't follow them
//	undeclared prefixes         an extension without a namespace has no meaning and no hash; the package
//	                            doesn't fetch contexts, but it knows the prefixes of GS1's own
//	@context in an extension    it would silently change the meaning of names
//	bare names in readPoint,    JSON-LD silently drops them
//	bizLocation and epcisBody
//	URIs                        must be those of RFC 3986, in ASCII, without spaces; many validators are lax
//	times                       no leap seconds, no year 0, and in UTC within the years 1 to 9999
//	one eventID twice           in one document, unless one of the events is an error declaration
//	size                        128 parts and 500 names in the @contexts of an event, 64 levels in an extension
//
// # Hashes
//
// The hash rules of the CBV leave some questions open. The answers here are:
//
//   - Numbers with an exponent are written in plain digits. Text that would become
//     longer than 400 digits isn't treated as a number.
//   - In the block of inner extensions of CBV 2.0, sensor elements and reports are
//     sorted like all other lists.
//   - An extension whose name is a full URI has the same hash as with its compact
//     name.
//   - Serial numbers are percent-encoded in one way before hashing, so a hash
//     doesn't depend on whether somebody wrote %2f or %2F.
package epcis
