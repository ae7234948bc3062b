package archive

import (
	"encoding/binary"
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
)

// Source is an archive as a replay reads it.
type Source struct {
	Store   Store
	Layout  Layout
	Format  Format
	Decoder func() Decoder // a new one for each worker
}

// Ignored reports whether a key is one of the marks that tools leave beside the data: folder markers, _SUCCESS,
// _temporary/, .crc. They are neither read nor counted.
func Ignored(key string) bool {
	base := path.Base(key)
	switch {
	case key == "", strings.HasSuffix(key, "/"), base == "_SUCCESS", strings.HasSuffix(base, ".crc"):
		return true
	}
	return slices.Contains(strings.Split(path.Dir(key), "/"), "_temporary")
}

// Fingerprint identifies one version of an object: what must be equal for it to count as unchanged.
func (o Object) Fingerprint() uint64 {
	version := o.ETag
	if version == "" {
		version = o.Modified.UTC().Format("2006-01-02T15:04:05.000000000Z")
	}
	b := make([]byte, 0, len(o.Key)+len(version)+16)
	b = append(b, o.Key...)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(o.Size))
	b = append(b, version...)
	return xxh3.Hash(b)
}

// Digest is the XXH3-128 of a listing: over key, size and ETag (or modification time) of objects in order of their
// keys, 32 hex digits. It is equal exactly when nothing was added, removed or changed.
func Digest(objects []Object) string {
	h := xxh3.New()
	var number [8]byte
	for _, o := range objects {
		binary.BigEndian.PutUint64(number[:], xxh3.HashString(o.Key))
		_, _ = h.Write(number[:])
		binary.BigEndian.PutUint64(number[:], o.Fingerprint())
		_, _ = h.Write(number[:])
	}
	sum := h.Sum128().Bytes()
	return hex.EncodeToString(sum[:])
}
