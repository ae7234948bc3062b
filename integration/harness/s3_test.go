package harness_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"replayd/integration/harness"
)

func TestObjectOutlivesKillOfTheServer(t *testing.T) {
	server := harness.StartS3(t)
	put(t, server, "2026/11/01/03/a", "stored bytes")

	server.Kill()
	if _, err := get(t.Context(), server.Client(), server.Bucket, "2026/11/01/03/a"); err == nil {
		t.Error("a killed server answers")
	}
	server.Restart()

	if keys := list(t, server, "2026/11/01/"); len(keys) != 1 || keys[0] != "2026/11/01/03/a" {
		t.Errorf("listed %q", keys)
	}
	body, err := get(t.Context(), server.Client(), server.Bucket, "2026/11/01/03/a")
	if err != nil || body != "stored bytes" {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestFileInTheBucketFolderIsAnObject(t *testing.T) {
	server := harness.StartS3(t)
	if err := os.WriteFile(filepath.Join(server.Dir, "dropped"), []byte("by hand"), 0o600); err != nil {
		t.Fatal(err)
	}
	body, err := get(t.Context(), server.Client(), server.Bucket, "dropped")
	if err != nil || body != "by hand" {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestBodyIsCutBehindTheProxy(t *testing.T) {
	server := harness.StartS3(t)
	put(t, server, "large", strings.Repeat("x", 1<<20))
	proxy := harness.StartProxy(t, strings.TrimPrefix(server.Endpoint, "http://"))
	proxied := *server
	proxied.Endpoint = "http://" + proxy.Addr

	proxy.CutAfter(100_000)
	if _, err := get(t.Context(), proxied.Client(), server.Bucket, "large"); err == nil {
		t.Error("the whole body came through a connection that was to be cut")
	}
	proxy.Mend()
	if body, err := get(t.Context(), proxied.Client(), server.Bucket, "large"); err != nil || len(body) != 1<<20 {
		t.Errorf("mended: got %d bytes, %v", len(body), err)
	}
}

func put(t *testing.T, server *harness.S3, key, body string) {
	t.Helper()
	_, err := server.Client().PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(server.Bucket), Key: aws.String(key), Body: bytes.NewReader([]byte(body)),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func get(ctx context.Context, client *s3.Client, bucket, key string) (string, error) {
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	if err != nil {
		return "", err
	}
	defer object.Body.Close()
	body, err := io.ReadAll(object.Body)
	return string(body), err
}

func list(t *testing.T, server *harness.S3, prefix string) (keys []string) {
	t.Helper()
	page, err := server.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{
		Bucket: aws.String(server.Bucket), Prefix: aws.String(prefix),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range page.Contents {
		keys = append(keys, aws.ToString(o.Key))
	}
	return keys
}
