package dedupe

import (
	"encoding/binary"
	"iter"

	"replayd/archive"
)

// pages reads buckets of segments. It keeps those read last: an archive whose "id" is the same in all events asks for the
// same few again and again.
type pages struct {
	kept  [pagesKept]keptPage
	reads int64
}

const pagesKept = 128

type keptPage struct {
	segment uint64 // its serial; 0: none
	bucket  int
	page    page
}

// page is the rows of a bucket as they stand on the shelf.
type page []byte

// read returns the page where the rows of a key stand, valid until the next read.
func (p *pages) read(s *segment, key archive.Hash) (page, error) {
	n := s.bucket(key)
	k := &p.kept[(s.serial^key.Lo)%pagesKept]
	if k.segment == s.serial && k.bucket == n {
		return k.page, nil
	}
	first, end := s.index[n].first, s.index[n+1].first
	k.page = grown(k.page, int(end-first)*rowSize)
	k.segment = 0 // while it is not whole
	if err := s.readAt(k.page, first); err != nil {
		return nil, err
	}
	k.segment, k.bucket = s.serial, n
	p.reads++
	return k.page, nil
}

// rows are those of a key.
func (p page) rows(key archive.Hash) iter.Seq[row] {
	return func(yield func(row) bool) {
		for at := 0; at < len(p); at += rowSize {
			if binary.LittleEndian.Uint64(p[at:]) != key.Hi {
				continue
			}
			if r := decode(p[at:]); r.key == key && !yield(r) {
				return
			}
		}
	}
}
