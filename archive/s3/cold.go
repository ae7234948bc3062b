package s3

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"replayd/archive"
)

var _ archive.ColdStore = (*Store)(nil)

// cold are the storage classes whose objects cannot be read as they are, with the time that their standard way back
// takes, by AWS's documentation ("Understanding archive retrieval options"). Objects of the class INTELLIGENT_TIERING
// can have moved to archive tiers, which no listing tells: reading them fails.
var cold = map[string]struct{ standard, others string }{
	"GLACIER":      {"3 to 5 hours", "Expedited 1 to 5 minutes, Bulk 5 to 12 hours"},
	"DEEP_ARCHIVE": {"up to 12 hours", "Bulk, which is cheaper, up to 48 hours"},
}

const intelligent = "INTELLIGENT_TIERING"

func storage(class string) archive.Storage {
	if _, ok := cold[class]; ok {
		return archive.Cold
	}
	return archive.Ready
}

// restored notes how far an object of a cold class is on its way back.
func restored(o *archive.Object, ongoing bool, until time.Time) {
	switch {
	case ongoing:
		o.Storage = archive.Restoring
	case !until.IsZero():
		o.Storage, o.Until = archive.Ready, until
	}
}

// Look implements archive.ColdStore.
func (s *Store) Look(ctx context.Context, o archive.Object) (archive.Object, error) {
	input := &s3.HeadObjectInput{
		Bucket: aws.String(s.options.Bucket), Key: aws.String(s.prefix + o.Key), RequestPayer: s.payer(),
	}
	if o.ETag != "" {
		input.IfMatch = aws.String(o.ETag)
	}
	answer, err := s.client.HeadObject(ctx, input)
	if err != nil {
		return o, fmt.Errorf("head %s: %w", s.place(o.Key), s.getError(ctx, o, err))
	}
	o.Storage, o.Until = storage(string(answer.StorageClass)), time.Time{}
	if o.Storage == archive.Cold {
		ongoing, until := parseRestore(aws.ToString(answer.Restore))
		restored(&o, ongoing, until)
	}
	return o, nil
}

// parseRestore reads the header X-Amz-Restore: ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT".
func parseRestore(header string) (ongoing bool, until time.Time) {
	_, date, _ := strings.Cut(header, `expiry-date="`)
	date, _, _ = strings.Cut(date, `"`)
	until, _ = time.Parse(time.RFC1123, date) // nothing known is the zero time
	return strings.Contains(header, `ongoing-request="true"`), until.UTC()
}

// restoreDays is how long the command that is printed keeps a copy: long enough to restore, look, replay and look again.
const restoreDays = 7

// Restore implements archive.ColdStore.
func (s *Store) Restore(o archive.Object) string {
	days := fmt.Sprintf("Days=%d,", restoreDays)
	if o.StorageClass == intelligent { // from whose archive tiers objects move back for good
		days = ""
	}
	words := []string{
		"aws s3api restore-object --bucket", archive.ShellWord(s.options.Bucket), "--key", archive.ShellWord(s.prefix + o.Key),
		"--restore-request '" + days + "GlacierJobParameters={Tier=Standard}'",
	}
	for _, option := range []struct{ flag, value string }{
		{"--profile", s.options.Profile}, {"--region", s.options.Region}, {"--endpoint-url", s.options.Endpoint},
	} {
		if option.value != "" {
			words = append(words, option.flag, archive.ShellWord(option.value))
		}
	}
	if s.options.RequesterPays {
		words = append(words, "--request-payer requester")
	}
	text := "Restore it: " + strings.Join(words, " ")
	if c, ok := cold[o.StorageClass]; ok {
		text += fmt.Sprintf("\nFrom %s that takes %s (%s).", o.StorageClass, c.standard, c.others)
	}
	return text
}
