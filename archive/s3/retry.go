package s3

import (
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Who repeats a request. Bodies: archive.Fetcher alone, which waits 0.1 s and more, goes on at the byte where it stands,
// and tells that the archive is waited for. Pages of listings: the SDK first, since a Fetcher begins a listing anew. Not
// the SDK's adaptive mode: it took 5 s to get over two SlowDown answers, and its limiter slows the workers that were not
// refused, too.

// retryer repeats pages, as often as AWS_MAX_ATTEMPTS or the profile says: 3 attempts by default.
func retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return pageBackoff(attempt), nil
		})
	})
}

const (
	firstBackoff = 200 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// pageBackoff is how long to wait after so many attempts, 1 and up: doubling, and jittered between half and all of it.
func pageBackoff(attempt int) time.Duration {
	d := lastBackoff
	if shift := max(attempt-1, 0); shift < 5 {
		d = min(d, firstBackoff<<shift)
	}
	return d/2 + rand.N(d/2+1)
}

// once leaves retries to the caller.
func once(o *s3.Options) { o.RetryMaxAttempts = 1 }
