package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"replayd/archive"
)

// Open asks for the bytes of o from offset on, with one request.
func (s *Store) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	return s.open(ctx, o, offset)
}

// OpenFrugally is part of archive.FrugalStore.
func (s *Store) OpenFrugally(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	return s.open(ctx, o, offset, func(of *s3.Options) {
		if s.frugal != nil {
			of.HTTPClient = s.frugal
		}
	})
}

func (s *Store) open(ctx context.Context, o archive.Object, offset int64, how ...func(*s3.Options)) (io.ReadCloser, error) {
	stored, err := s.from(ctx, o, offset, append(how, once))
	if err != nil {
		return nil, fmt.Errorf("get %s from byte %d: %w", s.place(o.Key), offset, err)
	}
	return stored, nil
}

// from asks for the last byte, too, when none is wanted: S3 refuses an empty range without saying of what object.
func (s *Store) from(ctx context.Context, o archive.Object, offset int64, how []func(*s3.Options)) (io.ReadCloser, error) {
	if offset == 0 || offset < o.Size {
		return s.get(ctx, o, offset, how)
	}
	stored, err := s.get(ctx, o, o.Size-1, how)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, stored, 1); err != nil {
		_ = stored.Close()
		return nil, err
	}
	return stored, nil
}

func (s *Store) get(ctx context.Context, o archive.Object, offset int64, how []func(*s3.Options)) (io.ReadCloser, error) {
	input := &s3.GetObjectInput{
		Bucket: aws.String(s.options.Bucket), Key: aws.String(s.prefix + o.Key), RequestPayer: s.payer(),
	}
	if offset > 0 { // an empty object has no byte 0 to ask for
		input.Range = aws.String(fmt.Sprintf("bytes=%d-", offset))
	}
	if o.ETag != "" {
		input.IfMatch = aws.String(o.ETag)
	}
	answer, err := s.client.GetObject(ctx, input, how...)
	if err != nil {
		return nil, s.getError(ctx, o, err)
	}
	if err := compare(o, offset, answer); err != nil {
		_ = answer.Body.Close()
		return nil, err
	}
	return counted{&body{ctx: ctx, stored: answer.Body}, &s.meter.bytes}, nil
}

// payer says that we pay, where that was agreed to.
func (s *Store) payer() types.RequestPayer {
	if s.options.RequesterPays {
		return types.RequestPayerRequester
	}
	return ""
}

// compare proves that an answer belongs to the object that was listed. Where the listing gave an ETag, If-Match has done
// so already, unless the store does not know it.
func compare(o archive.Object, offset int64, answer *s3.GetObjectOutput) error {
	start, size, err := extent(answer)
	switch etag := aws.ToString(answer.ETag); {
	case err != nil:
		return err
	case o.ETag != "" && etag == "":
		return errors.New("answer without an ETag: something on the way answered in the store's place")
	case size != o.Size:
		return fmt.Errorf("%d bytes, listed with %d: %w", size, o.Size, archive.ErrChanged)
	case start != offset:
		return &archive.Permanent{
			Err:  fmt.Errorf("asked from byte %d, answered from byte %d", offset, start),
			Cure: "The endpoint does not honour ranges of bytes, without which a broken transfer cannot go on.",
		}
	case etag != o.ETag && o.ETag != "":
		return fmt.Errorf("ETag %s, listed with %s: %w", etag, o.ETag, archive.ErrChanged)
	case o.ETag == "" && answer.LastModified != nil && !sameSecond(*answer.LastModified, o.Modified):
		return fmt.Errorf("modified %s, listed with %s: %w", stamp(*answer.LastModified), stamp(o.Modified), archive.ErrChanged)
	}
	return nil
}

// extent is where an answer begins and the size of the whole object.
func extent(answer *s3.GetObjectOutput) (start, size int64, err error) {
	if answer.ContentRange == nil {
		if answer.ContentLength == nil {
			return 0, 0, errors.New("answer without a length")
		}
		return 0, *answer.ContentLength, nil
	}
	var end int64
	if _, err := fmt.Sscanf(*answer.ContentRange, "bytes %d-%d/%d", &start, &end, &size); err != nil {
		return 0, 0, fmt.Errorf("answer with Content-Range %q: %w", *answer.ContentRange, err)
	}
	return start, size, nil
}

// sameSecond compares a header's time, which has no fractions, with a listing's, which may.
func sameSecond(a, b time.Time) bool { return a.Unix() == b.Unix() }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// body ends with its context even when the next bytes are here already. It holds the context of the request it answers,
// as an HTTP body does.
type body struct {
	ctx    context.Context
	stored io.ReadCloser
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.stored.Read(p)
	if err != nil && err != io.EOF && b.ctx.Err() != nil {
		return n, b.ctx.Err()
	}
	return n, err
}

func (b *body) Close() error { return b.stored.Close() }
