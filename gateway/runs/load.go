package runs

import (
	"fmt"
	"time"

	"github.com/pedigree-ledger/pedigree/gateway/sqlitefile"
)

// weigh refuses an event for which there is no room, and counts one for which there is.
func (s *Store) weigh(tx *sqlitefile.Tx, caller Caller, r row, a *arrival) error {
	if r.events+1 > s.cfg.RunEvents && !a.event.Ends() {
		var pending int // of a run that is recorded in steps, those that no record has yet
		if err := tx.QueryRow("SELECT COUNT(*) FROM event WHERE run = ? AND late < 2 AND body IS NOT NULL",
			r.id).Scan(&pending); err != nil {
			return stored(err)
		}
		if pending+1 > s.cfg.RunEvents {
			return &LimitError{
				fmt.Sprintf("the run has %d events already, and more than %d are not kept of one", pending,
					s.cfg.RunEvents),
			}
		}
	}
	if r.held+len(a.body) > s.cfg.RunBytes {
		return &LimitError{
			fmt.Sprintf(
				"with this event of %d bytes the run's events would have more than the %d bytes that are kept of one",
				len(a.body),
				s.cfg.RunBytes,
			),
		}
	}
	if err := carry(tx, caller.MSPID, 0, len(a.body)); err != nil {
		return err
	}
	var runs, bytes int
	if err := tx.QueryRow("SELECT runs, bytes FROM load WHERE msp = ?", caller.MSPID).Scan(&runs, &bytes); err != nil {
		return stored(err)
	}
	ends := r.events > 0 && a.event.Ends() // that makes room
	if !ends && (runs > s.cfg.OpenRuns || bytes > s.cfg.Bytes) {
		return &BusyError{Runs: runs, Bytes: bytes, RetryAfter: busyPause}
	}
	return nil
}

// busyPause is when it may be worth trying again.
const busyPause = 10 * time.Second

// carry changes what an organisation has unfinished.
func carry(tx *sqlitefile.Tx, msp string, runs, bytes int) error {
	_, err := tx.Exec(
		"INSERT INTO load VALUES (?1, ?2, ?3) ON CONFLICT (msp) DO UPDATE SET runs = runs + ?2, bytes = bytes + ?3",
		msp,
		runs,
		bytes,
	)
	return stored(err)
}

// carryRow adds a run to what its organisation has unfinished (sign 1), or takes it away (-1).
func carryRow(tx *sqlitefile.Tx, id int64, sign int) error {
	_, err := tx.Exec(`UPDATE load SET runs = runs + ?2, bytes = bytes + ?2 * (SELECT held FROM run WHERE id = ?1)
		WHERE msp = (SELECT msp FROM run WHERE id = ?1)`, id, sign)
	return stored(err)
}
