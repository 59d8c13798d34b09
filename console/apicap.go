package console

import (
	"io"
	"net/http"

	"qiuzhen/broadcast"
)

// apiCAP takes another system's alert, CAP 1.2 XML as the body, into a draft.
func (c *Console) apiCAP(r *http.Request, _ visit) (int, any, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, nil, err
	}
	b, err := broadcast.FromCAP(r.Context(), data, c.Store, c.Now())
	if err != nil {
		return 0, nil, err
	}
	id, err := c.Store.DraftBroadcast(r.Context(), b)
	if err != nil {
		return 0, nil, err
	}
	return c.apiOne(r.Context(), http.StatusCreated, id)
}
