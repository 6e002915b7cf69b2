package network

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// lifetime is a flag for how long certificates are valid: a number of days, such as 365d, or a time.Duration.
type lifetime struct{ to *time.Duration }

func addLifetime(cmd *cobra.Command, to *time.Duration, usage string) {
	cmd.Flags().Var(lifetime{to}, "certificate-lifetime", usage)
}

func (l lifetime) Type() string { return "duration" }

func (l lifetime) String() string {
	if l.to == nil {
		return ""
	}
	if *l.to%day != 0 {
		return l.to.String()
	}
	return strconv.Itoa(int(*l.to/day)) + "d"
}

func (l lifetime) Set(text string) error {
	var parsed time.Duration
	var err error
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 12)
		parsed = time.Duration(n) * day
	} else {
		parsed, err = time.ParseDuration(text)
	}
	if err != nil || parsed < time.Minute || parsed > authorityLifetime {
		return fmt.Errorf("it is a number of days such as 365d, or hours such as 12h, from 1m to %dd", authorityLifetime/day)
	}
	*l.to = parsed
	return nil
}
