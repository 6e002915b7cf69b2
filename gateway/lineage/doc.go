// Package lineage walks the graph of things, artifacts and records.
package lineage
