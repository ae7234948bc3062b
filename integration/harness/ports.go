package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"
)

// Ports lie below 32768, where Linux begins to hand out ephemeral ones: while a killed server is down, nobody's outgoing
// connection can take its port. They are drawn at random because test packages run side by side.
const (
	firstPort    = 20000
	lastPort     = 32767
	portAttempts = 100
)

var ports = struct {
	sync.Mutex
	taken map[int]bool // handed out by this process, in use or not
}{taken: map[int]bool{}}

// FreePort is a port of the loopback interface at which a program of a test may listen, again after it was killed, too.
func FreePort(tb testing.TB) int {
	tb.Helper()
	port, err := freePort()
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// freePort returns a port of the loopback interface that was free a moment ago and is not given out twice.
func freePort() (int, error) {
	ports.Lock()
	defer ports.Unlock()
	for range portAttempts {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if !ports.taken[port] && listens(port) {
			ports.taken[port] = true
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d in %d attempts", firstPort, lastPort, portAttempts)
}

func listens(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return l.Close() == nil
}
