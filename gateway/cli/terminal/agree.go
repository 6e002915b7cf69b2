package terminal

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Agree asks a question, and reports whether the answer is yes. Anything else is no, such as the end of the input.
func Agree(in io.Reader, out io.Writer, question string) bool {
	fmt.Fprintf(out, "%s Type yes: ", question)
	answer, _ := bufio.NewReader(in).ReadString('\n')
	return strings.TrimSpace(answer) == "yes"
}
