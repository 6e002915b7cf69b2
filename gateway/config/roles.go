package config

// The roles of callers. Package access says what each may do.
const (
	Submitter = "submitter"
	Auditor   = "auditor"
	Operator  = "operator"
)

// Roles lists all roles.
var Roles = []string{Submitter, Auditor, Operator}
