package s3

import (
	"context"
	"fmt"
	"iter"
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
		pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{
			Bucket:       aws.String(s.options.Bucket),
			Prefix:       aws.String(s.prefix + prefix),
			RequestPayer: s.payer(),

			// AWS and some others tell with each object how far it is restored. The others are asked by Look.
			OptionalObjectAttributes: []types.OptionalObjectAttributes{types.OptionalObjectAttributesRestoreStatus},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(archive.Object{}, fmt.Errorf("list %s: %w", s.place(prefix), s.listError(ctx, err)))
				return
			}
			if !s.yieldPage(page.Contents, yield) {
				return
			}
		}
	}
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
