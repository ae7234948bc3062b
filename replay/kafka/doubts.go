package kafka

import "context"

// doubts are the replays of which one half is missing as far as was read: there are checkpoints and nothing in the config topic,
// or the replay has begun and has no checkpoint. One topic may only be read further than the other; and what is being
// forgotten goes piece by piece. It is certain when all has been read that both held after the doubt came up.
type doubts map[string]*doubt

type doubt struct {
	until   map[topicPartition]int64 // what must have been read
	certain bool
}

// certain reports whether half of a replay is lost.
func (d doubts) certain(id string) bool { return d[id] != nil && d[id].certain }

// weigh takes note of the halves that were found, of what the topics held after that, and of what has been read now. It
// reports whether anything has become certain, or is no more.
func (d doubts) weigh(halves map[string]bool, held, read map[topicPartition]int64) (changed bool) {
	for id, of := range d {
		if !halves[id] {
			changed = changed || of.certain
			delete(d, id)
		}
	}
	for id := range halves {
		switch of := d[id]; {
		case of == nil:
			d[id] = &doubt{until: held}
		case !of.certain && covers(read, of.until):
			of.certain, changed = true, true
		}
	}
	return changed
}

func covers(read, until map[topicPartition]int64) bool {
	for of, end := range until {
		if read[of] < end {
			return false
		}
	}
	return true
}

// doubt looks for replays of which one half is lost.
func (v *View) doubt(ctx context.Context) error {
	v.mu.Lock()
	before := v.halves()
	v.mu.Unlock()
	held := map[topicPartition]int64{}
	for _, name := range []string{configTopic, checkpointTopic} {
		if len(before) == 0 {
			break
		}
		if err := v.held(ctx, v.cluster.topic(name), held); err != nil {
			return err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.halves()
	for id := range now {
		if !before[id] { // the topics were asked too early for it
			delete(now, id)
		}
	}
	if v.doubts.weigh(now, held, v.next) {
		ring(&v.changed)
	}
	return nil
}

// held adds where the partitions of a topic end that hold anything, open transactions included.
func (v *View) held(ctx context.Context, topic string, ends map[topicPartition]int64) error {
	starts, err := v.cluster.offsets(ctx, topic, v.cluster.admin.ListStartOffsets)
	if err != nil {
		return err
	}
	list, err := v.cluster.offsets(ctx, topic, v.cluster.admin.ListEndOffsets)
	if err != nil {
		return err
	}
	for partition, end := range list[topic] {
		if start, _ := starts.Lookup(topic, partition); start.Offset < end.Offset {
			ends[topicPartition{topic, partition}] = end.Offset
		}
	}
	return nil
}

// halves are the replays of which one half is missing now. The lock is held.
func (v *View) halves() map[string]bool {
	ids := map[string]bool{}
	for id, p := range v.progress {
		if len(p.checkpoints) > 0 && v.registry.replays[id] == nil {
			ids[id] = true
		}
	}
	topicID := v.ids[v.cluster.topic(checkpointTopic)]
	for id, of := range v.registry.replays {
		s := of.started.value
		if s == nil || s.CheckpointTopicID != topicID || of.forgetting() != nil {
			continue
		}
		if c := v.progress[id].since(s); c.absent() {
			ids[id] = true
		}
	}
	return ids
}
