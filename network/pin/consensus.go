package pin

import _ "embed" // for the file that is added

const msgprocessor = "orderer/common/msgprocessor/"

//go:embed mends/readable.go.txt
var readable string

// consensus are the mends of the orderers. The last two are about a host that is cut off. The others are about a flood:
// a member's client sends the orderers more than they can agree on in time, so that they replace their leader again and
// again. While they do so, a block may be decided at the same time as its view is given up. Then two goroutines waited
// for one another for ever, in one orderer after the other.
var consensus = []Mend{
	{
		Module: Module,
		File:   msgprocessor + "standardchannel.go",
		SHA256: "eb0f805ea851e5b1290d990564ccae16187dbf41a4a2967e4198ff370225d9a7",
		Why:    "Orderers took, and agreed on, whatever was rightly signed, even if it can't be a transaction.",
		edits: []edit{{
			"\t\tNewSigFilter(policies.ChannelWriters, policies.ChannelOrdererWriters, filterSupport),\n",
			"\t\tNewSigFilter(policies.ChannelWriters, policies.ChannelOrdererWriters, filterSupport),\n\t\treadableRule{},\n",
		}},
	},
	{
		Module: Module,
		File:   msgprocessor + "readable.go",
		Why:    "It is the rule by which orderers refuse what can't be a transaction.",
		text:   readable,
	},
	{
		Module: Module,
		File:   "orderer/consensus/smartbft/util.go",
		SHA256: "484d2f428f7bd3cffd17deec693b59d05d5ad88bb304f22f76e88c7d9c812199",
		Why: "Blocks were as large as a single transaction may be, AbsoluteMaxBytes. To replace a leader, orderers send each " +
			"other several blocks, which took longer than the time to replace it. PreferredMaxBytes had no effect.",
		edits: []edit{{
			"uint64(batchSize.AbsoluteMaxBytes)\n",
			"uint64(batchSize.PreferredMaxBytes)\n",
		}},
	},
	{
		Module: SmartBFT,
		File:   "internal/bft/requestpool.go",
		SHA256: "dffac8bb39eac46351f40f72eb64e4dbec43aeeea9da5e3d6b6f5d788137d8fe",
		Why:    "A request that is larger than blocks should be was never proposed. It gets a block of its own.",
		edits: []edit{{
			"\t\tif totalSize+reqLen > maxSizeBytes {\n",
			"\t\tif totalSize+reqLen > maxSizeBytes && len(batch) > 0 {\n",
		}},
	},
	{
		Module: SmartBFT,
		File:   "internal/bft/view.go",
		SHA256: "d05e9a4dbf5f05e137e1ae80ecb52740049a2758f6ae0eb24851da9a1d862697",
		Why: "Of each block of an earlier leader that comes late, all bytes were written to the log as text: 26 MB for a " +
			"block of 10 MB, in the middle of replacing a leader.",
		edits: []edit{{
			"\t\tv.Logger.Warnf(\"%d got message %v from %d of view %d, expected view %d\", v.SelfID, m, sender,",
			"\t\tv.Logger.Warnf(\"%d got message %v from %d of view %d, expected view %d\", v.SelfID, MsgToString(m), sender,",
		}},
	},
	{
		Module: SmartBFT,
		File:   "internal/bft/controller.go",
		SHA256: "18cbd03a9a830dd92ebf6adcacce1d316b0eea4a2f69a1f9debd1b37095b8833",
		Why: "The view that decided a block waits until it is delivered, unless the view is aborted. The controller then " +
			"delivered the block all the same, and waited for ever to tell a view that had gone.",
		edits: []edit{
			{
				"\tselect {\n\tcase c.deliverChan <- struct{}{}:\n\tcase <-c.stopChan:\n\t\treturn\n\t}\n" +
					"\tc.incrementCurrentDecisionsInView()\n\n",
				"\tclose(d.delivered) // the view may be gone; nobody needs to receive this\n" +
					"\tif c.stopped() {\n\t\treturn\n\t}\n\n",
			},
			{
				"\t\tc.Logger.Panicf(\"Failed to unmarshal proposal metadata, error: %v\", err)\n\t}\n\n" +
					"\tif c.checkIfRotate(md.BlackList) {\n",
				"\t\tc.Logger.Panicf(\"Failed to unmarshal proposal metadata, error: %v\", err)\n\t}\n" +
					"\tif md.ViewId != c.getCurrentViewNumber() {\n" +
					"\t\treturn // an aborted view decided it, and another one has begun\n\t}\n" +
					"\tc.incrementCurrentDecisionsInView()\n\n" +
					"\tif c.checkIfRotate(md.BlackList) {\n",
			},
			{
				"\tselect {\n\tcase c.decisionChan <- decision{\n\t\tproposal:   proposal,\n",
				"\tdelivered := make(chan struct{})\n" +
					"\tselect {\n\tcase c.decisionChan <- decision{\n\t\tdelivered:  delivered,\n\t\tproposal:   proposal,\n",
			},
			{
				"\tcase <-c.deliverChan: // wait",
				"\tcase <-delivered: // wait",
			},
			{
				"type decision struct {\n",
				"type decision struct {\n\tdelivered  chan struct{} // closed when the proposal was delivered\n",
			},
			{
				"\tc.abortViewChan <- view\n",
				"\tselect {\n\tcase c.abortViewChan <- view:\n\tcase <-c.stopChan:\n\t}\n",
			},
			{
				"\tc.viewChange <- viewInfo{proposalSeq: newProposalSequence, viewNumber: newViewNumber}\n",
				"\tselect {\n\tcase c.viewChange <- viewInfo{proposalSeq: newProposalSequence, viewNumber: newViewNumber}:\n" +
					"\tcase <-c.stopChan:\n\t}\n",
			},
		},
	},
	{
		Module: SmartBFT,
		File:   "internal/bft/viewchanger.go",
		SHA256: "bb82bb77276c73cec660a4db480a10051833d88465d7579c9c84b7619bb382b0",
		Why: "When the time for the block of an earlier leader was over, the view changer waited for the view that decided " +
			"the block, which waited for the view changer. And the controller waited to tell the view changer of a view, " +
			"while that waited for the controller.",
		edits: []edit{
			{
				"\tv.inFlightView = inFlightView\n",
				"\t// Nobody may be left to receive these when the time for the proposal is over.\n" +
					"\tv.inFlightDecideChan = make(chan struct{}, 1)\n" +
					"\tv.inFlightSyncChan = make(chan struct{}, 1)\n" +
					"\tv.inFlightView = inFlightView\n",
			},
			{
				"\tselect {\n\tcase v.informChan <- view:\n\tcase <-v.stopChan:\n\t\treturn\n\t}\n",
				"\tfor { // without waiting: a newer view takes the place of one that wasn't received yet\n" +
					"\t\tselect {\n\t\tcase v.informChan <- view:\n\t\t\treturn\n\t\tcase <-v.stopChan:\n\t\t\treturn\n" +
					"\t\tdefault:\n\t\t}\n" +
					"\t\tselect {\n\t\tcase earlier := <-v.informChan:\n\t\t\tview = max(view, earlier)\n\t\tdefault:\n\t\t}\n\t}\n",
			},
		},
	},
	{
		Module: Module,
		File:   "orderer/common/cluster/commauth.go",
		SHA256: "6984b6053cc2a8a22d62b12deda069aef9bd44fc6237419f898ea9e95894e9a6",
		Why: "An orderer that sends to one whose host is cut off waited until a dial had failed, 20 seconds, and agreed on " +
			"nothing with the others meanwhile. They found it dead, and replaced leader after leader.",
		edits: []edit{
			{
				"\t\"strconv\"\n\t\"sync\"\n",
				"\t\"strconv\"\n\t\"sync\"\n\t\"time\"\n",
			},
			{
				"\t\t\tif connState == connectivity.Connecting {\n",
				"\t\t\tif connState == connectivity.Idle { // a stream would wait for the dial\n" +
					"\t\t\t\tconn.Connect()\n" +
					"\t\t\t\tctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)\n" +
					"\t\t\t\tdefer cancel()\n" +
					"\t\t\t\tfor connState == connectivity.Idle || connState == connectivity.Connecting {\n" +
					"\t\t\t\t\tif !conn.WaitForStateChange(ctx, connState) {\n\t\t\t\t\t\tbreak\n\t\t\t\t\t}\n" +
					"\t\t\t\t\tconnState = conn.GetState()\n\t\t\t\t}\n\t\t\t}\n" +
					"\t\t\tif connState == connectivity.Idle || connState == connectivity.Connecting {\n",
			},
		},
	},
	{
		Module: Module,
		File:   "internal/pkg/comm/config.go",
		SHA256: "b163bd2c46364a9cc29da123c0e6e25ad9747a362cc86a81d382a2cd1449ccbb",
		Why:    "A dial to a host that was cut off went on for 20 seconds, and so for as long after the host was back.",
		edits: []edit{{
			"\t\t\tMinConnectTimeout: 20 * time.Second,\n",
			"\t\t\tMinConnectTimeout: 5 * time.Second,\n",
		}},
	},
}
