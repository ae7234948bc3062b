package kafka

import (
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
)

// denied are answers that time does not change: rights, and names that are not there. A refused login is none of them: the
// first contact has logged in, so a password or a token was changed meanwhile, and its file may still be.
var denied = []error{
	kerr.TopicAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed, kerr.ClusterAuthorizationFailed,
	kerr.GroupAuthorizationFailed, kerr.InvalidTransactionTimeout, kerr.UnsupportedVersion,
	kerr.UnsupportedForMessageFormat, kerr.TransactionalIDNotFound,
}

// refused are answers to records that a repetition of the same records gets again.
var refused = []error{
	kerr.MessageTooLarge, kerr.InvalidTimestamp, kerr.InvalidRecord, kerr.RecordListTooLarge, kerr.PolicyViolation,
	kerr.InvalidTopicException, kerr.UnsupportedCompressionType,
}

// Denied reports whether err is the brokers' word that a right is missing.
func Denied(err error) bool {
	return isOne(err, []error{
		kerr.TopicAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.GroupAuthorizationFailed,
	})
}

// incurable reports whether trying again is of no use. It says nothing of the outcome of what was tried: only the log does.
func incurable(err error) bool { return isOne(err, denied) }

// hopeless reports whether the same records would be refused again.
func hopeless(err error) bool { return isOne(err, refused) || isOne(err, denied) }

// fencing reports whether another session's client got in between.
func fencing(err error) bool {
	return isOne(err, []error{kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidTxnState, kerr.ConcurrentTransactions})
}

func isOne(err error, list []error) bool {
	return slices.ContainsFunc(list, func(known error) bool { return errors.Is(err, known) })
}
