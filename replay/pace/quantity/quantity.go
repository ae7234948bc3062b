// Package quantity reads and writes whole numbers with a unit, such as 50k, 20MB or 512MiB, without rounding: 1.5k is
// 1500, 1.5 is an error, and Parse(Format(n)) is n for every n.
//
// It stands below pace because rates have units, and is shared with config, which has sizes.
package quantity

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Unit is a suffix and the number it stands for.
type Unit struct {
	Suffix string
	Factor int64
}

// Bytes are the units of sizes: powers of ten, and of two with an i. Capitals matter, since Mb are bits elsewhere.
var Bytes = []Unit{
	{"TiB", 1 << 40},
	{"TB", 1e12},
	{"GiB", 1 << 30},
	{"GB", 1e9},
	{"MiB", 1 << 20},
	{"MB", 1e6},
	{"KiB", 1 << 10},
	{"KB", 1e3},
	{"B", 1},
}

// Count are the units of things counted.
var Count = []Unit{{"M", 1e6}, {"k", 1e3}, {"", 1}}

// maxLength bounds what Parse looks at: the longest number of 64 bits has 19 digits.
const maxLength = 32

// Parse reads a decimal number that is followed by one of the units. Negative numbers, fractions of 1 and numbers
// beyond an int64 are errors.
func Parse(s string, units []Unit) (int64, error) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789."))
	number, suffix := s[:digits], s[digits:]
	factor, ok := factorOf(suffix, units)
	value, isNumber := new(big.Rat).SetString(number)
	if !ok || !isNumber || len(s) > maxLength {
		return 0, fmt.Errorf("%q is not a number with a unit of %s", s, list(units))
	}
	value.Mul(value, new(big.Rat).SetInt64(factor))
	if !value.IsInt() || !value.Num().IsInt64() {
		return 0, fmt.Errorf("%q is not a whole number of 64 bits", s)
	}
	return value.Num().Int64(), nil
}

// Format writes n in the largest of the units, which descend, that leaves a whole number.
func Format(n int64, units []Unit) string {
	for _, u := range units {
		if n >= u.Factor && n%u.Factor == 0 {
			return strconv.FormatInt(n/u.Factor, 10) + u.Suffix
		}
	}
	return strconv.FormatInt(n, 10) + units[len(units)-1].Suffix
}

func factorOf(suffix string, units []Unit) (int64, bool) {
	for _, u := range units {
		if u.Suffix == suffix {
			return u.Factor, true
		}
	}
	return 0, false
}

func list(units []Unit) string {
	var names []string
	for _, u := range units {
		if u.Suffix != "" {
			names = append(names, u.Suffix)
		}
	}
	return strings.Join(names, ", ")
}
