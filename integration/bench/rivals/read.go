package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// objects calls do with the decompressed bytes of each object, which it may keep.
func (w *work) objects(do func([]byte) error) error {
	var plain decompressor
	return filepath.WalkDir(w.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		stored, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text, err := plain.of(stored)
		if err != nil {
			return err
		}
		return do(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))) // some writers begin with a byte order mark
	})
}

// decompressor keeps its codecs between objects.
type decompressor struct {
	gzip *gzip.Reader
	zstd *zstd.Decoder
	size int // of the last object
}

func (d *decompressor) of(stored []byte) ([]byte, error) {
	var err error
	switch {
	case bytes.HasPrefix(stored, []byte{0x1f, 0x8b}):
		if d.gzip == nil {
			d.gzip = &gzip.Reader{}
		}
		if err = d.gzip.Reset(bytes.NewReader(stored)); err != nil {
			return nil, err
		}
		text := bytes.NewBuffer(make([]byte, 0, d.size+d.size/8+bytes.MinRead))
		_, err = text.ReadFrom(d.gzip)
		d.size = text.Len()
		return text.Bytes(), err
	case bytes.HasPrefix(stored, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		if d.zstd == nil {
			if d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1)); err != nil {
				return nil, err
			}
		}
		return d.zstd.DecodeAll(stored, nil)
	}
	return stored, nil
}

// each calls do with every event. Nothing is asked of it but that its braces balance, or that a newline ends it.
func (w *work) each(do func([]byte) error) error {
	end := object
	if w.format == "jsonl" {
		end = line
	}
	left := w.limit
	err := w.objects(func(text []byte) error {
		for {
			n := end(text)
			if n == 0 {
				return nil
			}
			event := bytes.TrimSpace(text[:n])
			text = text[n:]
			if len(event) == 0 {
				continue
			}
			if left--; left < 0 {
				return errEnough
			}
			if err := do(event); err != nil {
				return err
			}
		}
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

var errEnough = errors.New("enough")

func line(text []byte) int {
	if n := bytes.IndexByte(text, '\n'); n >= 0 {
		return n + 1
	}
	return len(text)
}

// object is the length of the first object of text, 0 when there is none.
func object(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += 1 + quoted(text[i+1:])
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// quoted is the length of a string, without its quotes.
func quoted(text []byte) int {
	for from := 0; ; {
		n := bytes.IndexByte(text[from:], '"')
		if n < 0 {
			return len(text)
		}
		escapes := 0
		for n-escapes > 0 && text[from+n-escapes-1] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return from + n
		}
		from += n + 1
	}
}

// decode is the usual way to read such an archive.
func decode(w *work, _ *meter) (done, error) {
	var did done
	err := w.objects(func(text []byte) error {
		d := json.NewDecoder(bytes.NewReader(text))
		for {
			var e struct {
				ID   string          `json:"event_id"`
				Time json.RawMessage `json:"timestamp"`
				Data struct {
					Account json.RawMessage `json:"account_id"`
				} `json:"data"`
			}
			err := d.Decode(&e)
			if err == io.EOF {
				did.Bytes += int64(len(text))
				return nil
			}
			if err != nil {
				return err
			}
			did.Events++
		}
	})
	return did, err
}
