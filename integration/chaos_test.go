package integration

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
)

var (
	kills = flag.Int("kills", 50, "how often the kill tests kill replayd")
	seed  = flag.Uint64("seed", 1, "of the instants at which something is killed")
)

// killed runs a replay and kills or interrupts it at random instants, continuing by its id alone, until it has been killed n times and
// ends by itself. It returns the receipt.
func killed(t *testing.T, st *stage, id string, n int, rng *rand.Rand, longest time.Duration, more ...string) *session {
	t.Helper()
	args := st.how(id, append(st.what(), more...)...)
	done := 0
	for done < n {
		s := st.start(t, args...)
		select {
		case <-time.After(time.Duration(rng.Int64N(int64(longest)))):
			if rng.IntN(4) == 0 { // or interrupt it: it commits what it has taken
				_ = s.cmd.Process.Signal(os.Interrupt)
				died := func(code int) bool { return code == -1 && s.err.String() == "" } // of a signal that came before it listened
				if code := s.wait(t, time.Minute); code != 130 && !died(code) {
					t.Fatalf("interrupted, it exits %d:\n%s", code, s.err.String())
				}
			}
			_ = s.cmd.Process.Kill()
			<-s.done
			done++
		case <-s.done:
			t.Fatalf("it ended after %d of %d kills, exit %d: give it more to do or less time\n%s", done, n, s.cmd.ProcessState.ExitCode(), s.err.String())
		}
		if strings.Contains(s.err.String(), "fatal error") || strings.Contains(s.err.String(), "panic:") {
			t.Fatalf("replayd died by itself:\n%s", s.err.String())
		}
		if s.begun() {
			args = st.how(id, more...) // from now on its id says it all
		}
	}
	s := st.start(t, append(args, "--pace", "unlimited")...)
	if code := s.wait(t, 5*time.Minute); code != 0 && code != 3 {
		t.Fatalf("exit %d:\n%s", code, s.err.String())
	}
	return s
}

// begun reports whether the session told of progress: then the replay is known by its id.
func (s *session) begun() bool { return strings.Contains(s.out.String(), `"produced":`) }

// produced is how many events the session has told of.
func (s *session) produced() int64 {
	var last struct{ Produced int64 }
	for line := range strings.SplitSeq(s.out.String(), "\n") {
		_ = json.Unmarshal([]byte(line), &last) // the last line may be incomplete
	}
	return last.Produced
}

func TestKilledAtAnyInstantAndContinuedItIsTheSame(t *testing.T) {
	t.Parallel()
	t.Logf("-seed=%d -kills=%d", *seed, *kills)
	rng := rand.New(rand.NewPCG(*seed, 1))
	k := harness.StartKafka(t, harness.KafkaOptions{Control: true})
	st := newStage(t, k, harness.StartS3(t), archivetest.Big())
	pace := fmt.Sprintf("%d/s", 350_000 / *kills) // slow enough to be killed so often before its end
	s := killed(t, st, "killed", *kills, rng, 3*time.Second, "--pace", pace)
	r := s.receipt(t)
	st.sameCounts(t, r)
	st.verify(t, "killed")
	t.Logf("%d events in %d sessions", r.Produced, r.Sessions)
}

// TestCopiesAtTheEdgesOfTheHorizonWithKillsBetween takes archives full of copies 0.9, 1.0, 1.1 and 1.8 horizons apart.
func TestCopiesAtTheEdgesOfTheHorizonWithKillsBetween(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{Control: true})
	for i := range uint64(4) {
		plan := archivetest.Small(*seed*4 + i)
		id := fmt.Sprintf("edges-%d-%s-%s", plan.Seed, plan.Layout, plan.WindowOn)
		t.Run(id, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(*seed, i))
			st := newStage(t, k, nil, plan)
			s := killed(t, st, id, 6, rng, time.Second, "--pace", "60/s")
			st.sameCounts(t, s.receipt(t))
			st.verify(t, id)
		})
	}
}

func TestABrokerKilledAndRestartedTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	for _, level := range []int16{2, 0} {
		t.Run(map[int16]string{2: "transaction.version 2", 0: "transaction.version 0"}[level], func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(*seed, 2+uint64(level)))
			k := harness.StartKafka(t, harness.KafkaOptions{Control: true, Features: map[string]int16{"transaction.version": level}})
			plan := archivetest.Big()
			plan.Events = 150_000
			st := newStage(t, k, nil, plan)
			s := st.start(t, st.how("broker", append(st.what(), "--pace", "10k/s")...)...)
			await(t, "it to produce", func() bool { return strings.Contains(s.out.String(), `"phase":"running"`) })
			for range 2 {
				time.Sleep(time.Second + time.Duration(rng.Int64N(int64(2*time.Second)))) // a random instant of a real replay
				k.Kill(0)
				k.Restart(0)
			}
			if code := s.wait(t, 5*time.Minute); code != 0 && code != 3 {
				t.Fatalf("exit %d:\n%s", code, s.err.String())
			}
			r := s.receipt(t)
			st.sameCounts(t, r)
			st.verify(t, "broker")
			if r.Sessions != 1 {
				t.Errorf("%d sessions", r.Sessions)
			}
		})
	}
}

func TestTheLaterOfTwoProcessesTakesOver(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{Control: true})
	plan := archivetest.Big()
	plan.Events = 60_000
	st := newStage(t, k, nil, plan)
	args := st.how("two", append(st.what(), "--pace", "6k/s")...)
	early := st.start(t, args...)
	await(t, "the first to produce", func() bool { return strings.Contains(early.out.String(), `"phase":"running"`) })
	late := st.start(t, args...)
	if code := early.wait(t, time.Minute); code != 6 {
		t.Fatalf("the earlier exits %d:\n%s", code, early.err.String())
	}
	if !strings.Contains(early.err.String(), "taken over by") {
		t.Errorf("it does not say by whom: %s", early.err.String())
	}
	if code := late.wait(t, 2*time.Minute); code != 0 && code != 3 {
		t.Fatalf("the later exits %d:\n%s", code, late.err.String())
	}
	r := late.receipt(t)
	st.sameCounts(t, r)
	st.verify(t, "two")
}

func TestAChangedArchiveIsRefusedAndWithLeaveReplayedBehind(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{Control: true})
	plan := archivetest.Plan{Seed: 9, Events: 20_000, MeanSize: 400}
	st := newStage(t, k, nil, plan)
	s := st.start(t, st.how("changed", append(st.what(), "--pace", "2k/s")...)...)
	await(t, "it to commit", func() bool { return s.produced() > 5000 }) // the third chunk: the first is durable
	_ = s.cmd.Process.Kill()
	<-s.done

	// A new object in the window's first hour, with events that would have come first.
	hour := st.plan.From.UTC()
	key := hour.Format("main_stream/2006/01/02/15/") + "dataplatform-x-1-" + hour.Format("2006-01-02-15-04-05") + "-00000000-0000-0000-0000-000000000000"
	added := `{"event_id":"added-1","timestamp":"` + hour.Format(time.RFC3339) + `"}{"event_id":"added-2","timestamp":"` + hour.Add(time.Second).Format(time.RFC3339) + `"}`
	if err := os.WriteFile(filepath.Join(st.folder, key), []byte(added), 0o600); err != nil {
		t.Fatal(err)
	}
	refused := st.start(t, st.how("changed")...)
	if code := refused.wait(t, time.Minute); code != 4 {
		t.Fatalf("exit %d:\n%s", code, refused.err.String())
	}
	for _, word := range []string{"archive-change", key, "--allow archive-change"} {
		if !strings.Contains(refused.err.String(), word) {
			t.Errorf("the refusal does not name %s:\n%s", word, refused.err.String())
		}
	}
	allowed := st.start(t, st.how("changed", "--allow", "archive-change", "--pace", "2k/s")...)
	await(t, "it to commit the change", func() bool { return allowed.produced() > s.produced()+5000 })
	_ = allowed.cmd.Process.Kill()
	<-allowed.done
	last := st.start(t, st.how("changed", "--pace", "unlimited")...)
	if code := last.wait(t, time.Minute); code != 0 {
		t.Fatalf("exit %d:\n%s", code, last.err.String())
	}
	r := last.receipt(t)
	if want := st.oracle.Receipt.Produced + 2; r.Produced != want || !r.Balanced() || !r.Changed {
		t.Errorf("produced %d, want %d; balanced %v, flagged %v", r.Produced, want, r.Balanced(), r.Changed)
	}
}

// await waits until it holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}
