package main

import "github.com/pion/rtp/codecs"

type rtpVP8 struct{ codecs.VP8Packet }

// startsKeyFrame says whether this payload begins a partition 0 whose frame tag is that of a key frame.
func (p *rtpVP8) startsKeyFrame(payload []byte) bool {
	frame, err := p.Unmarshal(payload)
	return err == nil && p.S == 1 && p.PID == 0 && len(frame) > 0 && frame[0]&1 == 0
}
