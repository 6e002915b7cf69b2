package postgres

import "github.com/pedigree-ledger/pedigree/gateway/index/projection"

// schema makes the tables of projection.AllTables, whose columns have the same names, order and meaning as in the
// package sqlite, and two more. The table about has one row: the version of the program that made the tables, the
// epoch, which changes whenever they are made anew, and the reason why they have to be, if somebody found them
// damaged. The table key has the keys.
//
// The database's indexes are on numbers, on hashes of fixed size, or on texts that the ledger bounds.
var schema = []string{
	`CREATE TABLE about (application BIGINT NOT NULL, version BIGINT NOT NULL, epoch BIGINT NOT NULL, damaged TEXT)`,
	`CREATE TABLE block (
		number BIGINT PRIMARY KEY, hash BYTEA NOT NULL, previous BYTEA NOT NULL, transactions BIGINT NOT NULL,
		last BIGINT NOT NULL,
		earliest BIGINT, latest BIGINT
	)`,
	`CREATE TABLE creator (id BIGINT PRIMARY KEY, msp BYTEA NOT NULL, subject BYTEA NOT NULL)`,
	`CREATE TABLE tx (
		id BIGINT PRIMARY KEY, txid BYTEA NOT NULL, block BIGINT NOT NULL, position BIGINT NOT NULL,
		creator BIGINT NOT NULL, time BIGINT NOT NULL, code BIGINT NOT NULL, before BIGINT NOT NULL
	)`,
	`CREATE INDEX tx_txid ON tx USING hash (txid)`, // whose keys may be of any length
	`CREATE INDEX tx_time ON tx (time)`,
	`CREATE TABLE pack (id BIGINT PRIMARY KEY, data BYTEA NOT NULL)`,
	`ALTER TABLE pack ALTER data SET STORAGE EXTERNAL`, // packs are compressed already
	`CREATE TABLE node (
		id BIGINT PRIMARY KEY, kind BIGINT NOT NULL, tx BIGINT NOT NULL, pack BIGINT, line BIGINT,
		thing BYTEA, name BYTEA, digest BYTEA, links BYTEA, time BIGINT, shape BIGINT, hash BYTEA, eventid BYTEA
	)`,
	`CREATE INDEX node_thing ON node (substring(thing FROM 1 FOR 1000)) WHERE thing IS NOT NULL`, // see Between
	`CREATE TABLE key (hash BIGINT NOT NULL, id BIGINT NOT NULL)`,                                // see projection.Key
	`CREATE INDEX key_hash ON key (hash, id)`,
	`CREATE TABLE again (id BIGINT PRIMARY KEY, record BIGINT NOT NULL, tx BIGINT NOT NULL,
		pack BIGINT NOT NULL, line BIGINT NOT NULL)`,
	`CREATE INDEX again_record ON again (record)`,
	`CREATE TABLE link (node BIGINT NOT NULL, since BIGINT NOT NULL, data BYTEA NOT NULL, PRIMARY KEY (node, since))`,
	`CREATE TABLE shape (
		id BIGINT PRIMARY KEY, type BIGINT NOT NULL, action BIGINT NOT NULL,
		step BIGINT, disposition BIGINT, readpoint BIGINT, location BIGINT
	)`,
	`CREATE TABLE declaration (
		event BIGINT PRIMARY KEY, hash BIGINT NOT NULL, eventid BIGINT NOT NULL, time BIGINT NOT NULL,
		reason BYTEA NOT NULL, corrective BYTEA NOT NULL
	)`,
	`CREATE INDEX declaration_hash ON declaration (hash)`,
	`CREATE INDEX declaration_eventid ON declaration (eventid)`,
	`CREATE TABLE artifact (
		record BIGINT PRIMARY KEY, node BIGINT NOT NULL, kind BYTEA NOT NULL, namespace BYTEA NOT NULL,
		name BYTEA NOT NULL, version BYTEA NOT NULL,
		algorithm BYTEA NOT NULL, digest BYTEA NOT NULL, coverage BYTEA NOT NULL
	)`,
	`CREATE INDEX artifact_node ON artifact (node)`,
	`CREATE INDEX artifact_series ON artifact (kind, namespace, name)`,
	`CREATE INDEX artifact_digest ON artifact USING hash (digest)`,
	`CREATE TABLE activity (
		record BIGINT PRIMARY KEY, type BYTEA NOT NULL, started BIGINT, ended BIGINT, breaches BIGINT NOT NULL
	)`,
	`CREATE TABLE statement (record BIGINT PRIMARY KEY, kind BYTEA NOT NULL)`,
	`CREATE TABLE member (record BIGINT PRIMARY KEY, msp BYTEA NOT NULL, name BYTEA NOT NULL)`,
	`CREATE TABLE namespace (name BYTEA NOT NULL, record BIGINT NOT NULL, msp BYTEA NOT NULL, PRIMARY KEY (name, record))`,
	`CREATE TABLE tile (level BIGINT NOT NULL, number BIGINT NOT NULL, last BIGINT NOT NULL, hash BYTEA NOT NULL,
		PRIMARY KEY (level, number))`,
	`CREATE INDEX tile_last ON tile (level, last)`,
}

// ownTables are the tables that projection.AllTables doesn't have.
var ownTables = []string{"about", "key"}

// tableNames are the names of all tables.
func tableNames() []string {
	names := append([]string{}, ownTables...)
	for _, t := range projection.AllTables {
		names = append(names, t.Name)
	}
	return names
}
