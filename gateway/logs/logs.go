// Package logs says how much the program's processes log, and in which form.
package logs

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/pflag"
)

// The variables that processes of a network inherit. A flag takes their place.
const (
	LevelVariable  = "PEDIGREE_LOG"
	FormatVariable = "PEDIGREE_LOG_FORMAT"
)

// The formats.
const (
	Text = "text" // key=value
	JSON = "json" // one object to a line
)

// Options is how to log.
type Options struct {
	Level  string // debug, info, warn or error
	Format string
}

// Flags adds the flags --log and --log-format. Without them the environment says how to log, and else the defaults do.
func (o *Options) Flags(flags *pflag.FlagSet, defaults Options) {
	flags.StringVar(&o.Level, "log", cmp.Or(os.Getenv(LevelVariable), defaults.Level),
		"what to log: debug, info, warn or error")
	flags.StringVar(&o.Format, "log-format", cmp.Or(os.Getenv(FormatVariable), defaults.Format), "how to log: text or json")
}

// Check returns an error about a level or a format that isn't one.
func (o Options) Check() error {
	if _, err := o.level(); err != nil {
		return err
	}
	if o.Format != Text && o.Format != JSON {
		return fmt.Errorf("--log-format, or %s: %q is neither text nor json", FormatVariable, o.Format)
	}
	return nil
}

func (o Options) level() (l slog.Level, err error) {
	switch o.Level {
	case "debug", "info", "warn", "error":
		err = l.UnmarshalText([]byte(o.Level))
	default:
		err = fmt.Errorf("--log, or %s: %q is none of debug, info, warn and error", LevelVariable, o.Level)
	}
	return l, err
}

// Logger returns a logger that writes to out.
func (o Options) Logger(out io.Writer) (*slog.Logger, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	level, err := o.level()
	if err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: level}
	if o.Format == JSON {
		return slog.New(slog.NewJSONHandler(out, options)), nil
	}
	return slog.New(slog.NewTextHandler(out, options)), nil
}
