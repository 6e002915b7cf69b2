// Package sample has what the mutation tester must cope with.
package sample

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const most = 3

var errTooMany = errors.New("too many")

// table is evaluated before any test begins.
var table = map[string]func(int) bool{
	"even": func(n int) bool { return n%2 == 0 },
}

var sizes = [2 + 1]int{0: 5}

type flag bool

// Point is where something was found.
type Point struct {
	X, Y int
	Name string
	Far  bool
}

// Add is tested thoroughly.
func Add(list []int, n int) ([]int, error) {
	if len(list) >= most {
		return nil, errTooMany
	}
	slog.Info("added", "n", n)
	list = append(list, n)
	return list, nil
}

// Sum has a loop that never ends if its last statement is removed.
func Sum(list []int) (sum int) {
	i := 0
	for i < len(list) {
		sum += list[i]
		i++
	}
	return sum
}

// Largest is generic, and what it finds in an empty list is not tested.
func Largest[T ~int | ~string](list []T) (largest T, ok bool) {
	for i, x := range list {
		if i == 0 || x > largest {
			largest = x
		}
	}
	if len(list) == 0 {
		return largest, false
	}
	return largest, true
}

// First leaves two loops by a label.
func First(table [][]int, wanted int) (found Point) {
rows:
	for y, row := range table {
		for x, n := range row {
			if n < 0 {
				continue rows
			}
			if n == wanted {
				found = Point{X: x, Y: y, Name: "found", Far: false}
				break rows
			}
		}
	}
	return found
}

// Both has a condition of a type of its own, which can't be switched.
func Both(a, b flag) flag { return a && b }

// Load passes errors on.
func Load(read func() (string, error)) (string, error) {
	text, err := read()
	if err != nil {
		return "", fmt.Errorf("couldn't load: %w", err) // a comment is no part of what a mutant is called
	}
	return text, nil
}

// Even is told by the table.
func Even(n int) bool {
	check, ok := table["even"]
	return ok && check(n)
}

// Nobody is called by no test.
func Nobody(wait time.Duration) bool {
	switch {
	case wait > 2*time.Second:
		return true
	}
	return !Even(sizes[0])
}
