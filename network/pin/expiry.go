package pin

// expiry are the mends for certificates that have expired. The channel's configuration has the identity of each
// orderer, and an orderer knows itself by it. So an orderer takes part with the expired one until the channel, in which
// it must take part, has taken the new one.
var expiry = []Mend{
	{
		Module: Module,
		File:   "msp/mspimplsetup.go",
		SHA256: "f49043e2cdce98828cd2a2a3c3bcb6720963ce499a31738832b91424537dd9ce",
		Why: "An orderer whose identity has expired didn't start. If enough orderers were stopped at that time, the " +
			"channel was lost: it couldn't take their new identities, and they couldn't take part with them.",
		edits: []edit{{
			"\t\t\treturn errors.Errorf(\"signing identity expired %v ago\", now.Sub(expirationTime))\n",
			"\t\t\tmspLogger.Warningf(\"The signing identity expired %v ago: renew it\", now.Sub(expirationTime))\n",
		}},
	},
}
