package archivetest

import (
	"encoding/hex"
	"math"
	"math/bits"
	"sync"
)

// The small words in which the renderer writes JSON.

func (r *renderer) put(s string) { r.text = append(r.text, s...) }

func (r *renderer) open() {
	r.put("{")
	r.first = true
}

// name begins a member.
func (r *renderer) name(name string) {
	if !r.first {
		r.put(",")
	}
	r.first = false
	if r.spaced {
		r.put("\n  ")
	}
	r.put(`"`)
	r.put(name)
	r.put(`":`)
	if r.spaced {
		r.put(" ")
	}
}

// named begins a member whose name is now and then written with an escape.
func (r *renderer) named(name, escaped string) {
	if r.dice.oneIn(97) {
		name = escaped
	}
	r.name(name)
}

func (r *renderer) member(name, value string) {
	r.name(name)
	r.put(`"`)
	r.put(value)
	r.put(`"`)
}

func (r *renderer) quoted(value []byte) {
	r.put(`"`)
	r.text = append(r.text, value...)
	r.put(`"`)
}

// appendUUID writes 128 bits as a random UUID has them.
func appendUUID(dst []byte, hi, lo uint64) []byte {
	var b [16]byte
	for i := range 8 {
		b[i], b[8+i] = byte(hi>>(8*i)), byte(lo>>(8*i))
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	for i, from := range []int{0, 4, 6, 8, 10} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[from:[]int{4, 6, 8, 10, 16}[i]])
	}
	return dst
}

// dice is SplitMix64: small enough to begin anew for each event.
type dice struct{ state uint64 }

func newDice(seed, number uint64) dice {
	d := dice{state: seed}
	d.state = d.next() ^ number*0x9e3779b97f4a7c15
	return d
}

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below draws from [0, n).
func (d *dice) below(n int) int {
	high, _ := bits.Mul64(d.next(), uint64(n))
	return int(high)
}

func (d *dice) oneIn(n int) bool { return d.below(n) == 0 }

// exponential draws with mean 1.
func (d *dice) exponential() float64 {
	return -math.Log(1 - float64(d.next()>>11)/(1<<53))
}

// padWords is half a megabyte of words and digits that compress about as events do.
var padWords = sync.OnceValue(func() []byte {
	words := []string{"installment", "card", "present", "merchant", "pending", "settled", "limit", "fee", "terminal", "0000"}
	d := newDice(1, 1)
	text := make([]byte, 0, 512<<10)
	for len(text) < cap(text)-32 {
		text = append(append(text, words[d.below(len(words))]...), ' ')
		if d.oneIn(3) {
			text = append(append(text, hex.EncodeToString([]byte{byte(d.next()), byte(d.next()), byte(d.next())})...), ' ')
		}
	}
	return text
})
