package kafka

import (
	"context"
	"fmt"
	"strings"

	"replayd/replay"
)

// ItemRights names the refusal of a user to whom the cluster does not allow what a replay takes.
const ItemRights = "rights"

// Ungranted is what an administrator has to grant.
type Ungranted struct {
	Missing []ACL // what the user lacks
	Perhaps []ACL // and lacks too, if the topics that are hidden from it are not there
}

// rights refuses a user that lacks rights. What is looked at later may then be denied, and is passed over.
func (p *preflight) rights(ctx context.Context) error {
	q, err := p.cluster.lacking(ctx, p.spec.Topic, p.settings, p.begun)
	if err == nil && len(q.missing) > 0 {
		p.findings = append(p.findings, p.cluster.refuseRights(p.spec.Topic, q.missing, q.perhaps))
		p.lacks = true
	}
	return err
}

// each looks at one thing after another. What is denied to a user that lacks rights is passed over: it is told already
// what is missing, and is to hear of what else is wrong as far as it may.
func (p *preflight) each(ctx context.Context, looks ...func(context.Context) error) error {
	for _, look := range looks {
		if err := look(ctx); err != nil && !(p.lacks && Denied(err)) {
			return err
		}
	}
	return nil
}

// DeniedBy makes of a denial, which a replay into topic met, the refusal that names all that is missing. Any other error
// comes back as it is, and so does a denial that no list of rights explains.
func (c *Cluster) DeniedBy(ctx context.Context, err error, topic string, s Settings) error {
	if !Denied(err) {
		return err
	}
	q, failed := c.lacking(ctx, topic, s, false)
	if failed != nil || len(q.missing) == 0 {
		return err
	}
	f := c.refuseRights(topic, q.missing, q.perhaps)
	return &replay.Refusal{Item: f.Item, What: f.What, Next: f.Next}
}

// refuseRights is the finding that rights to replay into topic are missing; topic may be empty.
func (c *Cluster) refuseRights(topic string, missing, perhaps []Right) Finding {
	if topic == "" {
		return c.ungranted("replay", missing, perhaps)
	}
	return c.ungranted("replay into topic "+topic, missing, perhaps)
}

// ungranted is the finding that rights to do something are missing, with the commands that grant just them.
func (c *Cluster) ungranted(do string, missing, perhaps []Right) Finding {
	who := c.options.Security.Principal()
	f := Finding{
		Item: ItemRights, Refused: true, Always: true,
		Rights: Ungranted{ACLs(who.Name, missing), ACLs(who.Name, perhaps)},
	}
	if who.IAM {
		f.What = fmt.Sprintf("the cluster does not allow these credentials to %s; missing: %s", do, listed(missing))
		f.Next = "With aws-msk-iam rights are IAM's: let the policy of these credentials allow kafka-cluster:DescribeTopic, ReadData, WriteData, " +
			"DescribeTopicDynamicConfiguration, CreateTopic, DescribeTransactionalId, AlterTransactionalId, WriteDataIdempotently, and for groups " +
			"DescribeGroup and AlterGroup, each for what is named above."
		return f
	}
	f.What = fmt.Sprintf("the cluster does not allow %s to %s; missing: %s", who.Name, do, listed(missing))
	f.Next = c.grantNext(f.Rights, who.Note)
	return f
}

// grantNext are the commands, and what an administrator needs to know of them.
func (c *Cluster) grantNext(u Ungranted, note string) string {
	brokers := strings.Join(c.options.Brokers, ",")
	lines := []string{"Whoever administers the cluster grants it (where brokers want a login, with --command-config FILE). Then type the same again."}
	if note != "" {
		lines = append(lines, note)
	}
	lines = append(lines, GrantCommands(brokers, u.Missing)...)
	if len(u.Perhaps) > 0 {
		lines = append(lines, "And, unless the topics are there already, which this user may not see:")
		lines = append(lines, GrantCommands(brokers, u.Perhaps)...)
	}
	return strings.Join(lines, "\n")
}

func listed(rights []Right) string {
	words := make([]string, len(rights))
	for i, r := range rights {
		words[i] = r.String()
	}
	return strings.Join(words, ", ")
}
