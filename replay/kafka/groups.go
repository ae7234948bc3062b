package kafka

import (
	"context"
	"fmt"
	"slices"
)

// Missing are the topics that a replay into topic would find missing: control topics, and topic itself.
// Those that are hidden from this user are left out.
func (c *Cluster) Missing(ctx context.Context, topic string) ([]string, error) {
	names := append(c.controlNames(), topic)
	seen, err := c.sight(ctx, names)
	return slices.DeleteFunc(names, func(name string) bool { return !seen[name].missing() }), err
}

// maxGroups is how many groups of a cluster are asked for their offsets.
const maxGroups = 500

// Groups are the consumer groups that have committed offsets of a topic, sorted: they will see what is produced there. A
// group that this user may not describe is left out, and so are groups beyond the first 500 of the cluster.
func (c *Cluster) Groups(ctx context.Context, topic string) ([]string, error) {
	listed, err := c.admin.ListGroups(ctx)
	if err != nil {
		return nil, fmt.Errorf("consumer groups: %w", err)
	}
	names := listed.Groups()
	slices.Sort(names)
	var found []string
	for name, r := range c.admin.FetchManyOffsets(ctx, names[:min(len(names), maxGroups)]...) {
		if r.Err != nil {
			continue
		}
		for _, o := range r.Fetched[topic] {
			if o.At >= 0 && o.Err == nil {
				found = append(found, name)
				break
			}
		}
	}
	slices.Sort(found)
	return found, nil
}
