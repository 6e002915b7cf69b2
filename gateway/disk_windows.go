package gateway

// measureDisk knows nothing: no network runs on Windows.
func measureDisk(string) (free, size uint64, ok bool) { return 0, 0, false }
