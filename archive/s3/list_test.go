package s3

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestNamesAreDecodedWhereTheServerSaysItEncodedThem(t *testing.T) {
	for _, c := range []struct {
		encoding types.EncodingType
		listed   string
		want     string
	}{
		{types.EncodingTypeUrl, "a/b%1B%5B2J+%2B%25%0A", "a/b\x1b[2J +%\n"},
		{types.EncodingTypeUrl, "gr%C3%B6%C3%9Fe/o", "größe/o"},
		{"", "a+b%20c", "a+b%20c"},
	} {
		page := &s3.ListObjectsV2Output{EncodingType: c.encoding, Contents: []types.Object{{Key: aws.String(c.listed)}}}
		if err := decodeKeys(page); err != nil || *page.Contents[0].Key != c.want {
			t.Errorf("%q with encoding %q is %q, %v; want %q", c.listed, c.encoding, *page.Contents[0].Key, err, c.want)
		}
	}
	if err := decodeKeys(&s3.ListObjectsV2Output{EncodingType: types.EncodingTypeUrl, Contents: []types.Object{{Key: aws.String("a%zz")}}}); err == nil {
		t.Error("a name that is not encoded passes for one that is")
	}
}
