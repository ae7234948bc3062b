package kafka

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/archive"
)

// ACL is a right of a user, in the words of Kafka's protocol.
type ACL struct {
	Principal string `json:"principal"`
	Operation string `json:"operation"`     // WRITE, DESCRIBE_CONFIGS
	Resource  string `json:"resource_type"` // TOPIC, GROUP, TRANSACTIONAL_ID, CLUSTER
	Name      string `json:"resource_name"`
	Pattern   string `json:"pattern_type"` // LITERAL or PREFIXED
}

// ACLs are rights as what grants them to a principal.
func ACLs(principal string, rights []Right) []ACL {
	list := make([]ACL, 0, len(rights))
	for _, r := range rights {
		pattern := "LITERAL"
		if r.Prefixed {
			pattern = "PREFIXED"
		}
		list = append(list, ACL{principal, r.Operation.String(), r.Resource.String(), r.Name, pattern})
	}
	return list
}

// GrantCommands are lines for a shell, with the tool of Kafka's distribution: as few as it takes to grant all of list.
func GrantCommands(brokers string, list []ACL) []string {
	var lines []string
	for _, g := range grouped(list) {
		lines = append(lines, "kafka-acls.sh --bootstrap-server "+archive.ShellWord(brokers)+" --add --allow-principal "+archive.ShellWord(g.principal)+g.flags())
	}
	return lines
}

// aclGroup are rights that one command grants: the same operations on several resources of a kind.
type aclGroup struct {
	principal, resource, pattern string
	operations, names            []string
}

// grouped makes as few groups of rights as it takes.
func grouped(list []ACL) []*aclGroup {
	var byResource, groups []*aclGroup
	for _, r := range list {
		i := slices.IndexFunc(byResource, func(g *aclGroup) bool {
			return g.resource == r.Resource && g.pattern == r.Pattern && g.names[0] == r.Name
		})
		if i < 0 {
			i = len(byResource)
			byResource = append(byResource, &aclGroup{r.Principal, r.Resource, r.Pattern, nil, []string{r.Name}})
		}
		byResource[i].operations = append(byResource[i].operations, r.Operation)
	}
	for _, g := range byResource {
		slices.Sort(g.operations)
		i := slices.IndexFunc(groups, func(o *aclGroup) bool {
			return o.resource == g.resource && o.pattern == g.pattern && slices.Equal(o.operations, g.operations)
		})
		if i < 0 {
			groups = append(groups, g)
			continue
		}
		groups[i].names = append(groups[i].names, g.names...)
	}
	return groups
}

func (g *aclGroup) flags() string {
	var text strings.Builder
	for _, operation := range g.operations {
		text.WriteString(" --operation " + operationWord(operation))
	}
	for _, name := range g.names {
		switch g.resource {
		case kmsg.ACLResourceTypeCluster.String():
			text.WriteString(" --cluster")
		case kmsg.ACLResourceTypeTransactionalId.String():
			text.WriteString(" --transactional-id " + archive.ShellWord(name))
		case kmsg.ACLResourceTypeGroup.String():
			text.WriteString(" --group " + archive.ShellWord(name))
		default:
			text.WriteString(" --topic " + archive.ShellWord(name))
		}
	}
	if g.pattern == "PREFIXED" {
		text.WriteString(" --resource-pattern-type prefixed")
	}
	return text.String()
}

// operationWord is an operation as kafka-acls.sh takes it: DescribeConfigs.
func operationWord(operation string) string {
	var word strings.Builder
	for part := range strings.SplitSeq(operation, "_") {
		word.WriteString(part[:1] + strings.ToLower(part[1:]))
	}
	return word.String()
}
