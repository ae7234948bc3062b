package pace

// Join is the setting under which both hold: of each kind of pace the slower. One that is not set leaves the other as it is.
func (s Setting) Join(other Setting) Setting {
	j := Setting{
		events: slower(s.events, other.events), bytes: slower(s.bytes, other.bytes), speed: slower(s.speed, other.speed),
	}
	j.unlimited = j.IsZero() && (s.unlimited || other.unlimited)
	return j
}

// Part is what each of n gets of a setting that holds for all of them together: the n-th part of its rates, at least 1 a
// second, and its whole speed, which says how fast the archive's clock runs and is no load to be divided.
func (s Setting) Part(n int) Setting {
	if n > 1 {
		s.events, s.bytes = part(s.events, n), part(s.bytes, n)
	}
	return s
}

func part[R EventsPerSecond | BytesPerSecond](rate R, n int) R {
	if rate == 0 {
		return 0
	}
	return max(1, rate/R(n))
}
