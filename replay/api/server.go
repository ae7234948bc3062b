package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"reflect"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Limits of the server.
const (
	maxHeader    = 64 << 10         // bytes; a login by JSON Web Token may take some
	headerTime   = 10 * time.Second // for the header to come
	idleTime     = 2 * time.Minute  // of a connection between two requests
	requestTime  = 2 * time.Minute  // for the service to answer
	answerTime   = 30 * time.Second // for an answer to leave, from its beginning
	strangerTime = 5 * time.Second  // likewise, to who has not logged in
	graceTime    = 10 * time.Second // for requests to end when the daemon does
	retrySeconds = "2"              // when there is no place
)

// ServerOptions are those of a Server.
type ServerOptions struct {
	Listen  string         // host:port where it will be reached; refused when others could come without being known
	Auth    *Authenticator // nil: whoever reaches it is an admin
	Denials *Denials       // counts what is denied; nil: nobody does
	Metrics http.Handler   // nil: none
	Observe func(Observed) // is told of each answer, by any goroutine; nil: nobody is
	Log     zerolog.Logger
}

// Server offers a Service over HTTP. It is an http.Handler; Serve also serves it.
type Server struct {
	service   Service
	auth      *Authenticator
	denials   *Denials
	observe   func(Observed)
	log       zerolog.Logger
	routes    *http.ServeMux
	handler   http.Handler
	bodies    *places // that are on their way
	requests  *places
	documents *places
	streams   *places
	stopping  chan struct{} // closed when streams are to end
	stop      func()
}

// NewServer returns the server of a service, which should be guarded (Guard). It refuses to listen where others than this
// machine's users come without being known.
func NewServer(service Service, o ServerOptions) (*Server, error) {
	if o.Auth == nil && !loopback(o.Listen) {
		return nil, fmt.Errorf("server.listen: %s can be reached from other machines, and nobody who comes is asked who they are\n"+
			"Set server.auth.tokens_file (replayd token new makes a token) or server.auth.oidc, or listen on 127.0.0.1", o.Listen)
	}
	s := &Server{
		service: service, auth: o.Auth, denials: o.Denials, observe: o.Observe, log: o.Log, routes: http.NewServeMux(),
		documents: newPlaces("requests for this document", maxDocuments, maxDocuments), stopping: make(chan struct{}),
	}
	s.bodies = s.places("bodies on their way", maxBodies, bodiesOfOne)
	s.requests = s.places("requests", maxRequests, requestsOfOne)
	s.streams = s.places("streams", maxStreams, streamsOfOne)
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	s.register(o.Metrics)
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		NewProblem(http.StatusForbidden, "a page of another origin asked for it").answer(w)
	}))
	s.handler = s.observed(s.contain(hurry(s.local(origin.Handler(s.route(s.known(s.receive(s.timed(s.routes)))))))))
	return s, nil
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// contain answers for what goes wrong inside, and says what every answer says. An answer that has begun is broken off: what
// there is of it must not look like a whole one.
func (s *Server) contain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		a := &answering{ResponseWriter: w, begins: func() { depart(w, r) }}
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if reason == http.ErrAbortHandler {
				panic(reason)
			}
			p := s.incident(fmt.Sprintf("panic: %v\n%s", reason, debug.Stack()))
			if a.status != 0 {
				panic(http.ErrAbortHandler)
			}
			p.answer(a)
		}()
		next.ServeHTTP(a, r)
	})
}

// local refuses names of other hosts where nobody is asked who they are: a page could have its own name lead to this
// machine (DNS rebinding), and would then be of the same origin.
func (s *Server) local(next http.Handler) http.Handler {
	if s.auth != nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "localhost" && net.ParseIP(trimBrackets(host)) == nil {
			p := NewProblem(http.StatusMisdirectedRequest, "this daemon asks nobody who they are, and is not %q", host)
			p.Next = "Reach it by its address or as localhost, or set server.auth."
			p.answer(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func trimBrackets(host string) string {
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		return host[1 : n-1]
	}
	return host
}

// route answers for paths and methods that there are none of, which http.ServeMux would do in plain text.
func (s *Server) route(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		none, pattern := s.routes.Handler(r)
		if pattern != "" && path.Clean(r.URL.Path) == r.URL.Path {
			r.Pattern = pattern // for those between here and there
			next.ServeHTTP(w, r)
			return
		}
		found := &verdict{header: http.Header{}, status: http.StatusNotFound}
		if pattern == "" {
			none.ServeHTTP(found, r)
		}
		p := NewProblem(http.StatusNotFound, "there is no %s", r.URL.Path)
		if allow := found.header.Get("Allow"); found.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", allow)
			p = NewProblem(found.status, "%s does not know %s, but %s", r.URL.Path, r.Method, allow)
		}
		p.Next = "GET /openapi.json tells what there is."
		p.answer(w)
	})
}

// verdict keeps of an answer what http.ServeMux says of a request that nobody handles.
type verdict struct {
	header http.Header
	status int
}

func (v *verdict) Header() http.Header         { return v.header }
func (v *verdict) WriteHeader(status int)      { v.status = status }
func (v *verdict) Write(b []byte) (int, error) { return len(b), nil }

// anyone is who asks where nobody is asked who they are.
func anyone() Principal {
	return Principal{Name: "anonymous", Role: Admin, Archives: Names{Everything}, Topics: Names{Everything}}
}

// known finds out who asks.
func (s *Server) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if open[r.Pattern] {
			next.ServeHTTP(w, r)
			return
		}
		by, err := s.who(r)
		if err != nil {
			s.deny(w, r, err)
			return
		}
		acquaint(r.Context(), by.Name)
		next.ServeHTTP(w, r.WithContext(withBy(r.Context(), by)))
	})
}

func (s *Server) who(r *http.Request) (Principal, error) {
	if s.auth == nil {
		return anyone(), nil
	}
	return s.auth.principal(r)
}

// still reports whether the one who asked is known as before.
func (s *Server) still(r *http.Request) bool {
	by, err := s.who(r)
	return err == nil && reflect.DeepEqual(by, By(r.Context()))
}

// deny answers somebody who is not known. Why is not told further than it helps the owner of a token.
func (s *Server) deny(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problem(r.Context(), err)
	if p.Status == http.StatusUnauthorized {
		challenge := `Bearer realm="replayd"`
		if r.Header.Get("Authorization") != "" {
			challenge += `, error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
		s.denials.Note(Denied{Who: address(r), Act: r.Pattern, Why: p.Detail})
	}
	p.answer(w)
}

// address is where a request came from, without the port, which is another each time.
func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "address unknown"
	}
	return "address " + host
}

// timed gives a request its place and its time. Streams have their own. Probes take no place, so that an orchestrator does not
// restart a daemon that has much to do; what they are answered is small, and leaves when its handler has ended.
func (s *Server) timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if streaming(r) {
			next.ServeHTTP(w, r)
			return
		}
		if places := s.placesOf(r); places != nil {
			leave, none := places.take(By(r.Context()).Name)
			if none != nil {
				none.answer(w)
				return
			}
			defer leave()
		}
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// places are those of this server. Where nobody is asked who they are all are one caller, who may have all of them.
func (s *Server) places(what string, most, ofOne int) *places {
	if s.auth == nil {
		ofOne = most
	}
	return newPlaces(what, most, ofOne)
}

// placesOf are those of which a request takes one; nil: it takes none.
func (s *Server) placesOf(r *http.Request) *places {
	switch r.Pattern {
	case routeHealth.pattern(), routeReady.pattern():
		return nil
	case routeJSON.pattern(), routeYAML.pattern():
		return s.documents
	}
	return s.requests
}

// Serve answers on l until ctx ends. Then streams end, and requests get 10 s to. It closes l, and returns nil when it ended
// because it was told to.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	conns := newConnections(s.places("connections", maxConnections, connectionsOfOne), s.log)
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		WriteTimeout: bodyTime + requestTime + answerTime,              // answers that begin, and streams for each event, set another
		HTTP2:        &http.HTTP2Config{WriteByteTimeout: streamWrite}, // else one that is not read holds all its requests
		ConnContext:  conns.admit, ConnState: conns.changed,
		ErrorLog: quiet(s.log),
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	s.stop()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceTime)
	defer cancel()
	if err := h.Shutdown(grace); err != nil {
		_ = h.Close() // it was asked kindly
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Streams is how many streams of events there are, and how many there may be.
func (s *Server) Streams() (now, most int) { return s.streams.now(), s.streams.most }
