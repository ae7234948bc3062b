package archive

import "time"

// plainTimestamp reads the form that nearly all timestamps have, 2006-01-02T15:04:05.999999999Z, with any fraction of up to
// nine digits or none, and an offset in place of the Z. It is there because time.Parse takes longer than all else that is
// done with a small event; what it does not take, for whatever reason, is for time.Parse.
func plainTimestamp(s []byte) (int64, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	year, month, day := 100*two(s[0:])+two(s[2:]), two(s[5:]), two(s[8:])
	hour, minute, second := two(s[11:]), two(s[14:]), two(s[17:])
	if two(s[0:])|two(s[2:])|month|day|hour|minute|second < 0 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	if day > 28 && day > daysIn(year, month) {
		return 0, false
	}
	fraction, rest, ok := fractionOf(s[19:])
	if !ok {
		return 0, false
	}
	offset, ok := offsetOf(rest)
	if !ok {
		return 0, false
	}
	seconds := (daysSince1970(year, month, day)*24+hour)*3600 + minute*60 + second - offset
	if seconds < 0 || seconds >= endOfTime {
		return 0, false
	}
	return int64(seconds)*int64(time.Second) + fraction, true
}

// two are two digits as a number, negative when they are none.
func two(s []byte) int {
	tens, ones := int(s[0])-'0', int(s[1])-'0'
	if uint(tens) > 9 || uint(ones) > 9 {
		return -1 << 20
	}
	return 10*tens + ones
}

// fractionOf reads a point and up to nine digits, as nanoseconds, and returns what stands behind them.
func fractionOf(s []byte) (int64, []byte, bool) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, true
	}
	n := digits(s[1:])
	if n == 0 || n > 9 {
		return 0, nil, false
	}
	ns := int64(0)
	for i := range 9 {
		ns *= 10
		if i < n {
			ns += int64(s[1+i] - '0')
		}
	}
	return ns, s[1+n:], true
}

// offsetOf reads Z or ±15:04, in seconds east of UTC.
func offsetOf(s []byte) (int, bool) {
	if len(s) == 1 && s[0] == 'Z' {
		return 0, true
	}
	if len(s) != len("+15:04") || s[3] != ':' {
		return 0, false
	}
	hours, minutes := two(s[1:]), two(s[4:])
	if hours|minutes < 0 || hours > 23 || minutes > 59 {
		return 0, false
	}
	switch s[0] {
	case '+':
		return hours*3600 + minutes*60, true
	case '-':
		return -hours*3600 - minutes*60, true
	}
	return 0, false
}

var daysOf = [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return daysOf[month-1]
}

// daysSince1970 counts in years that begin in March, so that a leap day ends one (days_from_civil in Howard Hinnant's
// "chrono-Compatible Low-Level Date Algorithms", for years from 0 on).
func daysSince1970(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	era, of := year/400, year%400
	return era*146097 + of*365 + of/4 - of/100 + (153*(month-3)+2)/5 + day - 1 - 719468
}

// plainMilliseconds reads a number of 13 digits, which is what most numbers for times are.
func plainMilliseconds(s []byte) (int64, bool) {
	if len(s) != len("1761998400123") || s[0] == '0' || digits(s) != len(s) {
		return 0, false
	}
	ms := int64(0)
	for _, c := range s {
		ms = 10*ms + int64(c-'0')
	}
	return ms, ms < endOfTime*1000
}
