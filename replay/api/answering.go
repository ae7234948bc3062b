package api

import (
	"net/http"
	"time"
)

// answering knows how an answer has begun.
type answering struct {
	http.ResponseWriter

	begins func() // is called before it does; may be nil
	status int    // 0: it has not begun
}

func (a *answering) WriteHeader(status int) {
	a.begin(status)
	a.ResponseWriter.WriteHeader(status)
}

func (a *answering) begin(status int) {
	if a.status == 0 && a.begins != nil {
		a.begins()
	}
	a.status = status
}

func (a *answering) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.begin(http.StatusOK)
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap is how http.ResponseController finds deadlines.
func (a *answering) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// depart gives an answer that begins its time to leave. For one who has not logged in it is short, and their connection ends with
// it: who may ask by many connections, and by each again and again, could have the daemon do so while others wait.
func depart(w http.ResponseWriter, r *http.Request) {
	within := answerTime
	if strange(r.Context()) {
		within = strangerTime
		w.Header().Set("Connection", "close")
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(within)) // else that of the server holds
}
