package s3

import (
	"fmt"
	"regexp"
	"strings"

	"replayd/archive"
)

// accessPoint is an access point's ARN with what may stand behind it: in a region, of several regions, on an outpost, of
// Object Lambda.
var accessPoint = regexp.MustCompile(
	`^(arn:aws[a-z-]*:s3(?:-object-lambda|-outposts)?:[a-z0-9-]*:\d{12}:(?:outpost[:/][^:/]+[:/])?accesspoint[:/][^:/]+)(?:/(.*))?$`)

// bucketARN is how consoles and policies write a bucket.
var bucketARN = regexp.MustCompile(`^arn:aws[a-z-]*:s3:::([^:/]+)(?:/(.*))?$`)

// Address splits s3://bucket/prefix. In place of the bucket's name stands an access point's alias, or an ARN. The prefix
// is taken as it is written: nothing in it is escaped.
func Address(address string) (bucket, prefix string, err error) {
	if archive.HasLogin(address) {
		return "", "", archive.ErrLogin
	}
	rest, ok := strings.CutPrefix(address, "s3://")
	if !ok {
		return "", "", fmt.Errorf("%q does not begin with s3://", address)
	}
	if !isARN(rest) {
		bucket, prefix, _ = strings.Cut(rest, "/")
		if bucket == "" {
			return "", "", fmt.Errorf("%q names no bucket: want s3://bucket/prefix", address)
		}
		return bucket, prefix, nil
	}
	for _, form := range []*regexp.Regexp{bucketARN, accessPoint} {
		if found := form.FindStringSubmatch(rest); found != nil {
			return found[1], found[2], nil
		}
	}
	return "", "", fmt.Errorf("%q is the ARN of neither a bucket nor an access point: want s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/prefix", address)
}

func isARN(bucket string) bool { return strings.HasPrefix(bucket, "arn:") }

// regionOf is the region that a bucket's ARN names, empty when none does. An access point of several regions is signed
// for in all of them, so any will do.
func regionOf(bucket string) string {
	parts := strings.Split(bucket, ":")
	switch {
	case !isARN(bucket) || len(parts) < 6:
		return ""
	case parts[3] == "":
		return anyRegion
	}
	return parts[3]
}

// resource is what a policy calls the bucket, or its objects that begin with prefix.
func (s *Store) resource(objects bool) string {
	arn, inside := s.options.Bucket, "/object/"
	if !isARN(arn) {
		arn, inside = "arn:"+partition(s.client.Options().Region)+":s3:::"+arn, "/"
	}
	if objects {
		return arn + inside + s.prefix + "*"
	}
	return arn
}

// partition is the part of AWS that a region belongs to.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
