package api

import (
	"log"
	"strings"

	"github.com/rs/zerolog"
)

// quiet passes on what net/http has to say of connections, which is seldom of use: at the level of debugging.
func quiet(to zerolog.Logger) *log.Logger { return log.New(debugging{to}, "", 0) }

// debugging is the io.Writer of such a log.
type debugging struct{ log zerolog.Logger }

func (d debugging) Write(b []byte) (int, error) {
	d.log.Debug().Msg(strings.TrimSpace(string(b)))
	return len(b), nil
}
