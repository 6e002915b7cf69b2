package index

import "github.com/pedigree-ledger/pedigree/gateway/index/cache"

// caches keep what queries need again and again. They are replaced as a whole when the tables were emptied, because an
// id may then mean something else.
type caches struct {
	packs     *cache.Cache[int64, [][]byte]
	txs       *cache.Cache[int64, Recording]
	words     *cache.Cache[int64, string]
	shapes    *cache.Cache[int64, shapeRow]
	nodes     *cache.Cache[int64, *Node]
	summaries *cache.Cache[int64, *TransactionSummary]

	standings *cache.Cache[standingKey, string]

	counter      counter
	declarations declaredEvents
	prefixes     prefixClaims
}

func newCaches() *caches {
	return &caches{
		packs:     cache.New[int64, [][]byte](16),
		txs:       cache.New[int64, Recording](20_000),
		words:     cache.New[int64, string](50_000),
		shapes:    cache.New[int64, shapeRow](10_000),
		nodes:     cache.New[int64, *Node](10_000),
		summaries: cache.New[int64, *TransactionSummary](500),
		standings: cache.New[standingKey, string](20_000),
	}
}

// mostWord is the length of a word or a place above which it isn't cached. It may be as long as the record it stands
// in.
const mostWord = 1 << 10
