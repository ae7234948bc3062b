package dir

import (
	"context"
	"fmt"
	"io"
	"os"

	"replayd/archive"
)

// body is an open file. It holds the context of the request it answers, as an HTTP body does.
type body struct {
	ctx    context.Context
	file   *os.File
	object archive.Object
}

// begin moves to offset of a file that is still the listed one.
func (b *body) begin(offset int64) error {
	if err := b.unchanged(); err != nil {
		return err
	}
	_, err := b.file.Seek(offset, io.SeekStart)
	return err
}

// Read checks the context before each piece, because reads of files do not end with it; and the file behind each, because it
// may be written to while it is read, and what was read may be in Kafka long before its end.
func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.file.Read(p)
	if changed := b.unchanged(); changed != nil {
		return 0, changed
	}
	return n, err
}

func (b *body) Close() error { return b.file.Close() }

// unchanged compares the file with its listing. Of a change that keeps size and modification time nothing is seen.
func (b *body) unchanged() error {
	info, err := b.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != b.object.Size {
		return fmt.Errorf("%d bytes, listed with %d: %w", info.Size(), b.object.Size, archive.ErrChanged)
	}
	if !info.ModTime().Equal(b.object.Modified) {
		return fmt.Errorf("modified %s, listed with %s: %w",
			stamp(info.ModTime()), stamp(b.object.Modified), archive.ErrChanged)
	}
	return nil
}
