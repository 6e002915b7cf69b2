package access

import "io/fs"

func ofRoot(fs.FileInfo) bool { return false }
