package sqlite

// schema makes the tables. All ids count upwards in ledger order, so most of these trees grow at their right edge
// only. Times are microseconds since 1970. Words, such as business steps and places, are nodes of their own.
//
// The statements are stored in the file as they are, comments included. A change needs a new projection.Version.
var schema = []string{
	`CREATE TABLE block (
		number INTEGER PRIMARY KEY, hash BLOB NOT NULL, previous BLOB NOT NULL,
		transactions INTEGER NOT NULL,
		last INTEGER NOT NULL, -- the greatest id handed out up to and with this block
		earliest INTEGER, latest INTEGER -- the times of its events; null if there are none
	)`,
	`CREATE TABLE creator (id INTEGER PRIMARY KEY, msp TEXT NOT NULL, subject TEXT NOT NULL)`,
	`CREATE TABLE tx (
		id INTEGER PRIMARY KEY, txid TEXT NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
		creator INTEGER NOT NULL, time INTEGER NOT NULL, code INTEGER NOT NULL,
		before INTEGER NOT NULL -- the greatest id handed out before this transaction
	)`,
	`CREATE INDEX tx_txid ON tx (txid)`,
	`CREATE INDEX tx_time ON tx (time)`,
	`CREATE TABLE pack (id INTEGER PRIMARY KEY, data BLOB NOT NULL)`,
	`CREATE TABLE node (
		id INTEGER PRIMARY KEY, kind INTEGER NOT NULL,
		tx INTEGER NOT NULL, pack INTEGER, line INTEGER, -- where first recorded, or first named
		thing TEXT, -- the URI of a thing
		name TEXT, digest BLOB, -- the text of anything else; the digest of a record
		links BLOB, -- of a record: what it names; of others: the links to it of the block that made it
		time INTEGER, -- of a record: when it happened, by its own word
		shape INTEGER, hash BLOB, eventid TEXT -- of an event; eventid is null when it is the hash
	)`,
	`CREATE INDEX node_thing ON node (thing) WHERE thing IS NOT NULL`,
	`CREATE TABLE again (id INTEGER PRIMARY KEY, record INTEGER NOT NULL, tx INTEGER NOT NULL, pack INTEGER NOT NULL, line INTEGER NOT NULL)`,
	`CREATE INDEX again_record ON again (record)`,
	`CREATE TABLE link ( -- links to a node, of blocks after the one that made it, and all links to records
		node INTEGER NOT NULL, since INTEGER NOT NULL, -- the first record
		data BLOB NOT NULL,
		PRIMARY KEY (node, since)
	) WITHOUT ROWID`,
	`CREATE TABLE shape (
		id INTEGER PRIMARY KEY, type INTEGER NOT NULL, action INTEGER NOT NULL,
		step INTEGER, disposition INTEGER, readpoint INTEGER, location INTEGER
	)`,
	`CREATE TABLE keychunk (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, level INTEGER NOT NULL, data BLOB NOT NULL)`,
	`CREATE TABLE declaration (
		event INTEGER PRIMARY KEY, hash INTEGER NOT NULL, eventid INTEGER NOT NULL,
		time INTEGER NOT NULL, reason TEXT NOT NULL, corrective TEXT NOT NULL -- event ids, a JSON array
	)`,
	`CREATE INDEX declaration_hash ON declaration (hash)`,
	`CREATE INDEX declaration_eventid ON declaration (eventid)`,
	`CREATE TABLE artifact (
		record INTEGER PRIMARY KEY, node INTEGER NOT NULL, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
		algorithm TEXT NOT NULL, digest TEXT NOT NULL, coverage TEXT NOT NULL
	)`,
	`CREATE INDEX artifact_node ON artifact (node)`,
	`CREATE INDEX artifact_series ON artifact (kind, namespace, name)`,
	`CREATE INDEX artifact_digest ON artifact (digest)`,
	`CREATE TABLE activity (
		record INTEGER PRIMARY KEY, type TEXT NOT NULL, started INTEGER, ended INTEGER,
		breaches INTEGER NOT NULL -- how many inputs it used after consent had been withdrawn
	)`,
	`CREATE TABLE statement (record INTEGER PRIMARY KEY, kind TEXT NOT NULL)`,
	`CREATE TABLE member (record INTEGER PRIMARY KEY, msp TEXT NOT NULL, name TEXT NOT NULL)`,
	`CREATE TABLE namespace (name TEXT NOT NULL, record INTEGER NOT NULL, msp TEXT NOT NULL, PRIMARY KEY (name, record))`,
	`CREATE TABLE tile ( -- complete subtrees of the tree of recordings; those of level n have 256^n leaves
		level INTEGER NOT NULL, number INTEGER NOT NULL,
		last INTEGER NOT NULL, -- the id of its last recording
		hash BLOB NOT NULL,
		PRIMARY KEY (level, number)
	) WITHOUT ROWID`,
	`CREATE INDEX tile_last ON tile (level, last)`,
}
