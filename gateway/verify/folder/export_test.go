package folder

import "time"

// Age makes it seem that the folder was opened later than it was.
func (f *Folder) Age(by time.Duration) { f.began = f.began.Add(by) }
