package client

// SetMaxResponse sets the limit of the body of an answer, in bytes.
func (c *Client) SetMaxResponse(bytes int64) { c.maxResponse = bytes }
