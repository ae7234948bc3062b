package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// serving is what a daemon does, in refusals.
const serving = "serve replays"

// mayServe refuses a user that lacks rights of RightsToServe. It changes nothing, but that a new cluster makes its own topic for
// groups, as it would soon.
func (c *Cluster) mayServe(ctx context.Context) error {
	rights := RightsToServe(c.options.ControlPrefix)
	var topics []string
	for _, r := range rights {
		if r.Resource == kmsg.ACLResourceTypeTopic {
			topics = append(topics, r.Name)
		}
	}
	seen, err := c.sight(ctx, topics)
	if err != nil {
		return err
	}
	var missing []Right
	for _, r := range rights {
		held := !seen[r.Name].hidden() && seen[r.Name].allows(r.Operation)
		if r.Resource == kmsg.ACLResourceTypeGroup {
			if held, err = c.reads(ctx, r.Name); err != nil {
				return err
			}
		}
		if !held {
			missing = append(missing, r)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	f := c.ungranted(serving, missing, nil)
	return &replay.Refusal{Item: f.Item, What: f.What, Next: f.Next}
}

// reads reports whether the user may be in a consumer group. One that is not there yet can be asked about, too.
func (c *Cluster) reads(ctx context.Context, group string) (bool, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups, req.IncludeAuthorizedOperations = []string{group}, true
	resp, err := c.coordinated(ctx, req)
	switch {
	case Denied(err): // already to find the group's coordinator
		return false, nil
	case kerr.IsRetriable(err): // there is none for long: the group itself tells then
		return true, nil
	case err != nil:
		return false, fmt.Errorf("ask what is allowed on group %s: %w", group, err)
	}
	for _, g := range resp.Groups {
		s := sight{kerr.ErrorForCode(g.ErrorCode), g.AuthorizedOperations}
		if Denied(s.err) || s.err == nil && !s.allows(kmsg.ACLOperationRead) {
			return false, nil
		}
	}
	return true, nil
}

// firstGroup is how long the coordinators of groups may take to come up: a new cluster makes their topic when it is first asked
// for one.
const firstGroup = 30 * time.Second

// coordinated asks the coordinator of a group, once there is one.
func (c *Cluster) coordinated(ctx context.Context, req *kmsg.DescribeGroupsRequest) (*kmsg.DescribeGroupsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, firstGroup)
	defer cancel()
	for wait := anyRetry; ; wait = longer(wait) {
		resp, err := req.RequestWith(ctx, c.client)
		if !errors.Is(err, kerr.CoordinatorNotAvailable) || ctx.Err() != nil {
			return resp, err
		}
		sleep(ctx, wait)
	}
}
