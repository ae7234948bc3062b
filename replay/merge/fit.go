package merge

// Fit is how the objects that were taken into a merge fitted into Config.Memory.
type Fit struct {
	Bytes     int64 // stored, of all objects
	Misfits   int64 // of those that did not fit
	ReadTwice int64 // objects
	Spilled   int64 // objects; one may have been read twice before it was spilled

	SpilledBytes int64 // as they stand on disk
	Needs        int64 // most that runs open at the same time hold, or would hold if they were resident
}

// fitting is what is told of one object once it was read.
type fitting struct {
	size    int64 // of its run, if it were resident
	twice   bool
	spilled int64 // bytes
}

// came notes that o is taken into the heap, and left that its run has ended.
func (m *Merger) came(o *Object) {
	f := &o.fitting
	m.held += f.size
	m.fit.Needs = max(m.fit.Needs, m.held)
	m.fit.Bytes += o.Size
	if !f.twice && f.spilled == 0 {
		return
	}
	m.fit.Misfits += o.Size
	if f.twice {
		m.fit.ReadTwice++
	}
	if f.spilled > 0 {
		m.fit.Spilled++
		m.fit.SpilledBytes += f.spilled
	}
	if m.cfg.Misfit != nil {
		m.cfg.Misfit(m.fit)
	}
}

func (m *Merger) left(o *Object) { m.held -= o.fitting.size }

// Fit is how all fitted that was taken so far. It is for the goroutine of Next.
func (m *Merger) Fit() Fit { return m.fit }
