package archivetest

import (
	"strconv"
	"time"
)

// dataField writes the event's payload: its key, numbers that no float holds, objects with the same names as the root,
// strings that look like JSON, and padding.
func (r *renderer) dataField(p *part, start, size int, total bool) {
	switch p.key {
	case keyNoData:
		return
	case keyNullData:
		r.name("data")
		r.put("null")
		return
	}
	r.name("data")
	r.open()
	r.keyField(p)
	r.amount(p)
	r.merchant()
	for n := r.dice.below(3); n > 0; n-- {
		r.note()
	}
	if r.dice.oneIn(2) {
		r.items()
	}
	r.name("inner")
	r.open()
	r.name("arrival_epoch") // below the root: not volatile
	r.text = strconv.AppendInt(r.text, p.time/int64(time.Second)+innerShift(p), 10)
	r.put("}")
	if total {
		size -= len(r.text) - start + 150 // what stands behind data, about
	}
	r.padding(size)
	r.put("}")
}

func innerShift(p *part) int64 {
	if p.variant == bodyInner {
		return 1
	}
	return 0
}

// Accounts are few enough that partitions get many events of each.
const accounts = 5000

func (r *renderer) keyField(p *part) {
	account := strconv.AppendInt(nil, int64(r.dice.below(accounts)), 10)
	switch p.key {
	case keyMissing:
		return
	case keyNull:
		r.name("account_id")
		r.put("null")
		return
	}
	r.named("account_id", `account\u005Fid`)
	switch p.key {
	case keyEmpty:
		r.key = []byte{}
		r.put(`""`)
	case keyNumber:
		r.key = append([]byte("90071992547409"), account...)
		r.text = append(r.text, r.key...)
	case keyEscaped:
		r.key = append([]byte("conta-ç\n"), account...)
		r.put(`"conta-\u00e7\n`)
		r.text = append(append(r.text, account...), '"')
	default:
		r.key = append([]byte("acc-"), account...)
		r.quoted(r.key)
	}
}

func (r *renderer) amount(p *part) {
	r.name("amount")
	n := int64(9007199254740992) + int64(r.dice.next()>>12)
	if p.variant == bodyAmount {
		n++
	}
	r.text = strconv.AppendInt(r.text, n, 10)
	r.member("currency", "BRL")
	r.name("rate")
	r.put([]string{"1.10", "-0.0", "1E-7", "12345678901234567890.123456789"}[r.dice.below(4)])
}

func (r *renderer) merchant() {
	r.name("merchant")
	r.open()
	r.decoy()
	r.member("city", "São Paulo")
	r.put("}")
}

// decoy writes an id and a time as the root has them.
func (r *renderer) decoy() {
	r.name("event_id")
	r.quoted(appendUUID(nil, r.dice.next(), r.dice.next()))
	r.name("timestamp")
	r.put(`"`)
	r.text = time.Unix(1_500_000_000+int64(r.dice.below(1e8)), 0).UTC().AppendFormat(r.text, time.RFC3339)
	r.put(`"`)
}

func (r *renderer) items() {
	r.name("items")
	r.put("[")
	for i := range r.dice.below(4) {
		if i > 0 {
			r.put(",")
		}
		r.open()
		r.decoy()
		r.name("tags")
		r.put(`[[],{},[null,true,{"event_id":1}]]}`)
	}
	r.put("]")
}

// notes are texts, escaped as they stand, that tempt readers who look for brackets, quotes or lines.
var notes = []string{
	`{\"event_id\":\"inner\",\"timestamp\":\"2020-01-01T00:00:00Z\"}{\"a\":[1,2]}`,
	`}{`, `\\`, `\"}`, `\\\"{`, `\u007b\u0022event_id\u0022`, `\ud83d\ude00 \uD83D\uDE80`, `\/\b\f\n\r\t`,
	"São Paulo, 日本, \u2028\u2029", "latin-1 caf\xe9", "\xff\xfe\x80", "\xed\xa0\x80", `\u0000`, "\x7f", `ends in a backslash \\`,
	`[{]}`, "",
}

func (r *renderer) note() {
	r.name("note" + strconv.Itoa(r.dice.below(1000)))
	r.put(`"`)
	r.put(notes[r.dice.below(len(notes))])
	r.put(`"`)
}

// padding writes a member of size bytes in all, or nothing when there is no room for its name.
func (r *renderer) padding(size int) {
	const least = 16
	words := padWords()
	from := r.dice.below(len(words))
	if size < least {
		return
	}
	end := len(r.text) + size - len(`"`)
	r.name("pad")
	r.put(`"`)
	for len(r.text) < end {
		n := min(end-len(r.text), len(words)-from)
		r.text = append(r.text, words[from:from+n]...)
		from = 0
	}
	r.put(`"`)
}
