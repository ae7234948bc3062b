package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"replayd/integration/pty"
	"replayd/integration/transcript"
	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// seated is a person at a terminal in whose shell the program runs, and a daemon in memory.
type seated struct {
	*testing.T
	daemon  *planning
	keys    *os.File // what is typed
	written transcript.Transcript
	done    chan struct{} // closed when the shell has ended
}

// planning is a daemon whose plans hold or do not, and that remembers what was started.
type planning struct {
	*apitest.Fake
	refuses atomic.Bool
	frozen  atomic.Bool
	whys    atomic.Bool // it takes nothing without a reason
	idle    atomic.Bool // nothing becomes of what is wished
	started atomic.Pointer[api.Start]
}

func (p *planning) Plan(ctx context.Context, s api.Start) (api.Plan, error) {
	plan, err := p.Fake.Plan(ctx, s)
	plan.Accepted = !p.refuses.Load()
	plan.Lines = []string{"window    four hours", "archive   " + s.Archive, "reads     some objects", "holds     events", "produces  to topic " + s.Topic, "preflight nothing found"}
	return plan, err
}

func (p *planning) Start(ctx context.Context, s api.Start) (api.Replay, bool, error) {
	p.started.Store(&s)
	return p.Fake.Start(ctx, s)
}

// Pause does not answer while the daemon is frozen.
func (p *planning) Pause(ctx context.Context, id string, a api.Act) (api.Replay, error) {
	if p.frozen.Load() {
		<-ctx.Done()
		return api.Replay{}, ctx.Err()
	}
	return p.Fake.Pause(ctx, id, a)
}

func (p *planning) Version(ctx context.Context) (api.Version, error) {
	v, err := p.Fake.Version(ctx)
	v.ReasonRequired = p.whys.Load()
	return v, err
}

func (p *planning) Resume(ctx context.Context, id string, r api.Resume) (api.Replay, error) {
	if p.idle.Load() {
		return p.Replay(ctx, id)
	}
	return p.Fake.Resume(ctx, id, r)
}

// sit types a line. The exit code is what is written last, with how the terminal then stands.
func sit(t *testing.T, line string, prepare func(*planning)) *seated {
	t.Helper()
	s := &seated{T: t, daemon: &planning{Fake: apitest.NewFake()}, done: make(chan struct{})}
	if prepare != nil {
		prepare(s.daemon)
	}
	handler, err := api.NewServer(s.daemon, api.ServerOptions{Listen: "127.0.0.1:0", Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.Handler(handler))
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s.keys = master
	cmd := exec.Command("sh", "-c", `replayd() { "$PROGRAM" "$@"; }; `+line+`; echo "exit $?"; stty -a | grep -o '[-]*echo '`)
	cmd.Env = append(os.Environ(), asProgram+"=1", "PROGRAM="+os.Args[0], "REPLAYD_SERVER="+server.URL, "TERM=xterm", "CI=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	_ = slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		_, _ = io.Copy(&s.written, master) // ends with EIO when nobody has the terminal open any more
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-s.done
		_ = master.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

func (s *seated) presses(keys string) {
	s.Helper()
	if _, err := s.keys.WriteString(keys); err != nil {
		s.Fatal(err)
	}
}

// awaits waits until so.
func (s *seated) awaits(what string, so func() bool) {
	s.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-limit:
			s.Fatalf("waited in vain for %s; the screen shows\n%s", what, pty.Shown(s.written.String()))
		}
	}
}

// sees waits until words stand on the screen.
func (s *seated) sees(words string) {
	s.Helper()
	s.awaits(words, func() bool { return strings.Contains(pty.Shown(s.written.String()), words) })
}

// ends waits for the end, and returns what is left on the screen. The terminal must be as it was.
func (s *seated) ends(code string) string {
	s.Helper()
	s.awaits("the end", func() bool {
		select {
		case <-s.done:
			return true
		default:
			return false
		}
	})
	screen := pty.Shown(s.written.String())
	if !strings.HasSuffix(screen, "exit "+code+"\necho") {
		s.Errorf("it does not end with exit %s and a terminal that echoes:\n%s", code, screen)
	}
	return screen
}

const startAtTerminal = "replayd start --archive payments --from 2026-11-01T12:00:00Z --for 4h --topic replay.payments --id p1"

func TestStartAtATerminalShowsThePlanAndAsks(t *testing.T) {
	t.Parallel()
	for answer, starts := range map[string]bool{"y\n": true, "YES\n": true, "n\n": false, "\n": false, "\x04": false} {
		s := sit(t, startAtTerminal, nil)
		s.sees("start it? [y/N]")
		if s.daemon.started.Load() != nil {
			t.Fatal("it is started before it was asked")
		}
		s.presses(answer)
		screen := s.ends("0")
		if !strings.Contains(screen, "window    four hours\narchive   payments\nreads     some objects\nholds     events\nproduces  to topic replay.payments\npreflight nothing found\nstart it?") {
			t.Errorf("the plan is not shown in its six lines:\n%s", screen)
		}
		asked := s.daemon.started.Load()
		switch {
		case starts != (asked != nil), !starts && !strings.Contains(screen, "nothing was started"):
			t.Errorf("%q: started %+v\n%s", answer, asked, screen)
		case starts && (asked.Plan != "0123" || asked.For != "4h" || asked.AsOf != "2026-11-02T03:00:00Z" || !strings.Contains(screen, "replay p1: running")):
			t.Errorf("started is not what was planned: %+v\n%s", asked, screen)
		}
	}
}

func TestStartAtATerminalAsksNothingInVain(t *testing.T) {
	t.Parallel()
	s := sit(t, startAtTerminal, func(p *planning) { p.refuses.Store(true) })
	if screen := s.ends("4"); strings.Contains(screen, "start it?") || s.daemon.started.Load() != nil {
		t.Errorf("a plan that is refused is offered:\n%s", screen)
	}
	s = sit(t, startAtTerminal+" --yes", nil)
	if screen := s.ends("0"); strings.Contains(screen, "start it?") || s.daemon.started.Load() == nil {
		t.Errorf("--yes is asked:\n%s", screen)
	}
}

// TestStartAtATerminalAsksForTheReasonFirst: a plan takes its time, and would be made in vain.
func TestStartAtATerminalAsksForTheReasonFirst(t *testing.T) {
	t.Parallel()
	s := sit(t, startAtTerminal, func(p *planning) { p.whys.Store(true) })
	if screen := s.ends("2"); !strings.Contains(screen, "--reason is required here: say why, for the audit") || strings.Contains(screen, "window") {
		t.Errorf("who gives no reason sees\n%s", screen)
	}
	s = sit(t, startAtTerminal+" --reason INC-1", func(p *planning) { p.whys.Store(true) })
	s.sees("start it? [y/N]")
	s.presses("y\n")
	s.ends("0")
}

// TestTheSameStartIsShownWhoeverAsks: typed again where it was asked for without a question, and the reverse.
func TestTheSameStartIsShownWhoeverAsks(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"asked behind": startAtTerminal + " --yes && " + startAtTerminal,
		"asked before": startAtTerminal + " && " + startAtTerminal + " --yes && " + startAtTerminal,
	} {
		s := sit(t, line, nil)
		if name == "asked before" {
			s.sees("start it? [y/N]")
			s.presses("y\n")
		}
		if screen := s.ends("0"); !strings.HasSuffix(name, "before") && strings.Contains(screen, "start it?") {
			t.Errorf("%s: what is there is planned again:\n%s", name, screen)
		}
	}
	s := sit(t, startAtTerminal+" --yes && "+startAtTerminal+" --pace 7/s", nil)
	if screen := s.ends("2"); !strings.Contains(screen, "p1") || strings.Contains(screen, "start it?") {
		t.Errorf("another start is\n%s", screen)
	}
}

// watchAtTerminal is a terminal at which a replay is watched.
func watchAtTerminal(t *testing.T) *seated {
	t.Helper()
	return sit(t, "replayd watch p1 --group payments-svc", func(p *planning) { p.begins(t) })
}

// begins starts p1.
func (p *planning) begins(t *testing.T) {
	t.Helper()
	if _, _, err := p.Start(t.Context(), api.Start{ID: "p1", Archive: "payments", From: "2026-11-01T12:00:00Z", To: "2026-11-01T16:00:00Z", Topic: "replay.payments", Pace: "500/s"}); err != nil {
		t.Fatal(err)
	}
}

// TestWhoWaitsAtATerminalMayLeave, and what was asked for stays so.
func TestWhoWaitsAtATerminalMayLeave(t *testing.T) {
	t.Parallel()
	s := sit(t, "trap : INT; replayd resume p1 --wait", func(p *planning) {
		p.begins(t)
		p.idle.Store(true)
		p.Change("p1", func(r *api.Replay) { r.State, r.Queued = replay.Planned, "behind p0" })
	})
	s.sees("waiting: replay p1 is planned, queued: behind p0")
	s.presses("\x03")
	if screen := s.ends("130"); !strings.Contains(screen, "resume stays asked for: replay p1 is planned, queued. Watch it with: replayd watch p1") {
		t.Errorf("Ctrl-C leaves\n%s", screen)
	}
}

func TestADaemonThatDoesNotAnswerHoldsNobody(t *testing.T) {
	t.Parallel()
	for leaving, key := range map[string]string{"q": "q", "Ctrl-C": "\x03"} {
		s := watchAtTerminal(t)
		s.sees("q leave: the replay goes on")
		s.daemon.frozen.Store(true)
		s.presses("p+")
		s.sees("waiting for the daemon")
		s.presses(key)
		if screen := s.ends("130"); !strings.Contains(screen, "watching has ended; replay p1 goes on") {
			t.Errorf("%s leaves\n%s", leaving, screen)
		}
	}
}

func TestKeysOfWatch(t *testing.T) {
	t.Parallel()
	for leaving, key := range map[string]string{"q": "q", "Ctrl-C": "\x03"} {
		s := watchAtTerminal(t)
		stands := func() api.Replay {
			r, err := s.daemon.Replay(t.Context(), "p1")
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		s.sees("q leave: the replay goes on")
		s.sees("group payments-svc (Stable) has 7 offsets left")
		s.presses("p")
		s.awaits("it to be paused", func() bool { return stands().State == replay.Paused })
		s.sees("replay p1: paused")
		s.presses("r")
		s.awaits("it to run", func() bool { return stands().State == replay.Running })
		s.sees("replay p1: running")
		s.presses("+")
		s.awaits("twice its pace", func() bool { return stands().Pace == "1k/s" || stands().Pace == "1000/s" })
		s.sees("pace 1")
		s.presses("-")
		s.awaits("half of that", func() bool { return stands().Pace == "500/s" })
		s.presses("+++")
		s.awaits("eight times its pace", func() bool { return stands().Pace == "4k/s" || stands().Pace == "4000/s" })
		s.presses("---")
		s.awaits("its pace again", func() bool { return stands().Pace == "500/s" })
		s.presses("x" + key)
		if screen := s.ends("130"); !strings.Contains(screen, "watching has ended; replay p1 goes on") || strings.Contains(screen, "q leave") {
			t.Errorf("%s leaves\n%s", leaving, screen)
		}
		if r := stands(); r.State != replay.Running {
			t.Errorf("behind %s it is %s", leaving, r.State)
		}
	}
}

func TestWatchAtATerminalEndsWithTheReceipt(t *testing.T) {
	t.Parallel()
	s := sit(t, startAtTerminal+" --yes --watch", nil)
	s.sees("q leave: the replay goes on")
	s.daemon.Change("p1", func(r *api.Replay) { r.State = replay.Completed })
	if screen := s.ends("0"); !strings.Contains(screen, "produced") || strings.Contains(screen, "q leave") {
		t.Errorf("it ends with\n%s", screen)
	}
}
