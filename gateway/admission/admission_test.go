package admission

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ask makes a request of a member or, if the member is "", of somebody at an address.
func ask(path, member, from string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Member", member)
	r.RemoteAddr = from
	return r
}

func newControl(members int) *Control {
	return New(Config{Member: func(r *http.Request) string { return r.Header.Get("Member") }, Members: members})
}

// fill takes places until there are no more, and returns how many it got.
func fill(t *testing.T, c *Control, path, member, from string) (taken int) {
	for {
		_, _, err := c.Admit(httptest.NewRecorder(), ask(path, member, from))
		if err != nil {
			require.ErrorIs(t, err, ErrBusy)
			return taken
		}
		taken++
	}
}

func admits(c *Control, path, member, from string) bool {
	_, release, err := c.Admit(httptest.NewRecorder(), ask(path, member, from))
	if err != nil {
		return false
	}
	release()
	return true
}

func TestOneCallerTakesOnlySomeOfThePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newControl(20)
		assert.Equal(t, eachAnonymous, fill(t, c, "/", "", "10.0.0.1:1"))
		assert.False(t, admits(c, "/", "", "10.0.0.1:2"), "another port is the same source")
		assert.False(t, admits(c, "/", "", "[::ffff:10.0.0.1]:2"), "so is another spelling")
		assert.True(t, admits(c, "/", "", "10.0.0.2:1"))
		assert.True(t, admits(c, "/", "ann", "10.0.0.1:1"), "a member at the same address")
		assert.Equal(t, 10, fill(t, c, "/", "bob", "10.0.0.1:1"), "half of the members' places")
		assert.True(t, admits(c, "/", "ann", "10.0.0.1:1"))
		for _, path := range HealthRoutes {
			assert.True(t, admits(c, path, "", "10.0.0.1:1"), path)
		}
	})
}

func TestAllAnonymousCallersTogetherTakeNoPlacesOfMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newControl(20)
		taken := 0
		for _, from := range []string{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "[2001:db8::1]:1", "10.0.0.5:1"} {
			taken += fill(t, c, "/", "", from)
		}
		assert.Equal(t, anonymous, taken)
		assert.False(t, admits(c, "/", "", "[2001:db8::2]:1"))
		assert.True(t, admits(c, "/", "ann", "10.0.0.9:1"))
		assert.True(t, admits(c, "/healthz", "", "10.0.0.9:1"))
	})
}

func TestAPlaceThatIsFreeAgainGoesToWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := NewPlaces(1, 1)
		release, err := places.Take(t.Context(), "ann")
		require.NoError(t, err)
		got := make(chan error, 1)
		go func() {
			release, err := places.Take(t.Context(), "bob")
			if err == nil {
				release()
			}
			got <- err
		}()
		synctest.Wait()
		release()
		release() // once is enough, and twice does no harm
		assert.NoError(t, <-got)
		assert.Empty(t, places.by, "who has no place is forgotten")
	})
}

func TestWhoLeavesWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := NewPlaces(1, 1)
		_, err := places.Take(t.Context(), "ann")
		require.NoError(t, err)
		ctx, leave := context.WithCancel(t.Context())
		leave()
		_, err = places.Take(ctx, "bob")
		assert.ErrorIs(t, err, context.Canceled)
	})
}

func TestTheFormOfAnAnonymousSenderIsReadBeforeItHasAPlace(t *testing.T) {
	for name, form := range map[string]string{
		"a form": "token=x&next=%2F", "nothing": "", "more than is read before": "token=" + strings.Repeat("x",
			maxForm+10),
	} {
		r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		admitted, release, err := newControl(2).Admit(httptest.NewRecorder(), r)
		require.NoError(t, err)
		text, err := io.ReadAll(admitted.Body)
		require.NoError(t, err)
		assert.Equal(t, form, string(text), name)
		release()
	}
}

func TestSourcesOfConnections(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:80": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1",
		"[2001:db8:1:2:3::4]:80": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:80":      "fe80::/64", "somewhere": "somewhere", "name:80": "name",
	} {
		assert.Equal(t, want, Source(remote), remote)
	}
}
