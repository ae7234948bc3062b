package s3

import (
	"io"
	"net/http"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Requests is what was asked of the store, retries included: what the bill counts.
type Requests struct {
	List  int64 // pages of listings
	Get   int64 // bodies
	Head  int64 // looks at objects in cold storage
	Bytes int64 // of bodies, as far as they were read
}

// Requests counts from Open on.
func (s *Store) Requests() Requests {
	return Requests{List: s.meter.list.Load(), Get: s.meter.get.Load(), Head: s.meter.head.Load(), Bytes: s.meter.bytes.Load()}
}

type meter struct {
	list, get, head, bytes atomic.Int64

	answered atomic.Bool // some request was answered, so there were credentials to sign it
}

// metered counts requests where they leave, behind the SDK's retries.
type metered struct {
	client s3.HTTPClient
	meter  *meter
}

func (m *metered) Do(r *http.Request) (*http.Response, error) {
	switch {
	case r.URL.Query().Has("list-type"):
		m.meter.list.Add(1)
	case r.Method == http.MethodHead:
		m.meter.head.Add(1)
	default:
		m.meter.get.Add(1)
	}
	answer, err := m.client.Do(r)
	if err == nil {
		m.meter.answered.Store(true)
	}
	return answer, err
}

// counted counts the bytes that are read.
type counted struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}
