package capture

// mostForOne is how much of the queue the jobs of one token may fill. The rest is for others, so nobody can keep them
// out by sending more than the ledger takes. A single job may fill the queue if it is the only one of its token.
func mostForOne(all int) int { return all / 4 * 3 }

// load is how much unfinished work the queue holds, and for whom. Guarded by Queue.mu.
type load struct {
	held
	by map[string]held // by the name of the token
}

// held are records that are not finished, and their bytes.
type held struct{ records, bytes int }

// add counts records of a token; negative numbers give room back.
func (l *load) add(token string, records, bytes int) {
	l.records += records
	l.bytes += bytes
	own := l.by[token]
	own.records += records
	own.bytes += bytes
	if own == (held{}) {
		delete(l.by, token)
	} else {
		l.by[token] = own
	}
}

// fits tells whether there is room for more of a token, of whose work some is that of the job itself.
func (l *load) fits(token string, more, itself held, cfg *Config) bool {
	if l.records+more.records > cfg.QueuedRecords || l.bytes+more.bytes > cfg.QueuedBytes {
		return false
	}
	own := l.by[token]
	return own == itself ||
		own.records+more.records <= mostForOne(cfg.QueuedRecords) && own.bytes+more.bytes <= mostForOne(cfg.QueuedBytes)
}
