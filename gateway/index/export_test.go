package index

import "time"

// SetPatience sets how long an index in PostgreSQL bears with one that leads and does nothing.
func SetPatience(ix *Index, d time.Duration) { ix.db.(*postgres).patience = d }

// CheckVersion judges a server's version number.
var CheckVersion = checkVersion
