package api

import (
	"log"
	"strings"

	"github.com/rs/zerolog"
)

// quiet passes on what net/http has to say of connections, which is seldom of use: at the level of debugging.
func quiet(to zerolog.Logger) *log.Logger { return log.New(lines{to}, "", 0) }

type lines struct{ log zerolog.Logger }

func (l lines) Write(b []byte) (int, error) {
	l.log.Debug().Msg(strings.TrimSpace(string(b)))
	return len(b), nil
}
