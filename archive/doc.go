// Package archive holds the words in which the rest of replayd speaks of archived events, and the three interfaces
// behind which the many shapes of an archive stand:
//
//	Store    where the bytes are           archive/dir, archive/s3
//	Layout   which keys belong to an hour  archive/layout
//	Format   how bytes hold events         archive/format
//
// A Source joins the three. Reading one object goes through all of them: a Fetcher turns the store's bodies into one
// unbroken stream of stored bytes, the codec (recognised by its first bytes) into decompressed bytes, and the format
// into entries: events, and ranges that hold no usable event. Offsets always count decompressed bytes.
//
// This package knows neither window, order nor Kafka.
package archive
