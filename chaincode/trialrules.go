//go:build trialrules

package chaincode

// A program that is built with the tag trialrules has one more version of the rules. Tests upgrade a network to it. It
// isn't part of any release.
func init() {
	trial := ruleSets[len(ruleSets)-1]
	trial.maxWitnessBytes, trial.changes = 1<<20, "the witnesses of a transaction may have 1 MiB instead of 4"
	ruleSets = append(ruleSets, trial)
}
