package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"

	"replayd/archive"
	"replayd/archive/archivetest/suite"
	"replayd/archive/s3"
	"replayd/integration/harness"
)

// bucket is a real bucket; folders of it are stores.
type bucket struct {
	*harness.S3
	folders atomic.Int64
}

func newBucket(t *testing.T) *bucket {
	t.Helper()
	b := &bucket{S3: harness.StartS3(t)}
	t.Setenv("AWS_ACCESS_KEY_ID", b.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", b.SecretKey)
	return b
}

func (b *bucket) open(t *testing.T, bucket, prefix string) *s3.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), s3.Options{Bucket: bucket, Prefix: prefix, Endpoint: b.Endpoint, Region: b.Region, PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// folder puts files into a folder that no other test uses.
func (b *bucket) folder(t *testing.T, files map[string][]byte) (s *s3.Store, prefix string) {
	t.Helper()
	prefix = fmt.Sprint(b.folders.Add(1), "/")
	var puts errgroup.Group
	puts.SetLimit(8)
	for key, data := range files {
		puts.Go(func() error { return b.put(t, prefix+key, data) })
	}
	if err := puts.Wait(); err != nil {
		t.Fatal(err)
	}
	return b.open(t, b.Bucket, prefix), prefix
}

func (b *bucket) put(t *testing.T, key string, data []byte) error {
	_, err := b.Client().PutObject(t.Context(), &sdk.PutObjectInput{Bucket: &b.Bucket, Key: &key, Body: bytes.NewReader(data)})
	return err
}

func TestABucketOfAnS3ServerIsAStore(t *testing.T) {
	b := newBucket(t)
	suite.TestStore(t, func(t *testing.T, files map[string][]byte) archive.Store {
		s, _ := b.folder(t, files)
		return s
	})
}

func TestAnObjectThatIsOverwrittenOrDeletedIsNoticed(t *testing.T) {
	b := newBucket(t)
	s, prefix := b.folder(t, map[string][]byte{"a": []byte("abcde")})
	var o archive.Object
	for listed, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		o = listed
	}
	if o.ETag == "" {
		t.Fatal("an object that was put has no ETag")
	}
	read := func(offset int64) error {
		body, err := s.Open(t.Context(), o, offset)
		if err != nil {
			return err
		}
		defer func() { _ = body.Close() }()
		_, err = io.ReadAll(body)
		return err
	}
	if err := b.put(t, prefix+"a", []byte("ABCDE")); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{0, 2, 5} {
		if err := read(offset); !errors.Is(err, archive.ErrChanged) {
			t.Errorf("overwritten, from %d: %v", offset, err)
		}
	}
	if _, err := b.Client().DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: &b.Bucket, Key: aws.String(prefix + "a")}); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{0, 2, 5} {
		if err := read(offset); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("deleted, from %d: %v", offset, err)
		}
	}
}

func TestRefusalsOfARealServerSayTheNextStep(t *testing.T) {
	b := newBucket(t)
	for _, c := range []struct{ name, bucket, key, secret, says string }{
		{"no such bucket", "no-such-bucket", b.AccessKey, b.SecretKey, "No bucket is called no-such-bucket"},
		{"a wrong secret", b.Bucket, b.AccessKey, "wrong", "AWS_SECRET_ACCESS_KEY"},
		{"a wrong key", b.Bucket, "wrong", "wrong", "--aws-profile"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", c.key)
			t.Setenv("AWS_SECRET_ACCESS_KEY", c.secret)
			for _, err := range b.open(t, c.bucket, "").List(t.Context(), "") {
				var permanent *archive.Permanent
				if !errors.As(err, &permanent) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v", err)
				}
				return
			}
			t.Error("nothing was refused")
		})
	}
}
