package config

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pedigree-ledger/pedigree/test/markdown"
)

var code = regexp.MustCompile("`([^`]+)`")

func TestTheDocumentationListsTheMembersOfTheConfiguration(t *testing.T) {
	var listed []string
	for _, row := range markdown.Table(t, "../../docs/operating.md", "member", "what it is") {
		for _, name := range code.FindAllStringSubmatch(row[0], -1) {
			listed = append(listed, name[1])
		}
	}
	assert.ElementsMatch(t, members("", reflect.TypeFor[Config]()), listed)
}

// members are the paths of the members of a configuration. A list of objects is listed itself, too.
func members(prefix string, of reflect.Type) []string {
	var all []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		switch field := of.Field(i).Type; {
		case name == "-": // it isn't in the file
		case field.Kind() == reflect.Struct:
			all = append(all, members(prefix+name+".", field)...)
		case field.Kind() == reflect.Slice && field.Elem().Kind() == reflect.Struct:
			all = append(all, prefix+name)
			all = append(all, members(prefix+name+"[].", field.Elem())...)
		default:
			all = append(all, prefix+name)
		}
	}
	return all
}
