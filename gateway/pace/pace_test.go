package pace

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// status sends the beginning of a request, and returns the status of the answer.
func status(t *testing.T, at Pace, sent string) int {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, at.Body(w, r.Body))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			w.WriteHeader(http.StatusRequestTimeout)
		case err != nil:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer server.Close()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer connection.Close()
	_, err = io.WriteString(connection, sent)
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return answer.StatusCode
}

func TestABodyThatStopsIsGivenUp(t *testing.T) {
	const begun = "POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: 10\r\n\r\n12345"
	assert.Equal(t, http.StatusRequestTimeout, status(t, Pace{First: 20 * time.Millisecond}, begun))
	assert.Equal(t, http.StatusOK, status(t, Pace{First: time.Minute}, begun+"67890"))
}

func TestBytesThatHaveComeGiveMoreTime(t *testing.T) {
	body := Pace{First: time.Second, Rate: 10}.Body(httptest.NewRecorder(), io.NopCloser(io.LimitReader(zeros{}, 100)))
	before := body.left()
	_, err := io.Copy(io.Discard, body)
	require.NoError(t, err)
	assert.InDelta(t, 10, (body.left() - before).Seconds(), 1)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
