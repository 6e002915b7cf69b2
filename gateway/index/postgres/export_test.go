package postgres

import "time"

// SetPatience sets how long a store waits for a leader that does nothing.
func SetPatience(s *Store, d time.Duration) { s.patience = d }

// CheckVersion judges a server's version number.
var CheckVersion = checkVersion
