package replay

import (
	"fmt"

	"replayd/replay/merge"
	"replayd/replay/pace/quantity"
)

// misfits tells that objects do not fit into memory, once that matters.
type misfits struct {
	options *Options
	told    bool
}

// Misfits are worth a word when they are an eighth of what was read, and a quarter of the memory: before, there is little that
// would be gained.
const (
	misfitShare  = 8
	misfitMemory = 4
)

// look tells how much memory would hold what is merged at the same time. It is asked when entries come out: all that reaches
// over the same instant has been read then.
func (m *misfits) look(f merge.Fit) {
	if m.told || f.Misfits < m.options.Memory/misfitMemory || f.Misfits < f.Bytes/misfitShare {
		return
	}
	m.told = true
	m.options.Notice(fmt.Sprintf("objects that reach over the same instant do not fit into --memory %s: %d were read twice, %d spilled so far, "+
		"which is slower and changes nothing in what comes out. --memory %s would hold them",
		quantity.Format(m.options.Memory, quantity.Bytes), f.ReadTwice, f.Spilled, quantity.Format(m.options.enough(f.Needs), quantity.Bytes)))
}

// enough is more memory, in round numbers, of which runs may hold so much and what pages have to spare.
func (o *Options) enough(needs int64) int64 {
	more := *o
	for more.Memory == o.Memory || divide(more.Memory, o.Open, more.workers()).runs < needs+needs/8 {
		round := int64(64 << 20)
		if more.Memory >= 4<<30 {
			round = 1 << 30
		}
		more.Memory += max(more.Memory/32, round)
		more.Memory -= more.Memory % round
	}
	return more.Memory
}
