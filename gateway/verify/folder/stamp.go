package folder

// stamp is what the system says of a file without reading it. Writing to a file changes it, if no sooner than the clock of
// the file system ticks: programs can set mtime as they like, but not ctime.
type stamp struct {
	size         int64
	device       uint64
	inode        uint64 // 0 where the system doesn't say; then nothing is remembered of the file
	mtime, ctime int64  // nanoseconds since 1970
}
