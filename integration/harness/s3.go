package harness

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// S3 is a real S3 server of the test's own: versitygw on a folder, with one empty bucket.
type S3 struct {
	Endpoint             string // http://127.0.0.1:port, the same through every restart
	Region               string
	Bucket               string
	AccessKey, SecretKey string

	// Dir is the folder that is the bucket. Files put into it are objects too, without ETag.
	Dir string

	tb     testing.TB
	server *process
}

// s3StartLimit is the longest that the server may take to answer: 0.1 s is usual.
const s3StartLimit = 30 * time.Second

// StartS3 returns when the server answers. It ends with the test.
func StartS3(tb testing.TB) *S3 {
	tb.Helper()
	path, err := tool("versitygw")
	if err != nil {
		leaveOut(tb, "s3", err.Error()+" (make tools)")
	}
	s, err := newS3(tb, path)
	if err != nil {
		tb.Fatalf("start s3: %v", err)
	}
	s.begin()
	tested(tb, "s3", "versitygw")
	return s
}

func newS3(tb testing.TB, path string) (*S3, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	addr := "127.0.0.1:" + strconv.Itoa(port)
	home := tb.TempDir()
	s := &S3{
		Endpoint: "http://" + addr, Region: "us-east-1", Bucket: "archive",
		AccessKey: "replayd", SecretKey: "replayd-test-secret",
		Dir: filepath.Join(home, "root", "archive"),
		tb:  tb,
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, err
	}
	s.server = &process{
		name: "versitygw", path: path,
		args: []string{"--port", addr, "--region", s.Region, "--quiet", "--keep-alive", "posix", filepath.Dir(s.Dir)},
		env:  []string{"ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey},
		log:  filepath.Join(home, "versitygw.log"),
	}
	s.server.endWithTest(tb)
	return s, nil
}

// Client is an SDK client of the server, with the SDK's own retries.
func (s *S3) Client() *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint),
		Region:       s.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
		UsePathStyle: true,
	})
}

// Kill is kill -9: connections break, objects stay.
func (s *S3) Kill() {
	s.tb.Helper()
	if err := s.server.kill(); err != nil {
		s.tb.Fatal(err)
	}
}

// Restart kills the server if it runs, starts it on the same address and folder, and returns when it answers.
func (s *S3) Restart() {
	s.tb.Helper()
	s.Kill()
	s.begin()
}

func (s *S3) begin() {
	s.tb.Helper()
	if err := s.server.start(); err != nil {
		s.tb.Fatal(err)
	}
	if err := waitFor("s3", s3StartLimit, s.exited, s.answers); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *S3) exited() error {
	if !s.server.running() {
		return fmt.Errorf("versitygw exited by itself")
	}
	return nil
}

// answers takes any answer, a refusal of the unsigned request included, for a sign of life.
func (s *S3) answers(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
