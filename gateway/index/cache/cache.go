// Package cache keeps the entries of a map that were used last, and forgets the others.
package cache

import "sync"

// Cache keeps at least size and at most twice size entries. Several goroutines may use it at once.
//
// It has two generations. When the young one is full it becomes the old one, and the old one is dropped. An entry of
// the old one that is asked for moves to the young one. That is cheaper than a list in the order of use, and exact
// enough.
type Cache[K comparable, V any] struct {
	mutex      sync.Mutex
	size       int
	young, old map[K]V
}

// New makes an empty cache.
func New[K comparable, V any](size int) *Cache[K, V] {
	return &Cache[K, V]{size: size, young: map[K]V{}}
}

// Get finds the value of a key.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.find(key)
}

// GetAll finds the values of many keys, in their order, and lists the keys that have none. It takes the lock once:
// goroutines that read thousands of entries at the same time would otherwise wait for each other at each of them.
func (c *Cache[K, V]) GetAll(keys []K) (values []V, missing []K) {
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

// Put stores the value of a key.
func (c *Cache[K, V]) Put(key K, v V) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.insert(key, v)
}

// PutAll stores values, each of which has its key in it.
func (c *Cache[K, V]) PutAll(values []V, key func(V) K) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, v := range values {
		c.insert(key(v), v)
	}
}

func (c *Cache[K, V]) find(key K) (V, bool) {
	if v, ok := c.young[key]; ok {
		return v, true
	}
	v, ok := c.old[key]
	if ok {
		c.insert(key, v)
	}
	return v, ok
}

func (c *Cache[K, V]) insert(key K, v V) {
	if len(c.young) >= c.size {
		c.young, c.old = make(map[K]V, c.size), c.young
	}
	c.young[key] = v
}
