// Package epcis says what an EPCIS 2.0 event is: it checks events as strictly
// as GS1's own JSON schema, reads from them what lineage needs, gives every
// thing its canonical name, and computes the event hash id of the Core Business
// Vocabulary.
//
// [Document] takes an EPCISDocument, an EPCISQueryDocument or a single event
// apart; [Decode] checks and reads one event; [HashID] computes its hash id;
// [Thing] gives an EPC URN or a GS1 Digital Link its one canonical spelling.
// An event itself is never changed: it stays the [canonical.Value] that it was
// read from, extensions and all.
//
// The package is part of the chaincode, so every organisation runs it on every
// event: it is deterministic, asks no clock and no network, and takes a few
// microseconds for an event. The checks are therefore plain code along tables
// (shapes.go, words.go), which the tests compare with the official schema.
//
// # Stricter than the schema
//
// What the schema refuses is refused here. These are the places where the
// schema accepts more:
//
//	event types of one's own    they say nothing that lineage can follow
//	undeclared prefixes         an extension without a namespace has no meaning and no hash;
//	                            contexts named by address only are not fetched, GS1's own is known
//	@context in an extension    it would change what names mean behind the reader's back
//	bare names in readPoint,    JSON-LD drops them silently
//	bizLocation and epcisBody
//	URIs                        of RFC 3986, in ASCII, without spaces; many validators are lax
//	times                       leap seconds, year 0, and times that leave the years 1 to 9999 in UTC
//	one eventID twice           in one document, unless one is an error declaration
//	size                        128 parts and 500 names in the @contexts of an event, 64 levels in an extension
//
// # Hashes
//
// Where the hash rules leave room: numbers in exponent form are written in
// plain digits; text that would become longer than 400 digits is no number; in
// the block of inner extensions of CBV 2.0, sensor elements and reports are
// sorted like everywhere else; a full URI as the name of an extension hashes as
// its compact name does; serial numbers are percent-encoded in one way before
// hashing, so a hash doesn't depend on %2f or %2F.
package epcis
