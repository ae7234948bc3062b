package manager

import (
	"fmt"
	"net/http"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// unheard is how long the process of a foreground replay is silent before it is taken for gone. It tells no words: what is heard of
// it are its commits, one a second while it produces, and one in 3 minutes while it waits for its pace or its archive. It is silent
// for minutes while it lists, and while brokers are started anew; longer only where the archive does not answer then, or no broker
// does, or its machine sleeps. To forget one that was alive all the same costs its progress, and neither loses nor doubles events: it
// is fenced.
const unheard = 10 * time.Minute

// foreground reports whether nobody but a process that somebody has typed can end k.
func foreground(k *replay.Known) bool {
	return k.Spec.Owner == replay.OwnerRun && !k.State().Terminal()
}

// heardAt is when the process of a foreground replay was heard last.
func (m *Manager) heardAt(k *replay.Known, now time.Time) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.newest(k, now).at
}

// tooLongAgo reports whether a process that was heard last at an instant is taken for gone.
func tooLongAgo(at, now time.Time) bool { return now.Sub(at) >= unheard }

// beyond is the problem of an act on a replay that only its own process can be told of: where that is, and what to do when it is not
// there any more.
func (m *Manager) beyond(k *replay.Known) *api.Problem {
	now := time.Now()
	id, state, at := k.Spec.ID, k.State(), m.heardAt(k, now)
	where := ""
	if c := k.Checkpoint; c != nil {
		where = fmt.Sprintf(" at %s %d", c.Host, c.PID)
	}
	stands, next := "runs in the foreground", "Stop it there. If it is gone, "
	if state == replay.Paused || state == replay.Failed {
		stands, next = fmt.Sprintf("is %s: it ran in the foreground", state), ""
	}
	p := api.NewProblem(http.StatusConflict, "replay %s %s%s, last heard %s ago", id, stands, where, replay.Ago(now.Sub(at)))
	p.Next = next + "replayd run --id " + id + ", with the flags it was begun with, carries it on"
	if tooLongAgo(at, now) {
		p.Next += ", or an admin forgets it: replayd forget " + id
	} else {
		p.Next += fmt.Sprintf("; when it was silent for %s an admin may forget it", replay.Ago(unheard))
	}
	return p
}
