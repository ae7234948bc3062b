package integration

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"replayd/integration/harness"
)

// TestABadStoreLosesNothing replays one archive through every kind of weather of its S3 server, and holds each topic
// against the oracle.
func TestABadStoreLosesNothing(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{})
	s := harness.StartS3(t)
	straight := s.Endpoint
	d := newDoor(t, s)
	shared := newStage(t, k, s, smallPlan())
	for _, c := range []struct {
		hazard
		test func(*testing.T, *stage, *door, hazard)
	}{
		{hazard{"S3 answers 503 for a while", "asked again until it answers", 0, "produced"}, busy},
		{hazard{"S3 throttles with SlowDown", "asked again, more slowly", 0, "produced"}, throttled},
		{hazard{"S3 denies an object in the middle", "the replay fails, naming the right that is missing, and is continued", 1, "nowhere before it is read"}, denied},
		{hazard{"an object goes between listing and reading", "the replay fails, naming the object, and is continued once it is back", 1, "nowhere before it is read"}, objectGoes},
		{hazard{"an object grows between listing and reading", "the replay fails, naming the object, and is continued once it is as it was", 1, "nowhere before it is read"}, objectGrows},
		{hazard{"S3 cuts bodies", "read on at the byte where the body broke", 0, "produced"}, func(t *testing.T, st *stage, _ *door, _ hazard) { cutBodies(t, st, straight) }},
		{hazard{"S3 gives its bytes slowly", "read as they come; progress says that the archive holds it", 0, "produced"}, func(t *testing.T, st *stage, _ *door, _ hazard) { slowBodies(t, st, straight) }},
		{hazard{"the S3 server goes and comes back", "waited for", 0, "produced"}, func(t *testing.T, st *stage, _ *door, _ hazard) { serverGoes(t, st, s) }},
	} {
		t.Run(c.input, func(t *testing.T) {
			defer d.set(nil)
			c.test(t, shared.again(t), d, c.hazard)
		})
	}
}

// busy answers 503 to everything for two seconds, from the tenth request on.
func busy(t *testing.T, st *stage, d *door, _ hazard) {
	var n atomic.Int64
	var began atomic.Pointer[time.Time]
	d.set(func(w http.ResponseWriter, _ *http.Request) bool {
		if n.Add(1) < 10 {
			return false
		}
		now := time.Now()
		began.CompareAndSwap(nil, &now)
		return now.Sub(*began.Load()) < 2*time.Second && answer(w, http.StatusServiceUnavailable, "ServiceUnavailable")
	})
	st.complete(t, st.start(t, st.first("--pace", "unlimited")...))
	if d.asked.Load() == 0 {
		t.Error("nothing was refused")
	}
}

// throttled refuses some requests, with the code that makes the SDK go slower for a while.
func throttled(t *testing.T, st *stage, d *door, _ hazard) {
	var n atomic.Int64
	d.set(func(w http.ResponseWriter, _ *http.Request) bool {
		i := n.Add(1)
		return (i == 10 || i == 20) && answer(w, http.StatusServiceUnavailable, "SlowDown")
	})
	st.complete(t, st.start(t, st.first("--pace", "unlimited")...))
}

func denied(t *testing.T, st *stage, d *door, w hazard) {
	var n atomic.Int64
	d.set(func(w http.ResponseWriter, r *http.Request) bool {
		return !listing(r) && n.Add(1) > 5 && answer(w, http.StatusForbidden, "AccessDenied")
	})
	failed := st.start(t, st.first("--pace", "unlimited")...).ended(t, w.exit, "AccessDenied", "s3:GetObject", "at byte", "Continue with: replayd run")
	d.set(nil)
	st.complete(t, st.told(t, failed))
}

// touched runs a replay to whose last hour do is done when it first asks for an object of it, and undoes it afterwards.
func touched(t *testing.T, st *stage, d *door, w hazard, do func(path string, data []byte) error, words ...string) {
	t.Helper()
	hit := st.plan.To.Add(-time.Hour).UTC().Format("/2006/01/02/15/")
	var once atomic.Bool
	var key string
	var was []byte
	var info os.FileInfo
	var err error
	d.set(func(_ http.ResponseWriter, r *http.Request) bool {
		if listing(r) || !strings.Contains(r.URL.Path, hit) || !once.CompareAndSwap(false, true) {
			return false
		}
		key = strings.TrimPrefix(r.URL.Path, "/archive/")
		path := filepath.Join(st.folder, filepath.FromSlash(key))
		if info, err = os.Stat(path); err == nil {
			if was, err = os.ReadFile(path); err == nil {
				err = do(path, was)
			}
		}
		return false
	})
	failed := st.start(t, st.first("--pace", "unlimited")...)
	failed.wait(t, time.Minute)
	d.set(nil)
	if key == "" || err != nil {
		t.Fatalf("object %q: %v", key, err)
	}
	path := filepath.Join(st.folder, filepath.FromSlash(key))
	putBack := func() {
		if err := errors.Join(os.WriteFile(path, was, 0o600), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
			t.Fatal(err)
		}
	}
	defer putBack() // for the other tests, whatever becomes of this one
	failed.saw(t, w.exit, append(words, key, "Continue with: replayd run")...)

	// Refused as a change when the listing is durable already, else met again where it is.
	early := st.told(t, failed)
	if code := early.wait(t, time.Minute); code != 4 && code != 1 {
		t.Fatalf("exit %d although %s is not back:\n%s", code, key, early.err.String())
	}
	putBack()
	st.complete(t, st.told(t, failed))
}

func objectGoes(t *testing.T, st *stage, d *door, w hazard) {
	touched(t, st, d, w, func(path string, _ []byte) error { return os.Remove(path) }, "NoSuchKey")
}

func objectGrows(t *testing.T, st *stage, d *door, w hazard) {
	touched(t, st, d, w, func(path string, data []byte) error {
		return os.WriteFile(path, append(data, data...), 0o600)
	}, "changed since it was listed")
}

// cutBodies breaks every connection after some thousand bytes.
func cutBodies(t *testing.T, st *stage, straight string) {
	p := harness.StartProxy(t, strings.TrimPrefix(straight, "http://"))
	p.CutAfter(60_000)
	st.complete(t, st.start(t, st.first("--pace", "unlimited", "--s3-endpoint", "http://"+p.Addr)...))
}

// slowBodies lets connections give so little that reading takes some seconds, however many there are and how fast the rest is.
func slowBodies(t *testing.T, st *stage, straight string) {
	p := harness.StartProxy(t, strings.TrimPrefix(straight, "http://"))
	p.Limit(50_000)
	s := st.start(t, st.first("--pace", "unlimited", "--s3-endpoint", "http://"+p.Addr)...)
	st.complete(t, s)
	all, archive := strings.Count(s.out.String(), `"type":"progress"`), strings.Count(s.out.String(), `"held_by":"archive"`)
	if archive == 0 || archive < all/2 {
		t.Errorf("%d of %d lines of progress say that the archive holds it:\n%s", archive, all, s.out.String())
	}
}

// serverGoes kills the server in the middle and starts it again.
func serverGoes(t *testing.T, st *stage, s *harness.S3) {
	running := st.start(t, st.first("--pace", "2k/s")...)
	await(t, "it to produce", func() bool { return running.produced() > 0 })
	s.Kill()
	time.Sleep(2 * time.Second) // an outage that is noticed
	s.Restart()
	if r := st.complete(t, running); r.Sessions != 1 {
		t.Errorf("%d sessions", r.Sessions)
	}
}

// TestAStoreThatIsNotTheRightOneIsSaidAtOnce tries addresses and credentials that no patience cures.
func TestAStoreThatIsNotTheRightOneIsSaidAtOnce(t *testing.T) {
	s := harness.StartS3(t)
	object := `{"id":"a","t":"2026-11-01T12:00:00Z"}`
	if err := os.WriteFile(filepath.Join(s.Dir, "o"), []byte(object), 0o600); err != nil {
		t.Fatal(err)
	}
	right := map[string]string{
		"--archive": "s3://" + s.Bucket + "/", "--s3-endpoint": s.Endpoint, "--s3-region": s.Region,
		"AWS_ACCESS_KEY_ID": s.AccessKey, "AWS_SECRET_ACCESS_KEY": s.SecretKey,
	}
	for _, c := range []struct {
		hazard
		what, instead string
		says          []string
	}{
		{}, // all is right
		{hazard{"a bucket that does not exist", "told at once, with what to set right", 1, "nothing has begun"}, "--archive", "s3://nowhere/", []string{"NoSuchBucket", "No bucket is called nowhere", "--s3-endpoint"}},
		{hazard{"an unknown access key", "told at once, with what to set right", 1, "nothing has begun"}, "AWS_ACCESS_KEY_ID", "nobody", []string{"access key is unknown", "--aws-profile"}},
		{hazard{"a wrong secret key", "told at once, with what to set right", 1, "nothing has begun"}, "AWS_SECRET_ACCESS_KEY", "guessed", []string{"SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"}},
		{hazard{"a bucket in another region", "told at once, with what to set right", 1, "nothing has begun"}, "--s3-region", "eu-north-1", []string{"another region", "--s3-region"}},
		{hazard{"an endpoint without a server", "asked again for `--give-up`, then told with its address", 1, "nothing has begun"}, "--s3-endpoint", "http://127.0.0.1:1", []string{"no answer from http://127.0.0.1:1", "connection refused"}},
		{hazard{"an endpoint without a scheme", "told at once, with what to set right", 1, "nothing has begun"}, "--s3-endpoint", "127.0.0.1:9000", []string{"with its scheme", "http://127.0.0.1:9000"}},
		{hazard{"an endpoint that speaks no TLS", "told at once, with what to set right", 1, "nothing has begun"}, "--s3-endpoint", strings.Replace(s.Endpoint, "http:", "https:", 1), []string{"plain HTTP", "--s3-endpoint http://"}},
	} {
		t.Run(c.input, func(t *testing.T) {
			with := maps.Clone(right)
			if c.what != "" {
				with[c.what] = c.instead
			}
			args := []string{
				"cat", "--s3-path-style", "--layout", "jsonl", "--format", "json", "--event-id", "/id", "--event-time", "/t",
				"--from", "2026-11-01", "--for", "24h", "--give-up", "2s",
			}
			var env []string
			for name, value := range with {
				if strings.HasPrefix(name, "--") {
					args = append(args, name, value)
				} else {
					env = append(env, name+"="+value)
				}
			}
			began := time.Now()
			code, stderr := command(t, env, args...)
			if code != c.exit {
				t.Errorf("exit %d, want %d", code, c.exit)
			}
			for _, w := range c.says {
				if !strings.Contains(stderr, w) {
					t.Errorf("stderr does not say %q:\n%s", w, stderr)
				}
			}
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}
