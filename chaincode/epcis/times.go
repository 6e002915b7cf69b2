package epcis

import "time"

// parseTime reads an RFC 3339 date and time to the nanosecond and returns it in
// UTC. The time must exist: the month must have the day, the offset must be below
// 24 hours, and the year must be 1 to 9999, as written and in UTC. parseTime
// refuses leap seconds (:60). No sender of events needs them, and neither the
// hash rules nor a timeline can express them.
func parseTime(s string) (time.Time, bool) {
	const shortest = len("2006-01-02T15:04:05Z")
	if len(s) < shortest || s[4] != '-' || s[7] != '-' || s[10] != 'T' && s[10] != 't' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	year, month, day := number2(s, 0)*100+number2(s, 2), number2(s, 5), number2(s, 8)
	hour, minute, second := number2(s, 11), number2(s, 14), number2(s, 17)
	if number2(s, 2) < 0 || year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	rest, nanos := s[19:], 0
	if rest[0] == '.' {
		n := leadingDigits(rest[1:])
		if n == 0 {
			return time.Time{}, false
		}
		for i := range 9 {
			nanos *= 10
			if i < n {
				nanos += int(rest[1+i] - '0')
			}
		}
		rest = rest[1+n:]
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC).Add(-offset)
	return t, !t.Before(earliest) && t.Before(latest)
}

// earliest is the first time that can be written. Times from latest on would be
// rounded to a time that can't be written.
var (
	earliest = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 999_500_000, time.UTC)
)

// parseOffset reads Z or ±hh:mm.
func parseOffset(s string) (time.Duration, bool) {
	if s == "Z" || s == "z" {
		return 0, true
	}
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, minutes := number2(s, 1), number2(s, 4)
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	d := time.Duration(hours*60+minutes) * time.Minute
	if s[0] == '-' {
		d = -d
	}
	return d, true
}

// isZoneOffset reports whether s is an eventTimeZoneOffset: ±hh:mm, at most
// 14:00 (EPCIS 2.0, section 7.4.1).
func isZoneOffset(s string) bool {
	d, ok := parseOffset(s)
	return ok && len(s) == 6 && d.Abs() <= 14*time.Hour
}

// number2 reads two digits. It returns a negative number if they aren't digits.
func number2(s string, at int) int {
	tens, ones := s[at]-'0', s[at+1]-'0'
	if tens > 9 || ones > 9 {
		return -1000
	}
	return int(tens)*10 + int(ones)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// appendTime appends a time in the form that is hashed: in UTC with three
// decimals. Half of a millisecond is rounded up.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.Add(500 * time.Microsecond)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	millis := t.Nanosecond() / 1_000_000
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, '-'), int(month), 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, 'T'), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	dst = appendDigits(append(dst, ':'), second, 2)
	dst = appendDigits(append(dst, '.'), millis, 3)
	return append(dst, 'Z')
}

// appendDigits appends n with leading zeros.
func appendDigits(dst []byte, n, width int) []byte {
	at := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := at + width - 1; i >= at; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}
