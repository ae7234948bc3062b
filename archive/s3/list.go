package s3

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"replayd/archive"
)

// List yields objects page by page, a thousand to a request; no page is asked for before it is needed. Directory
// buckets list in no order: archive.Fetcher notices.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		plain := s.plain.Load()
		pages := s.pages(prefix, plain)
		for first := true; pages.HasMorePages(); first = false {
			page, err := pages.NextPage(ctx)
			if first && !plain && unimplemented(err) {
				plain = true
				s.plain.Store(true)
				pages = s.pages(prefix, plain)
				page, err = pages.NextPage(ctx)
			}
			if err != nil {
				yield(archive.Object{}, fmt.Errorf("list %s: %w", s.place(prefix), s.listError(ctx, err)))
				return
			}
			if err := decodeKeys(page); err != nil {
				yield(archive.Object{}, fmt.Errorf("list %s: %w", s.place(prefix), err))
				return
			}
			if !s.yieldPage(page.Contents, yield) {
				return
			}
		}
	}
}

// pages lists; unless plain, it asks how far objects are restored. AWS and some others tell. Most others leave it out,
// and are asked by Look.
func (s *Store) pages(prefix string, plain bool) *s3.ListObjectsV2Paginator {
	input := &s3.ListObjectsV2Input{
		Bucket:       aws.String(s.options.Bucket),
		Prefix:       aws.String(s.prefix + prefix),
		RequestPayer: s.payer(),
		// XML holds no control characters; a single name with one would make its whole page unreadable.
		EncodingType: types.EncodingTypeUrl,
	}
	if !plain {
		input.OptionalObjectAttributes = []types.OptionalObjectAttributes{types.OptionalObjectAttributesRestoreStatus}
	}
	return s3.NewListObjectsV2Paginator(s.client, input)
}

// unimplemented reports whether err is that of a store which refuses a request with a header that it does not know.
func unimplemented(err error) bool {
	a, ok := answerOf(err)
	return ok && a.code == "NotImplemented"
}

// decodeKeys undoes the encoding of the names on a page, where the server says that it did as it was asked: spaces are
// plus signs.
func decodeKeys(page *s3.ListObjectsV2Output) error {
	if page.EncodingType != types.EncodingTypeUrl {
		return nil
	}
	for i, c := range page.Contents {
		key, err := url.QueryUnescape(aws.ToString(c.Key))
		if err != nil {
			return fmt.Errorf("name of an object: %w", err)
		}
		page.Contents[i].Key = &key
	}
	return nil
}

func (s *Store) yieldPage(contents []types.Object, yield func(archive.Object, error) bool) bool {
	for _, c := range contents {
		key := strings.TrimPrefix(aws.ToString(c.Key), s.prefix)
		if key == "" {
			continue // the mark that some tools leave for the folder itself
		}
		if !yield(object(key, c), nil) {
			return false
		}
	}
	return true
}

func object(key string, c types.Object) archive.Object {
	o := archive.Object{
		Key:      key,
		Size:     aws.ToInt64(c.Size),
		ETag:     aws.ToString(c.ETag),
		Modified: aws.ToTime(c.LastModified),
	}
	if c.StorageClass != types.ObjectStorageClassStandard {
		o.StorageClass = string(c.StorageClass)
	}
	o.Storage = storage(o.StorageClass)
	if r := c.RestoreStatus; r != nil && o.Storage == archive.Cold {
		restored(&o, aws.ToBool(r.IsRestoreInProgress), aws.ToTime(r.RestoreExpiryDate))
	}
	return o
}
