package kafka

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Right is one thing that the user of a session must be allowed to do on a cluster with an authorizer.
type Right struct {
	Operation kmsg.ACLOperation
	Resource  kmsg.ACLResourceType
	Name      string // of the resource
	Prefixed  bool   // all resources whose name begins so
}

// String is "WRITE on TOPIC replay.payments", and with a star behind the name when it is a prefix.
func (r Right) String() string {
	name := r.Name
	if r.Prefixed {
		name += "*"
	}
	return fmt.Sprintf("%v on %v %s", r.Operation, r.Resource, name)
}

// clusterName is what Kafka calls the one resource of the type cluster.
const clusterName = "kafka-cluster"

// Rights are the least that a user needs to replay into topic under a control prefix, when all topics are there. A right
// to write or read a topic implies the one to see it.
func Rights(prefix, topic string) []Right {
	control := func(name string) string { return prefix + "." + name }
	rights := []Right{
		on(topic, kmsg.ACLOperationWrite),
		on(topic, kmsg.ACLOperationRead),            // preflight looks at what the newest records are
		on(topic, kmsg.ACLOperationDescribeConfigs), // and at retention, compaction and the size of records
		transactional(prefix),
		on(control(configTopic), kmsg.ACLOperationRead),
		on(control(checkpointTopic), kmsg.ACLOperationRead),
	}
	for _, t := range controlTopics {
		rights = append(rights, on(control(t.name), kmsg.ACLOperationWrite))
	}
	return rights
}

// RightsToLook are what it takes besides to read the quarantine, and to check that the control topics keep what they must.
// Replays run without them; people miss them.
func RightsToLook(prefix string) []Right {
	rights := []Right{on(prefix+"."+quarantineTopic, kmsg.ACLOperationRead)}
	for _, t := range controlTopics {
		rights = append(rights, on(prefix+"."+t.name, kmsg.ACLOperationDescribeConfigs))
	}
	return rights
}

// RightsToCreate are what it takes besides to create the topics: first those of replayd, then the replay topic as like is,
// or when like is empty with the defaults of the brokers, which are looked at before.
func RightsToCreate(prefix, topic, like string) []Right {
	rights := []Right{
		{Operation: kmsg.ACLOperationCreate, Resource: kmsg.ACLResourceTypeTopic, Name: prefix + ".", Prefixed: true},
		on(topic, kmsg.ACLOperationCreate),
	}
	if like != "" {
		return append(rights, on(like, kmsg.ACLOperationDescribe), on(like, kmsg.ACLOperationDescribeConfigs))
	}
	return slices.Concat(rights, []Right{
		{Operation: kmsg.ACLOperationDescribeConfigs, Resource: kmsg.ACLResourceTypeCluster, Name: clusterName},
	})
}

// RightsToServe are what a daemon needs besides those to replay: to share replays with other daemons, and to tell of all.
func RightsToServe(prefix string) []Right {
	return []Right{
		{Operation: kmsg.ACLOperationRead, Resource: kmsg.ACLResourceTypeGroup, Name: prefix + "." + daemonGroup},
		on(prefix+"."+workTopic, kmsg.ACLOperationRead),
		on(prefix+"."+statusTopic, kmsg.ACLOperationRead),
		on(prefix+"."+auditTopic, kmsg.ACLOperationRead),
	}
}

func on(topic string, op kmsg.ACLOperation) Right {
	return Right{Operation: op, Resource: kmsg.ACLResourceTypeTopic, Name: topic}
}

// transactional is the right to transactional ids under a prefix: those of replays, and of the probe before each.
func transactional(prefix string) Right {
	return Right{Operation: kmsg.ACLOperationWrite, Resource: kmsg.ACLResourceTypeTransactionalId, Name: prefix + ".", Prefixed: true}
}
