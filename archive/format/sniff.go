package format

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// sniffed is how many bytes of an object are looked at: all magics and a header of zstd.
const sniffed = zstd.HeaderMaxSize

// magic is how a kind of file begins.
type magic struct {
	bytes string
	name  string
}

// readable codecs. A zstd stream may begin with a frame to be skipped, of any of sixteen magics.
const (
	gzipMagic     = "\x1f\x8b"
	zstdMagic     = "\x28\xb5\x2f\xfd"
	skippedMagic  = "\x2a\x4d\x18" // behind a byte 0x50 to 0x5f
	skippedNibble = 0x50
)

// unreadable is what archivers write and this version does not read. All of it is recognised: no JSON begins like this.
var unreadable = []magic{
	{"\x04\x22\x4d\x18", "lz4"},
	{"\x02\x21\x4c\x18", "lz4 (legacy)"},
	{"BZh", "bzip2"},
	{"\xfd7zXZ\x00", "xz"},
	{"\x89LZO\x00\r\n\x1a\n", "lzop"},
	{"PK\x03\x04", "zip"},
	{"PK\x05\x06", "zip (empty)"},
	{"\x82SNAPPY\x00", "snappy (xerial stream)"},
	{"\xff\x06\x00\x00sNaPpY", "snappy (framing format)"},
	{"Obj\x01", "Avro"},
	{"PAR1", "Parquet"},
	{"ORC", "ORC"},
	{"SEQ", "Hadoop SequenceFile"},
	{"KBAK", "KBAK segment"},
}

// sniff names the codec by the first bytes of an object, at most sniffed of them: gzip, zstd or none.
func sniff(head []byte) (string, error) {
	switch {
	case begins(head, gzipMagic):
		return Gzip, nil
	case begins(head, zstdMagic), len(head) > 3 && head[0]&0xf0 == skippedNibble && begins(head[1:], skippedMagic):
		return Zstd, nil
	}
	for _, m := range unreadable {
		if begins(head, m.bytes) {
			return "", &UnsupportedError{What: m.name}
		}
	}
	return None, nil
}

func begins(head []byte, magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }

// UnsupportedError says that an object's first bytes are those of a codec or file format that replayd does not read.
type UnsupportedError struct {
	What string // its name: bzip2, Parquet, ...
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("this is %s; what can be read is JSON, plain or in gzip or zstd\nTake such objects out of the archive's folder, or point --archive at a folder without them", e.What)
}
