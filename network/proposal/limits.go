package proposal

import (
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer"
	"github.com/hyperledger/fabric-protos-go-apiv2/orderer/smartbft"
	"google.golang.org/protobuf/proto"

	"github.com/pedigree-ledger/pedigree/gateway/cli/exit"
)

// Limits are the limits of a block. A zero value leaves a limit as it is.
type Limits struct {
	// Transactions is how many transactions a block has at most.
	Transactions uint32
	// Bytes is how large a block may be, and so the largest transaction. PreferredBytes is the size at which a block is
	// cut.
	Bytes, PreferredBytes uint32
	// Wait is how long a transaction waits for others to fill the block.
	Wait time.Duration
}

// The bounds of Limits. The largest block still fits into a message of a node.
const (
	maxTransactions = 10_000
	maxBlockBytes   = 64 << 20
	minBlockBytes   = 1 << 20 // what a gateway may put into one transaction
	minWait         = time.Millisecond
	maxWait         = 10 * time.Second
)

// SetLimits changes the limits of blocks.
func SetLimits(now *Configuration, l Limits) (*Proposal, error) {
	then := now.Config.Group()
	values := then.GetGroups()["Orderer"].GetValues()
	var size orderer.BatchSize
	var consensus orderer.ConsensusType
	var options smartbft.Options
	if err := readAll(values, map[string]proto.Message{"BatchSize": &size, "ConsensusType": &consensus}); err != nil {
		return nil, err
	}
	if exact, err := decode(consensus.GetMetadata(), &options); err != nil || !exact {
		return nil, exit.Refusedf("the options of the channel's ordering have parts that this program can't read")
	}
	set := func(to *uint32, limit uint32) {
		if limit != 0 {
			*to = limit
		}
	}
	set(&size.MaxMessageCount, l.Transactions)
	set(&size.AbsoluteMaxBytes, l.Bytes)
	set(&size.PreferredMaxBytes, l.PreferredBytes)
	if err := checkLimits(&size, l.Wait); err != nil {
		return nil, err
	}
	// Fabric's orderers take the number and size of transactions from BatchSize, and the wait from these options. Its
	// BatchTimeout has no effect on BFT ordering.
	if l.Wait != 0 {
		options.RequestBatchMaxInterval = l.Wait.String()
	}
	var err error
	if consensus.Metadata, err = encode(&options); err != nil {
		return nil, err
	}
	if err := writeAll(values, map[string]proto.Message{"BatchSize": &size, "ConsensusType": &consensus}); err != nil {
		return nil, err
	}
	return New(now, then, fmt.Sprintf("limit blocks to %d transactions and %d bytes, cut at %d bytes or after %s",
		size.GetMaxMessageCount(), size.GetAbsoluteMaxBytes(), size.GetPreferredMaxBytes(),
		options.GetRequestBatchMaxInterval()))
}

func checkLimits(size *orderer.BatchSize, wait time.Duration) error {
	switch {
	case size.GetMaxMessageCount() < 1 || size.GetMaxMessageCount() > maxTransactions:
		return exit.Usagef("a block has 1 to %d transactions", maxTransactions)
	case size.GetAbsoluteMaxBytes() < minBlockBytes || size.GetAbsoluteMaxBytes() > maxBlockBytes:
		return exit.Usagef("a block may have %d to %d bytes", minBlockBytes, maxBlockBytes)
	case size.GetPreferredMaxBytes() < 1 || size.GetPreferredMaxBytes() > size.GetAbsoluteMaxBytes():
		return exit.Usagef("a block is cut at 1 to %d bytes, the largest size of a block", size.GetAbsoluteMaxBytes())
	case wait != 0 && (wait < minWait || wait > maxWait):
		return exit.Usagef("a transaction waits for others from %s to %s", minWait, maxWait)
	}
	return nil
}

// readAll decodes values of a group by their names. It refuses those that it doesn't understand wholly, because it
// could not write them again.
func readAll(values map[string]*common.ConfigValue, into map[string]proto.Message) error {
	for name, m := range into {
		if exact, err := decode(values[name].GetValue(), m); err != nil || !exact {
			return exit.Refusedf("the channel's %s has parts that this program can't read", name)
		}
	}
	return nil
}

// writeAll encodes values of a group, if their content changes.
func writeAll(values map[string]*common.ConfigValue, from map[string]proto.Message) error {
	for name, m := range from {
		before := m.ProtoReflect().New().Interface()
		if proto.Unmarshal(values[name].GetValue(), before) == nil && proto.Equal(before, m) {
			continue
		}
		content, err := encode(m)
		if err != nil {
			return err
		}
		if values[name] == nil {
			values[name] = &common.ConfigValue{ModPolicy: "Admins"}
		}
		values[name].Value = content
	}
	return nil
}
