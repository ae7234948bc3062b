package archivetest

import "github.com/zeebo/xxh3"

// copies remembers every sighting of every body of every id. It forgets nothing: the horizon is looked at, not swept.
type copies struct {
	horizon int64
	bodies  map[xxh3.Uint128][]lastSighting // by id
}

// lastSighting is the latest merge time at which a body was sighted.
type lastSighting struct {
	body xxh3.Uint128
	at   int64
}

// sight notes an event with an id, in merge order, and reports whether its body was sighted at most a horizon before,
// and whether another one was. What is sighted counts, produced or not.
func (c *copies) sight(s *sighting) (same, another bool) {
	if c.bodies == nil {
		c.bodies = map[xxh3.Uint128][]lastSighting{}
	}
	known := c.bodies[s.id]
	own := -1
	for i, k := range known {
		recent := s.merge-k.at <= c.horizon
		if k.body == s.body {
			own, same = i, recent
		} else {
			another = another || recent
		}
	}
	if own < 0 {
		c.bodies[s.id] = append(known, lastSighting{s.body, s.merge})
	} else {
		known[own].at = s.merge
	}
	return same, another
}
