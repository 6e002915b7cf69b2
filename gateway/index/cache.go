package index

import "sync"

// cache keeps between size and twice size of the entries used last. It has two
// generations: when the young one is full it becomes the old one, and what
// is asked for again moves back. That is all the order that is needed, and
// cheaper than a list.
type cache[K comparable, V any] struct {
	mutex      sync.Mutex
	size       int
	young, old map[K]V
}

// Texts that are longer than these aren't cached: caches count entries, and a
// record may name what is as long as it may be itself.
const (
	mostName = 1 << 10
	mostNode = 16 << 10 // with its links
)

func newCache[K comparable, V any](size int) *cache[K, V] {
	return &cache[K, V]{size: size, young: map[K]V{}}
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.find(key)
}

// all gives what is there of some keys, and which isn't. Those who read
// thousands side by side would wait for each other if they asked one by one.
func (c *cache[K, V]) all(keys []K) (values []V, missing []K) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	values = make([]V, 0, len(keys))
	for _, key := range keys {
		if v, ok := c.find(key); ok {
			values = append(values, v)
		} else {
			missing = append(missing, key)
		}
	}
	return values, missing
}

// putAll puts values under the keys that they tell.
func (c *cache[K, V]) putAll(values []V, key func(V) K) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, v := range values {
		c.insert(key(v), v)
	}
}

func (c *cache[K, V]) find(key K) (V, bool) {
	if v, ok := c.young[key]; ok {
		return v, true
	}
	v, ok := c.old[key]
	if ok {
		c.insert(key, v)
	}
	return v, ok
}

func (c *cache[K, V]) put(key K, v V) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.insert(key, v)
}

func (c *cache[K, V]) insert(key K, v V) {
	if len(c.young) >= c.size {
		c.young, c.old = make(map[K]V, c.size), c.young
	}
	c.young[key] = v
}
