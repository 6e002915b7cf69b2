package folder

// stamp is what the system says about a file without reading it. Writing to a file changes its stamp, unless the file
// system's clock hasn't ticked meanwhile. Programs can set mtime, but not ctime.
type stamp struct {
	size         int64
	device       uint64
	inode        uint64 // 0 where the system doesn't say; then nothing is remembered of the file
	mtime, ctime int64  // nanoseconds since 1970
}
